using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace InfMatch.Tensors;

/// <summary>128-bit vectors.</summary>
internal readonly unsafe struct Simd128<T> : ISimd<T, Vector128<T>> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static int Width => Vector128<T>.Count;

    public static int TileRows => AdvSimd.IsSupported ? 8 : 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Load(T* p) => Vector128.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<T> v, T* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Broadcast(T value) => Vector128.Create(value);

    // What .NET calls an estimate is the fused instruction where there is one, else a product and a sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> MultiplyAdd(Vector128<T> a, Vector128<T> b, Vector128<T> c) =>
        typeof(T) == typeof(float)
            ? Vector128.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
            : Vector128.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Add(Vector128<T> a, Vector128<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Subtract(Vector128<T> a, Vector128<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Multiply(Vector128<T> a, Vector128<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Relu(Vector128<T> z) =>
        Vector128.AndNot(z, Vector128.LessThan(z, Vector128<T>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> WherePositive(Vector128<T> z, Vector128<T> x) =>
        x & Vector128.GreaterThan(z, Vector128<T>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector128<T> v)
    {
        if (typeof(T) == typeof(double))
            return Vector128.Sum(v.AsDouble());
        (Vector128<double> low, Vector128<double> high) = Vector128.Widen(v.AsSingle());
        return Vector128.Sum(low + high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AccumulateWide(Vector128<T> a, Vector128<T> b, ref Vector128<T> low, ref Vector128<T> high)
    {
        if (typeof(T) == typeof(double))
        {
            low = MultiplyAdd(a, b, low);
            return;
        }
        (Vector128<double> aLow, Vector128<double> aHigh) = Vector128.Widen(a.AsSingle());
        (Vector128<double> bLow, Vector128<double> bHigh) = Vector128.Widen(b.AsSingle());
        // The products of numbers of float32 are exact in float64: fused or not, each sum is rounded once.
        low = Vector128.MultiplyAddEstimate(aLow, bLow, low.AsDouble()).As<double, T>();
        high = Vector128.MultiplyAddEstimate(aHigh, bHigh, high.AsDouble()).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double SumWide(Vector128<T> low, Vector128<T> high) =>
        Vector128.Sum(low.AsDouble() + high.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> PairSums(Vector128<T> a, Vector128<T> b)
    {
        if (typeof(T) == typeof(float))
        {
            // Each 64-bit lane holds a pair: shifted onto itself it holds the sum below, which narrowing gathers.
            Vector128<float> p = a.AsSingle() + (a.AsUInt64() >>> 32).AsSingle();
            Vector128<float> q = b.AsSingle() + (b.AsUInt64() >>> 32).AsSingle();
            return Vector128.Narrow(p.AsUInt64(), q.AsUInt64()).As<uint, T>();
        }
        T* sums = stackalloc T[Vector128<T>.Count];
        for (int i = 0; i < Vector128<T>.Count / 2; i++)
        {
            sums[i] = a[2 * i] + a[2 * i + 1];
            sums[i + Vector128<T>.Count / 2] = b[2 * i] + b[2 * i + 1];
        }
        return Vector128.Load(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> HalfSums(Vector128<T> a, Vector128<T> b) =>
        Vector128.Create(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Duplicate(Vector128<T> v, out Vector128<T> low, out Vector128<T> high)
    {
        if (typeof(T) == typeof(float))
        {
            (Vector128<ulong> p, Vector128<ulong> q) = Vector128.Widen(v.AsUInt32());
            low = (p | (p << 32)).As<ulong, T>();
            high = (q | (q << 32)).As<ulong, T>();
            return;
        }
        T* twice = stackalloc T[2 * Vector128<T>.Count];
        for (int i = 0; i < Vector128<T>.Count; i++)
            twice[2 * i] = twice[2 * i + 1] = v[i];
        low = Vector128.Load(twice);
        high = Vector128.Load(twice + Vector128<T>.Count);
    }
}
