using System.Numerics;

namespace InfMatch.Tensors;

public abstract partial class HostBackend
{
    /// <inheritdoc/>
    public sealed override void MaxPool2d(Pool2dGeometry g, Tensor x, Tensor v, Tensor y)
    {
        if (y.DType == DType.Float32)
            MaxPool2d(g, Block<float>(x), Block<float>(v), Block<float>(y));
        else
            MaxPool2d(g, Block<double>(x), Block<double>(v), Block<double>(y));
        GC.KeepAlive((x, v, y));
    }

    /// <inheritdoc/>
    public sealed override void MaxPool2dGradient(Pool2dGeometry g, Tensor x, Tensor dy, Tensor dx)
    {
        if (dx.DType == DType.Float32)
            MaxPool2dGradient(g, Block<float>(x), Block<float>(dy), Block<float>(dx));
        else
            MaxPool2dGradient(g, Block<double>(x), Block<double>(dy), Block<double>(dx));
        GC.KeepAlive((x, dy, dx));
    }

    /// <summary>As the public method, for one number type.</summary>
    protected abstract void MaxPool2d<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> v, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>As the public method, for one number type.</summary>
    protected abstract void MaxPool2dGradient<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
