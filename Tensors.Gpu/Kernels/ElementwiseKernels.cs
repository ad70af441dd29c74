using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Kernels that give each element a thread.</summary>
internal static class ElementwiseKernels
{
    public static void Fill<T>(ArrayView<T> y, int count, T value) where T : unmanaged
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = value;
    }

    public static void Copy<T>(ArrayView<T> x, ArrayView<T> y, int count) where T : unmanaged
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = x[i];
    }

    /// <summary>y = the numbers of eight parts one behind the other.</summary>
    public static void Concat<T>(Parts<T> parts, ArrayView<T> y, int count) where T : unmanaged
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)count)
            return;
        T value;
        if (i < parts.End0)
            value = parts.Part0[i];
        else if (i < parts.End1)
            value = parts.Part1[i - parts.End0];
        else if (i < parts.End2)
            value = parts.Part2[i - parts.End1];
        else if (i < parts.End3)
            value = parts.Part3[i - parts.End2];
        else if (i < parts.End4)
            value = parts.Part4[i - parts.End3];
        else if (i < parts.End5)
            value = parts.Part5[i - parts.End4];
        else if (i < parts.End6)
            value = parts.Part6[i - parts.End5];
        else
            value = parts.Part7[i - parts.End6];
        y[i] = value;
    }

    /// <summary>y = the bits of x in float64.</summary>
    public static void Widen(ArrayView<float> x, ArrayView<long> y, int count)
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = (long)Float64Bits.Of(x[i], 0);
    }

    /// <summary>y = the float64 numbers whose bits are x, rounded.</summary>
    public static void Narrow(ArrayView<long> x, ArrayView<float> y, int count)
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = Float64Bits.Round((ulong)x[i]);
    }

    public static void Map<T, N, F>(ArrayView<T> x, ArrayView<T> y, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
        where F : struct, IUnaryFunction
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = F.Apply<T, N>(x[i]);
    }

    public static void Zip<T, N, F>(ArrayView<T> a, ArrayView<T> b, ArrayView<T> y, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
        where F : struct, IBinaryFunction
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = F.Apply<T, N>(a[i], b[i]);
    }

    public static void Affine<T>(ArrayView<T> x, ArrayView<T> y, int count, T scale, T shift)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = DeviceIntrinsics.MultiplyAdd(scale, x[i], shift);
    }

    public static void Axpy<T>(ArrayView<T> x, ArrayView<T> y, ArrayView<T> z, int count, T a)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            z[i] = DeviceIntrinsics.MultiplyAdd(a, x[i], y[i]);
    }

    public static void SgdStep<T>(
        ArrayView<T> theta, ArrayView<T> velocity, ArrayView<T> gradient, ArrayView<T> newTheta,
        ArrayView<T> newVelocity, int count, T rate, T momentum, T weightDecay) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)count)
            return;
        T at = theta[i], v = DeviceIntrinsics.MultiplyAdd(weightDecay, at, gradient[i]);
        v = DeviceIntrinsics.MultiplyAdd(momentum, velocity[i], v);
        newVelocity[i] = v;
        newTheta[i] = DeviceIntrinsics.MultiplyAdd(-rate, v, at);
    }

    /// <summary>y = the slice of x that has the given pieces.</summary>
    public static void Slice<T>(ArrayView<T> x, ArrayView<T> y, int count, Pieces pieces) where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = x[pieces.Offset + i / pieces.Length * pieces.Stride + i % pieces.Length];
    }

    /// <summary>The slice of y that has the given pieces = x; the rest of y stays.</summary>
    public static void PutSlice<T>(ArrayView<T> x, ArrayView<T> y, int count, Pieces pieces)
        where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[pieces.Offset + i / pieces.Length * pieces.Stride + i % pieces.Length] = x[i];
    }

    public static void BroadcastTo<T>(ArrayView<T> x, ArrayView<T> y, Stretch s) where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)s.Count)
            return;
        int rest = i / s.D5;
        int source = (i - rest * s.D5) * s.S5;
        int next = rest / s.D4;
        source += (rest - next * s.D4) * s.S4;
        rest = next / s.D3;
        source += (next - rest * s.D3) * s.S3;
        next = rest / s.D2;
        source += (rest - next * s.D2) * s.S2;
        rest = next / s.D1;
        source += (next - rest * s.D1) * s.S1;
        y[i] = x[source + rest * s.S0];
    }
}

/// <summary>Eight parts of a vector and where the first seven end in it.</summary>
internal struct Parts<T> where T : unmanaged
{
    public ArrayView<T> Part0, Part1, Part2, Part3, Part4, Part5, Part6, Part7;
    public int End0, End1, End2, End3, End4, End5, End6;
}

/// <summary>The pieces of memory of a slice: the first one's offset, their length, and the way from one to the
/// next.</summary>
internal struct Pieces
{
    public int Offset, Length, Stride;
}

/// <summary>
/// A stretched shape as up to six merged dimensions, outermost first: their sizes, and the strides of the smaller
/// tensor along them, 0 where it is stretched.
/// </summary>
internal struct Stretch
{
    public int Count, D0, D1, D2, D3, D4, D5, S0, S1, S2, S3, S4, S5;
}
