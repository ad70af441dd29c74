using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Kernels that give each element a thread.</summary>
internal static class ElementwiseKernels
{
    public static void Fill<T>(ArrayView<T> y, int count, T value) where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = value;
    }

    public static void Copy<T>(ArrayView<T> x, ArrayView<T> y, int count) where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = x[i];
    }

    public static void Widen(ArrayView<float> x, ArrayView<double> y, int count)
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = x[i];
    }

    public static void Narrow(ArrayView<double> x, ArrayView<float> y, int count)
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = (float)x[i];
    }

    public static void Map<T, N, F>(ArrayView<T> x, ArrayView<T> y, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
        where F : struct, IDeviceFunction
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = F.Apply<T, N>(x[i]);
    }

    public static void Zip<T, F>(ArrayView<T> a, ArrayView<T> b, ArrayView<T> y, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where F : struct, IBinaryFunction
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = F.Apply(a[i], b[i]);
    }

    public static void Affine<T>(ArrayView<T> x, ArrayView<T> y, int count, T scale, T shift)
        where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            y[i] = scale * x[i] + shift;
    }

    public static void Axpy<T>(ArrayView<T> x, ArrayView<T> y, ArrayView<T> z, int count, T a)
        where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i < (uint)count)
            z[i] = a * x[i] + y[i];
    }

    public static void SgdStep<T>(
        ArrayView<T> theta, ArrayView<T> velocity, ArrayView<T> gradient, ArrayView<T> newTheta,
        ArrayView<T> newVelocity, int count, T rate, T momentum, T weightDecay) where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)count)
            return;
        T v = momentum * velocity[i] + gradient[i] + weightDecay * theta[i];
        newVelocity[i] = v;
        newTheta[i] = theta[i] - rate * v;
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

/// <summary>
/// A stretched shape as up to six merged dimensions, outermost first: their sizes, and the strides of the smaller
/// tensor along them, 0 where it is stretched.
/// </summary>
internal struct Stretch
{
    public int Count, D0, D1, D2, D3, D4, D5, S0, S1, S2, S3, S4, S5;
}
