using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>256-bit vectors.</summary>
internal readonly unsafe struct Simd256<T> : ISimd<T, Vector256<T>> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static int Width => Vector256<T>.Count;

    public static int TileRows => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Load(T* p) => Vector256.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<T> v, T* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Broadcast(T value) => Vector256.Create(value);

    // What .NET calls an estimate is the fused instruction where there is one, else a product and a sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> MultiplyAdd(Vector256<T> a, Vector256<T> b, Vector256<T> c) =>
        typeof(T) == typeof(float)
            ? Vector256.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector256.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Add(Vector256<T> a, Vector256<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Subtract(Vector256<T> a, Vector256<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Multiply(Vector256<T> a, Vector256<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Relu(Vector256<T> z) =>
        Vector256.AndNot(z, Vector256.LessThan(z, Vector256<T>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> WherePositive(Vector256<T> z, Vector256<T> x) =>
        x & Vector256.GreaterThan(z, Vector256<T>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector256<T> v)
    {
        if (typeof(T) == typeof(double))
            return Vector256.Sum(v.AsDouble());
        (Vector256<double> low, Vector256<double> high) = Vector256.Widen(v.AsSingle());
        return Vector256.Sum(low + high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AccumulateWide(Vector256<T> a, Vector256<T> b, ref Vector256<T> low, ref Vector256<T> high)
    {
        if (typeof(T) == typeof(double))
        {
            low = MultiplyAdd(a, b, low);
            return;
        }
        (Vector256<double> aLow, Vector256<double> aHigh) = Vector256.Widen(a.AsSingle());
        (Vector256<double> bLow, Vector256<double> bHigh) = Vector256.Widen(b.AsSingle());
        // The products of numbers of float32 are exact in float64: fused or not, each sum is rounded once.
        low = Vector256.MultiplyAddEstimate(aLow, bLow, low.AsDouble()).As<double, T>();
        high = Vector256.MultiplyAddEstimate(aHigh, bHigh, high.AsDouble()).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double SumWide(Vector256<T> low, Vector256<T> high) =>
        Vector256.Sum(low.AsDouble() + high.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> PairSums(Vector256<T> a, Vector256<T> b)
    {
        if (typeof(T) == typeof(float))
        {
            // Each 64-bit lane holds a pair: shifted onto itself it holds the sum below, which narrowing gathers.
            Vector256<float> p = a.AsSingle() + (a.AsUInt64() >>> 32).AsSingle();
            Vector256<float> q = b.AsSingle() + (b.AsUInt64() >>> 32).AsSingle();
            return Vector256.Narrow(p.AsUInt64(), q.AsUInt64()).As<uint, T>();
        }
        T* sums = stackalloc T[Vector256<T>.Count];
        for (int i = 0; i < Vector256<T>.Count / 2; i++)
        {
            sums[i] = a[2 * i] + a[2 * i + 1];
            sums[i + Vector256<T>.Count / 2] = b[2 * i] + b[2 * i + 1];
        }
        return Vector256.Load(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> HalfSums(Vector256<T> a, Vector256<T> b) =>
        Vector256.Create(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Duplicate(Vector256<T> v, out Vector256<T> low, out Vector256<T> high)
    {
        if (typeof(T) == typeof(float))
        {
            (Vector256<ulong> p, Vector256<ulong> q) = Vector256.Widen(v.AsUInt32());
            low = (p | (p << 32)).As<ulong, T>();
            high = (q | (q << 32)).As<ulong, T>();
            return;
        }
        T* twice = stackalloc T[2 * Vector256<T>.Count];
        for (int i = 0; i < Vector256<T>.Count; i++)
            twice[2 * i] = twice[2 * i + 1] = v[i];
        low = Vector256.Load(twice);
        high = Vector256.Load(twice + Vector256<T>.Count);
    }
}
