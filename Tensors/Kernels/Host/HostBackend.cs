namespace InfMatch.Tensors;

/// <summary>
/// What the backends in host memory share: buffers, copies, and the step from a call's number type to the kernels of
/// that type, which are <c>HostKernels</c>.
/// </summary>
public abstract partial class HostBackend : Backend
{
    /// <summary>Buffers asked of the pool while one that nobody wants is still kept. A training step asks for about a
    /// hundred, a distillation step for a thousand: whatever returns in a loop returns well within.</summary>
    public const int PoolPatience = 1 << 16;

    private readonly HostMemory _memory;

    /// <summary>A backend that takes at most <paramref name="memoryLimit"/> bytes of host memory.</summary>
    private protected HostBackend(string name, long memoryLimit) => _memory = new HostMemory(name, memoryLimit);

    /// <summary>The kernels for float32.</summary>
    private protected abstract HostKernels<float> Float32Kernels { get; }

    /// <summary>The kernels for float64.</summary>
    private protected abstract HostKernels<double> Float64Kernels { get; }

    /// <summary>The class of the kernels for a number type.</summary>
    internal Type KernelsOf(DType dtype) =>
        dtype == DType.Float32 ? Float32Kernels.GetType() : Float64Kernels.GetType();

    /// <inheritdoc/>
    public sealed override MemoryReport Memory => _memory.Report;

    /// <inheritdoc/>
    public sealed override void WatchPeak() => _memory.WatchPeak();

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
    internal HostBlock<T> Block<T>(Tensor tensor) where T : unmanaged
    {
        if (!ReferenceEquals(tensor.Backend, this))
            throw new DeviceException($"A tensor of {tensor.Backend.Name} was given to {Name}. Copy it there first.");
        if (tensor.Storage is not HostStorage<T> storage)
            throw new DTypeException($"A {tensor.DType} tensor {tensor.Shape} meets {DTypes.Of<T>()} ones. Convert one side.");
        CapturedGraph.Uses(storage);
        return new HostBlock<T>(storage.Array, storage.Start + tensor.Offset, tensor.Count);
    }

    /// <inheritdoc/>
    public sealed override void Run<K>(K call)
    {
        KernelOf<K>(call.DType == DType.Float32 ? Float32Kernels : Float64Kernels).Run(call);
        KeepAlive(in call);
    }

    /// <inheritdoc/>
    public sealed override void Map<F>(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            Float32Kernels.Map<F>(Block<float>(x), Block<float>(y));
        else
            Float64Kernels.Map<F>(Block<double>(x), Block<double>(y));
        GC.KeepAlive(x);
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public sealed override void Zip<F>(Tensor a, Tensor b, Tensor y)
    {
        if (y.DType == DType.Float32)
            Float32Kernels.Zip<F>(Block<float>(a), Block<float>(b), Block<float>(y));
        else
            Float64Kernels.Zip<F>(Block<double>(a), Block<double>(b), Block<double>(y));
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(y);
    }
}
