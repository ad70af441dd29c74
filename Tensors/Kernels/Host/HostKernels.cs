using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// The kernels of a backend in host memory for one number type: one <see cref="IKernel{K}"/> for each kind of call, and
/// functions of single numbers. A kernel is written once for float and double, on blocks of host memory.
/// </summary>
internal abstract class HostKernels<T>(HostBackend backend) where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>y_i = f(x_i).</summary>
    public abstract void Map<F>(HostBlock<T> x, HostBlock<T> y) where F : struct, IUnaryFunction;

    /// <summary>y_i = f(a_i, b_i).</summary>
    public abstract void Zip<F>(HostBlock<T> a, HostBlock<T> b, HostBlock<T> y) where F : struct, IBinaryFunction;

    /// <summary>The numbers of a tensor.</summary>
    public HostBlock<T> Block(Tensor tensor) => backend.Block<T>(tensor);

    /// <summary>The numbers of a tensor that may be left out.</summary>
    protected HostBlock<T>? Optional(Tensor? tensor) => tensor is null ? null : Block(tensor);

    /// <summary>The numbers of a tensor that is float64 whatever the others are.</summary>
    protected HostBlock<double> Float64(Tensor tensor) => backend.Block<double>(tensor);
}
