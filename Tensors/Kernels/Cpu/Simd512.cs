using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>512-bit vectors.</summary>
internal readonly unsafe struct Simd512<T> : ISimd<T, Vector512<T>> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static int Width => Vector512<T>.Count;

    public static int TileRows => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Load(T* p) => Vector512.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<T> v, T* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Broadcast(T value) => Vector512.Create(value);

    // What .NET calls an estimate is the fused instruction where there is one, else a product and a sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd(Vector512<T> a, Vector512<T> b, Vector512<T> c) =>
        typeof(T) == typeof(float)
            ? Vector512.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector512.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Add(Vector512<T> a, Vector512<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Subtract(Vector512<T> a, Vector512<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Multiply(Vector512<T> a, Vector512<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Relu(Vector512<T> z) =>
        Vector512.AndNot(z, Vector512.LessThan(z, Vector512<T>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> WherePositive(Vector512<T> z, Vector512<T> x) =>
        x & Vector512.GreaterThan(z, Vector512<T>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector512<T> v)
    {
        if (typeof(T) == typeof(double))
            return Vector512.Sum(v.AsDouble());
        (Vector512<double> low, Vector512<double> high) = Vector512.Widen(v.AsSingle());
        return Vector512.Sum(low + high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AccumulateWide(Vector512<T> a, Vector512<T> b, ref Vector512<T> low, ref Vector512<T> high)
    {
        if (typeof(T) == typeof(double))
        {
            low = MultiplyAdd(a, b, low);
            return;
        }
        (Vector512<double> aLow, Vector512<double> aHigh) = Vector512.Widen(a.AsSingle());
        (Vector512<double> bLow, Vector512<double> bHigh) = Vector512.Widen(b.AsSingle());
        // The products of numbers of float32 are exact in float64: fused or not, each sum is rounded once.
        low = Vector512.MultiplyAddEstimate(aLow, bLow, low.AsDouble()).As<double, T>();
        high = Vector512.MultiplyAddEstimate(aHigh, bHigh, high.AsDouble()).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double SumWide(Vector512<T> low, Vector512<T> high) =>
        Vector512.Sum(low.AsDouble() + high.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> PairSums(Vector512<T> a, Vector512<T> b)
    {
        if (typeof(T) == typeof(float))
        {
            // Each 64-bit lane holds a pair: shifted onto itself it holds the sum below, which narrowing gathers.
            Vector512<float> p = a.AsSingle() + (a.AsUInt64() >>> 32).AsSingle();
            Vector512<float> q = b.AsSingle() + (b.AsUInt64() >>> 32).AsSingle();
            return Vector512.Narrow(p.AsUInt64(), q.AsUInt64()).As<uint, T>();
        }
        T* sums = stackalloc T[Vector512<T>.Count];
        for (int i = 0; i < Vector512<T>.Count / 2; i++)
        {
            sums[i] = a[2 * i] + a[2 * i + 1];
            sums[i + Vector512<T>.Count / 2] = b[2 * i] + b[2 * i + 1];
        }
        return Vector512.Load(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> HalfSums(Vector512<T> a, Vector512<T> b) =>
        Vector512.Create(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Duplicate(Vector512<T> v, out Vector512<T> low, out Vector512<T> high)
    {
        if (typeof(T) == typeof(float))
        {
            (Vector512<ulong> p, Vector512<ulong> q) = Vector512.Widen(v.AsUInt32());
            low = (p | (p << 32)).As<ulong, T>();
            high = (q | (q << 32)).As<ulong, T>();
            return;
        }
        T* twice = stackalloc T[2 * Vector512<T>.Count];
        for (int i = 0; i < Vector512<T>.Count; i++)
            twice[2 * i] = twice[2 * i + 1] = v[i];
        low = Vector512.Load(twice);
        high = Vector512.Load(twice + Vector512<T>.Count);
    }
}
