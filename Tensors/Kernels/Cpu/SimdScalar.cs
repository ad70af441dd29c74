using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// Single numbers in place of vectors, for processors whose vectors .NET does not use (DOTNET_EnableHWIntrinsic=0): its
/// software vectors are calls for each number. float32 is computed in float64 and rounded when it is stored, which takes
/// no longer and leaves sums of a plane as exact as the many lanes of a vector do.
/// </summary>
internal readonly unsafe struct SimdScalar<T> : ISimd<T, double> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static int Width => 1;

    public static int TileRows => 6;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Load(T* p) => typeof(T) == typeof(float) ? *(float*)p : *(double*)p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(double v, T* p)
    {
        if (typeof(T) == typeof(float))
            *(float*)p = (float)v;
        else
            *(double*)p = v;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Broadcast(T value) => Load(&value);

    // Of numbers of float32 the product is exact anyway.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double MultiplyAdd(double a, double b, double c) => a * b + c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Add(double a, double b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Subtract(double a, double b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Multiply(double a, double b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Relu(double z) => z < 0 ? 0 : z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double WherePositive(double z, double x) => z > 0 ? x : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(double v) => v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AccumulateWide(double a, double b, ref double low, ref double high) =>
        low = MultiplyAdd(a, b, low);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double SumWide(double low, double high) => low + high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double PairSums(double a, double b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double HalfSums(double a, double b) =>
        throw new NotSupportedException("A single number has no halves: no row of an image is half a number long.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Duplicate(double v, out double low, out double high) => low = high = v;
}
