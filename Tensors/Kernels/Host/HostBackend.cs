using System.Numerics;
using System.Runtime.InteropServices;

namespace InfMatch.Tensors;

/// <summary>
/// What the backends in host memory share: buffers, copies, and the step from a tensor's number type to a generic
/// kernel. A kernel is written once for float and double, on blocks of host memory.
/// </summary>
public abstract partial class HostBackend : Backend
{
    /// <summary>Buffers asked of the pool while one that nobody wants is still kept. A training step asks for about a
    /// hundred, a distillation step for a thousand: whatever returns in a loop returns well within.</summary>
    public const int PoolPatience = 1 << 16;

    private readonly HostMemory _memory;

    /// <summary>A backend that takes at most <paramref name="memoryLimit"/> bytes of host memory.</summary>
    protected HostBackend(string name, long memoryLimit) => _memory = new HostMemory(name, memoryLimit);

    /// <inheritdoc/>
    public sealed override MemoryReport Memory => _memory.Report;

    /// <summary>The number of times that memory was asked for so far.</summary>
    public long MemoryRequests => _memory.Requests;

    /// <summary>Refuses the memory request of this number as if memory were full; 0 for none. For tests of what an
    /// error in the middle of a step leaves behind.</summary>
    public long RefusedMemoryRequest
    {
        get => _memory.RefusedRequest;
        set => _memory.RefusedRequest = value;
    }

    /// <inheritdoc/>
    protected sealed override Storage Allocate(DType dtype, int length) => dtype == DType.Float32
        ? new HostStorage<float>(this, _memory, length)
        : new HostStorage<double>(this, _memory, length);

    internal sealed override long BytesTaken(DType dtype, int length) => HostMemory.BytesTaken(dtype, length);

    internal sealed override Storage Placeholder(DType dtype, int length) => dtype == DType.Float32
        ? HostStorage<float>.Placeholder(this, length)
        : HostStorage<double>.Placeholder(this, length);

    /// <summary>The numbers of a tensor of this backend.</summary>
    /// <exception cref="DeviceException">The tensor lives elsewhere.</exception>
    /// <exception cref="DTypeException">The tensor holds another number type.</exception>
    protected HostBlock<T> Block<T>(Tensor tensor) where T : unmanaged
    {
        if (!ReferenceEquals(tensor.Backend, this))
            throw new DeviceException($"A tensor of {tensor.Backend.Name} was given to {Name}. Copy it there first.");
        if (tensor.Storage is not HostStorage<T> storage)
            throw new DTypeException($"A {tensor.DType} tensor {tensor.Shape} meets {DTypes.Of<T>()} ones. Convert one side.");
        CapturedGraph.Uses(storage);
        return new HostBlock<T>(storage.Array, storage.Start + tensor.Offset, tensor.Count);
    }

    /// <inheritdoc/>
    public sealed override void Map<F>(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            Map<F, float>(Block<float>(x), Block<float>(y));
        else
            Map<F, double>(Block<double>(x), Block<double>(y));
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public sealed override void Zip<F>(Tensor a, Tensor b, Tensor y)
    {
        if (y.DType == DType.Float32)
            Zip<F, float>(Block<float>(a), Block<float>(b), Block<float>(y));
        else
            Zip<F, double>(Block<double>(a), Block<double>(b), Block<double>(y));
        GC.KeepAlive((a, b, y));
    }

    /// <inheritdoc/>
    public sealed override void Affine(Tensor x, double scale, double shift, Tensor y)
    {
        if (y.DType == DType.Float32)
            Affine(Block<float>(x), (float)scale, (float)shift, Block<float>(y));
        else
            Affine(Block<double>(x), scale, shift, Block<double>(y));
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public sealed override void Axpy(double a, Tensor x, Tensor y, Tensor z)
    {
        if (z.DType == DType.Float32)
            Axpy((float)a, Block<float>(x), Block<float>(y), Block<float>(z));
        else
            Axpy(a, Block<double>(x), Block<double>(y), Block<double>(z));
        GC.KeepAlive((x, y, z));
    }

    /// <inheritdoc/>
    public sealed override void Dot(Tensor x, Tensor y, Tensor result)
    {
        if (x.DType == DType.Float32)
            Dot(Block<float>(x), Block<float>(y), Block<double>(result));
        else
            Dot(Block<double>(x), Block<double>(y), Block<double>(result));
        GC.KeepAlive((x, y, result));
    }

    /// <inheritdoc/>
    public sealed override void BroadcastTo(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            BroadcastTo(Block<float>(x), x.Shape, Block<float>(y), y.Shape);
        else
            BroadcastTo(Block<double>(x), x.Shape, Block<double>(y), y.Shape);
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public sealed override void SumTo(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            SumTo(Block<float>(x), x.Shape, Block<float>(y), y.Shape);
        else
            SumTo(Block<double>(x), x.Shape, Block<double>(y), y.Shape);
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public sealed override void MatMul(Tensor a, bool transposeA, Tensor b, bool transposeB, Tensor y)
    {
        int m = y.Shape[0], n = y.Shape[1], k = transposeA ? a.Shape[0] : a.Shape[1];
        if (y.DType == DType.Float32)
            MatMul(m, n, k, Block<float>(a), transposeA, Block<float>(b), transposeB, Block<float>(y));
        else
            MatMul(m, n, k, Block<double>(a), transposeA, Block<double>(b), transposeB, Block<double>(y));
        GC.KeepAlive((a, b, y));
    }

    /// <inheritdoc/>
    public sealed override void Conv2d(Conv2dGeometry g, Tensor x, Tensor w, Tensor? bias, Tensor y)
    {
        if (y.DType == DType.Float32)
            Conv2d(g, Block<float>(x), Block<float>(w), Optional<float>(bias), Block<float>(y));
        else
            Conv2d(g, Block<double>(x), Block<double>(w), Optional<double>(bias), Block<double>(y));
        GC.KeepAlive((x, w, bias, y));
    }

    /// <inheritdoc/>
    public sealed override void Conv2dInputGradient(Conv2dGeometry g, Tensor dy, Tensor w, Tensor dx)
    {
        if (dx.DType == DType.Float32)
            Conv2dInputGradient(g, Block<float>(dy), Block<float>(w), Block<float>(dx));
        else
            Conv2dInputGradient(g, Block<double>(dy), Block<double>(w), Block<double>(dx));
        GC.KeepAlive((dy, w, dx));
    }

    /// <inheritdoc/>
    public sealed override void Conv2dWeightGradient(Conv2dGeometry g, Tensor x, Tensor dy, Tensor dw)
    {
        if (dw.DType == DType.Float32)
            Conv2dWeightGradient(g, Block<float>(x), Block<float>(dy), Block<float>(dw));
        else
            Conv2dWeightGradient(g, Block<double>(x), Block<double>(dy), Block<double>(dw));
        GC.KeepAlive((x, dy, dw));
    }

    /// <inheritdoc/>
    public sealed override void AvgPool2d(Pool2dGeometry g, Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            AvgPool2d(g, Block<float>(x), Block<float>(y));
        else
            AvgPool2d(g, Block<double>(x), Block<double>(y));
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public sealed override void AvgPool2dGradient(Pool2dGeometry g, Tensor dy, Tensor dx)
    {
        if (dx.DType == DType.Float32)
            AvgPool2dGradient(g, Block<float>(dy), Block<float>(dx));
        else
            AvgPool2dGradient(g, Block<double>(dy), Block<double>(dx));
        GC.KeepAlive((dy, dx));
    }

    /// <inheritdoc/>
    public sealed override void NormReluPool(
        Pool2dGeometry g, double epsilon, Tensor x, Tensor gamma, Tensor beta, Tensor y)
    {
        if (y.DType == DType.Float32)
            NormReluPool(g, epsilon, Block<float>(x), Block<float>(gamma), Block<float>(beta), Block<float>(y));
        else
            NormReluPool(g, epsilon, Block<double>(x), Block<double>(gamma), Block<double>(beta), Block<double>(y));
        GC.KeepAlive((x, gamma, beta, y));
    }

    /// <inheritdoc/>
    public sealed override void NormReluPoolGradient(
        Pool2dGeometry g, double epsilon, Tensor x, Tensor gamma, Tensor beta, Tensor dy,
        Tensor? dx, Tensor? dgamma, Tensor? dbeta)
    {
        if (x.DType == DType.Float32)
        {
            NormReluPoolGradient(
                g, epsilon, Block<float>(x), Block<float>(gamma), Block<float>(beta), Block<float>(dy),
                Optional<float>(dx), Optional<float>(dgamma), Optional<float>(dbeta));
        }
        else
        {
            NormReluPoolGradient(
                g, epsilon, Block<double>(x), Block<double>(gamma), Block<double>(beta), Block<double>(dy),
                Optional<double>(dx), Optional<double>(dgamma), Optional<double>(dbeta));
        }
        GC.KeepAlive((x, gamma, beta, dy, dx, dgamma, dbeta));
    }

    /// <inheritdoc/>
    public sealed override void LogSoftmax(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            LogSoftmax(x.Shape[0], x.Shape[1], Block<float>(x), Block<float>(y));
        else
            LogSoftmax(x.Shape[0], x.Shape[1], Block<double>(x), Block<double>(y));
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public sealed override void CrossEntropy(Tensor logits, Tensor labels, Tensor y)
    {
        (int rows, int columns) = (logits.Shape[0], logits.Shape[1]);
        if (y.DType == DType.Float32)
            CrossEntropy(rows, columns, Block<float>(logits), Block<float>(labels), Block<float>(y));
        else
            CrossEntropy(rows, columns, Block<double>(logits), Block<double>(labels), Block<double>(y));
        GC.KeepAlive((logits, labels, y));
    }

    /// <inheritdoc/>
    public sealed override void CrossEntropyGradient(
        Tensor logits, Tensor labels, Tensor dy, Tensor? dlogits, Tensor? dlabels)
    {
        (int rows, int columns) = (logits.Shape[0], logits.Shape[1]);
        if (logits.DType == DType.Float32)
        {
            CrossEntropyGradient(
                rows, columns, Block<float>(logits), Block<float>(labels), Block<float>(dy),
                Optional<float>(dlogits), Optional<float>(dlabels));
        }
        else
        {
            CrossEntropyGradient(
                rows, columns, Block<double>(logits), Block<double>(labels), Block<double>(dy),
                Optional<double>(dlogits), Optional<double>(dlabels));
        }
        GC.KeepAlive((logits, labels, dy, dlogits, dlabels));
    }

    /// <inheritdoc/>
    public sealed override void GatherRows(Tensor x, ReadOnlySpan<int> indices, Tensor y)
    {
        int row = x.Count / Math.Max(1, x.Shape[0]);
        if (y.DType == DType.Float32)
            GatherRows(row, Block<float>(x), indices, Block<float>(y));
        else
            GatherRows(row, Block<double>(x), indices, Block<double>(y));
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public sealed override void ScatterRows(Tensor dy, ReadOnlySpan<int> indices, Tensor dx)
    {
        int row = dx.Count / Math.Max(1, dx.Shape[0]);
        if (dx.DType == DType.Float32)
            ScatterRows(row, Block<float>(dy), indices, Block<float>(dx));
        else
            ScatterRows(row, Block<double>(dy), indices, Block<double>(dx));
        GC.KeepAlive((dy, dx));
    }

    /// <inheritdoc/>
    public sealed override void AffineSample(Tensor x, Tensor transforms, Tensor y)
    {
        if (y.DType == DType.Float32)
            AffineSample(x.Shape, Block<float>(x), Block<float>(transforms), Block<float>(y));
        else
            AffineSample(x.Shape, Block<double>(x), Block<double>(transforms), Block<double>(y));
        GC.KeepAlive((x, transforms, y));
    }

    /// <inheritdoc/>
    public sealed override void AffineSampleGradient(Tensor dy, Tensor transforms, Tensor dx)
    {
        if (dx.DType == DType.Float32)
            AffineSampleGradient(dx.Shape, Block<float>(dy), Block<float>(transforms), Block<float>(dx));
        else
            AffineSampleGradient(dx.Shape, Block<double>(dy), Block<double>(transforms), Block<double>(dx));
        GC.KeepAlive((dy, transforms, dx));
    }

    /// <inheritdoc/>
    public sealed override void SgdStep(
        Tensor theta, Tensor velocity, Tensor gradient, double rate, double momentum, double weightDecay,
        Tensor newTheta, Tensor newVelocity)
    {
        if (theta.DType == DType.Float32)
        {
            SgdStep(
                Block<float>(theta), Block<float>(velocity), Block<float>(gradient), (float)rate, (float)momentum,
                (float)weightDecay, Block<float>(newTheta), Block<float>(newVelocity));
        }
        else
        {
            SgdStep(
                Block<double>(theta), Block<double>(velocity), Block<double>(gradient), rate, momentum, weightDecay,
                Block<double>(newTheta), Block<double>(newVelocity));
        }
        GC.KeepAlive((theta, velocity, gradient, newTheta, newVelocity));
    }

    private HostBlock<T>? Optional<T>(Tensor? tensor) where T : unmanaged => tensor is null ? null : Block<T>(tensor);

#pragma warning disable CS1591 // the kernels below are the ones above, after the step to a number type
    protected abstract void Map<F, T>(HostBlock<T> x, HostBlock<T> y)
        where F : struct, IUnaryFunction where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void Zip<F, T>(HostBlock<T> a, HostBlock<T> b, HostBlock<T> y)
        where F : struct, IBinaryFunction where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void Affine<T>(HostBlock<T> x, T scale, T shift, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void Axpy<T>(T a, HostBlock<T> x, HostBlock<T> y, HostBlock<T> z)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void Dot<T>(HostBlock<T> x, HostBlock<T> y, HostBlock<double> result)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void BroadcastTo<T>(HostBlock<T> x, Shape from, HostBlock<T> y, Shape to)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void SumTo<T>(HostBlock<T> x, Shape from, HostBlock<T> y, Shape to)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void MatMul<T>(
        int m, int n, int k, HostBlock<T> a, bool transposeA, HostBlock<T> b, bool transposeB, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void Conv2d<T>(
        Conv2dGeometry g, HostBlock<T> x, HostBlock<T> w, HostBlock<T>? bias, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void Conv2dInputGradient<T>(Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void Conv2dWeightGradient<T>(Conv2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dw)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void AvgPool2d<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void AvgPool2dGradient<T>(Pool2dGeometry g, HostBlock<T> dy, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void NormReluPool<T>(
        Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void NormReluPoolGradient<T>(
        Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta, HostBlock<T> dy,
        HostBlock<T>? dx, HostBlock<T>? dgamma, HostBlock<T>? dbeta)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void LogSoftmax<T>(int rows, int columns, HostBlock<T> x, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void CrossEntropy<T>(
        int rows, int columns, HostBlock<T> logits, HostBlock<T> labels, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void CrossEntropyGradient<T>(
        int rows, int columns, HostBlock<T> logits, HostBlock<T> labels, HostBlock<T> dy, HostBlock<T>? dlogits,
        HostBlock<T>? dlabels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void GatherRows<T>(int row, HostBlock<T> x, ReadOnlySpan<int> indices, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void ScatterRows<T>(int row, HostBlock<T> dy, ReadOnlySpan<int> indices, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void AffineSample<T>(Shape shape, HostBlock<T> x, HostBlock<T> transforms, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void AffineSampleGradient<T>(
        Shape shape, HostBlock<T> dy, HostBlock<T> transforms, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    protected abstract void SgdStep<T>(
        HostBlock<T> theta, HostBlock<T> velocity, HostBlock<T> gradient, T rate, T momentum, T weightDecay,
        HostBlock<T> newTheta, HostBlock<T> newVelocity)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
#pragma warning restore CS1591
}
