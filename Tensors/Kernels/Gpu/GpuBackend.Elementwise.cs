using System.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

public sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Fill(Tensor y, double value)
    {
        if (y.Count == 0)
            return;
        if (y.DType == DType.Float32)
            _launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Fill<float>, View<float>(y), y.Count, (float)value);
        else
            _launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Fill<double>, View<double>(y), y.Count, value);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Uniform(RandomKey key, double low, double high, Tensor y)
    {
        if (y.Count == 0)
            return;
        int groups = Groups((y.Count + 1) / 2);
        if (y.DType == DType.Float32)
        {
            _launcher.Launch(
                groups, Threads, RandomKernels.Uniform<float, Float32Numbers>, View<float>(y), y.Count, key.Value, low,
                high - low);
        }
        else
        {
            _launcher.Launch(
                groups, Threads, RandomKernels.Uniform<double, Float64Numbers>, View<double>(y), y.Count, key.Value, low,
                high - low);
        }
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            Copy<float>(x, y);
        else
            Copy<double>(x, y);
    }

    private void Copy<T>(Tensor x, Tensor y) where T : unmanaged, INumber<T>
    {
        (ArrayView<T> from, ArrayView<T> to) = (View<T>(x), View<T>(y));
        if (y.Count > 0)
            _launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Copy<T>, from, to, y.Count);
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void Concat(ReadOnlySpan<Tensor> parts, Tensor y)
    {
        if (y.DType == DType.Float32)
            Concat<float>(parts, y);
        else
            Concat<double>(parts, y);
    }

    // Eight parts a launch: the gradient of a network's flat parameters has sixteen parts and more, most of them tiny.
    private void Concat<T>(ReadOnlySpan<Tensor> parts, Tensor y) where T : unmanaged, INumber<T>
    {
        ArrayView<T> to = View<T>(y);
        List<(ArrayView<T> View, int Count)> filled = [];
        foreach (Tensor part in parts)
        {
            ArrayView<T> view = View<T>(part);
            if (part.Count > 0)
                filled.Add((view, part.Count));
        }
        int start = 0;
        foreach ((ArrayView<T> View, int Count)[] few in filled.Chunk(8))
        {
            ArrayView<T> At(int i) => i < few.Length ? few[i].View : to;
            int EndOf(int i) => few.Take(i + 1).Sum(part => part.Count);
            int count = EndOf(7);
            var eight = new Parts<T>
            {
                Part0 = At(0), Part1 = At(1), Part2 = At(2), Part3 = At(3), Part4 = At(4), Part5 = At(5), Part6 = At(6),
                Part7 = At(7), End0 = EndOf(0), End1 = EndOf(1), End2 = EndOf(2), End3 = EndOf(3), End4 = EndOf(4),
                End5 = EndOf(5), End6 = EndOf(6),
            };
            _launcher.Launch(
                Groups(count), Threads, ElementwiseKernels.Concat<T>, eight, to.SubView(start, count), count);
            start += count;
        }
        foreach (Tensor part in parts)
            GC.KeepAlive(part);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Convert(Tensor x, Tensor y)
    {
        if (x.DType == y.DType)
        {
            Copy(x, y);
            return;
        }
        if (y.Count == 0)
            return;
        int groups = Groups(y.Count);
        if (x.DType == DType.Float32)
            _launcher.Launch(groups, Threads, ElementwiseKernels.Widen, View<float>(x), View<double>(y), y.Count);
        else
            _launcher.Launch(groups, Threads, ElementwiseKernels.Narrow, View<double>(x), View<float>(y), y.Count);
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void Map<F>(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            Map<float, Float32Numbers, F>(x, y);
        else
            Map<double, Float64Numbers, F>(x, y);
    }

    private void Map<T, N, F>(Tensor x, Tensor y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
        where F : struct, IUnaryFunction
    {
        (ArrayView<T> from, ArrayView<T> to) = (View<T>(x), View<T>(y));
        if (y.Count > 0)
            _launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Map<T, N, F>, from, to, y.Count);
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void Zip<F>(Tensor a, Tensor b, Tensor y)
    {
        if (y.DType == DType.Float32)
            Zip<float, Float32Numbers, F>(a, b, y);
        else
            Zip<double, Float64Numbers, F>(a, b, y);
    }

    private void Zip<T, N, F>(Tensor a, Tensor b, Tensor y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
        where F : struct, IBinaryFunction
    {
        (ArrayView<T> p, ArrayView<T> q, ArrayView<T> to) = (View<T>(a), View<T>(b), View<T>(y));
        if (y.Count > 0)
            _launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Zip<T, N, F>, p, q, to, y.Count);
        GC.KeepAlive((a, b, y));
    }

    /// <inheritdoc/>
    public override void Affine(Tensor x, double scale, double shift, Tensor y)
    {
        if (y.DType == DType.Float32)
            Affine(x, (float)scale, (float)shift, y);
        else
            Affine<double>(x, scale, shift, y);
    }

    private void Affine<T>(Tensor x, T scale, T shift, Tensor y) where T : unmanaged, INumber<T>
    {
        (ArrayView<T> from, ArrayView<T> to) = (View<T>(x), View<T>(y));
        if (y.Count > 0)
            _launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.Affine<T>, from, to, y.Count, scale, shift);
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void Axpy(double a, Tensor x, Tensor y, Tensor z)
    {
        if (z.DType == DType.Float32)
            Axpy((float)a, x, y, z);
        else
            Axpy<double>(a, x, y, z);
    }

    private void Axpy<T>(T a, Tensor x, Tensor y, Tensor z) where T : unmanaged, INumber<T>
    {
        (ArrayView<T> p, ArrayView<T> q, ArrayView<T> to) = (View<T>(x), View<T>(y), View<T>(z));
        if (z.Count > 0)
            _launcher.Launch(Groups(z.Count), Threads, ElementwiseKernels.Axpy<T>, p, q, to, z.Count, a);
        GC.KeepAlive((x, y, z));
    }

    /// <inheritdoc/>
    public override void SgdStep(
        Tensor theta, Tensor velocity, Tensor gradient, double rate, double momentum, double weightDecay,
        Tensor newTheta, Tensor newVelocity)
    {
        if (theta.Count == 0)
            return;
        int groups = Groups(theta.Count);
        if (theta.DType == DType.Float32)
        {
            _launcher.Launch(
                groups, Threads, ElementwiseKernels.SgdStep<float>, View<float>(theta), View<float>(velocity),
                View<float>(gradient), View<float>(newTheta), View<float>(newVelocity), theta.Count, (float)rate,
                (float)momentum, (float)weightDecay);
        }
        else
        {
            _launcher.Launch(
                groups, Threads, ElementwiseKernels.SgdStep<double>, View<double>(theta), View<double>(velocity),
                View<double>(gradient), View<double>(newTheta), View<double>(newVelocity), theta.Count, rate, momentum,
                weightDecay);
        }
        GC.KeepAlive((theta, velocity, gradient, newTheta, newVelocity));
    }

    /// <inheritdoc/>
    public override void BroadcastTo(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            BroadcastTo<float>(x, y);
        else
            BroadcastTo<double>(x, y);
    }

    private void BroadcastTo<T>(Tensor x, Tensor y) where T : unmanaged, INumber<T>
    {
        (ArrayView<T> from, ArrayView<T> to) = (View<T>(x), View<T>(y));
        if (y.Count > 0)
            _launcher.Launch(Groups(y.Count), Threads, ElementwiseKernels.BroadcastTo<T>, from, to, Merged.StretchOf(x.Shape, y.Shape));
        GC.KeepAlive((x, y));
    }
}
