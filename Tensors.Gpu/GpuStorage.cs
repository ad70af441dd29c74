using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

#pragma warning disable MA0055, CA1816 // the finalizer hands a forgotten buffer to the pool, which lives as long as the device
/// <summary>A device buffer, one that shows another's memory, or one without memory for kernels that are not run.</summary>
internal sealed class GpuStorage : Storage
{
    private readonly GpuMemory _memory;
    private readonly GpuStorage? _shown; // keeps what is shown from the finalizer
    private readonly bool _isRented;
    private MemoryBuffer1D<byte, Stride1D.Dense>? _buffer;

    public GpuStorage(Backend backend, GpuMemory memory, DType dtype, int length) : base(backend, dtype, length)
    {
        _memory = memory;
        _buffer = memory.Rent((long)length * dtype.Size());
        _isRented = true;
    }

    private GpuStorage(
        Backend backend, GpuMemory memory, DType dtype, int length, MemoryBuffer1D<byte, Stride1D.Dense> buffer,
        GpuStorage? shown)
        : base(backend, dtype, length)
    {
        (_memory, _buffer, _shown) = (memory, buffer, shown);
        GC.SuppressFinalize(this);
    }

    ~GpuStorage()
    {
        if (_isRented && _buffer is { } buffer)
            _memory.Return(buffer);
    }

    /// <summary>A buffer of any length without memory.</summary>
    public static GpuStorage Placeholder(Backend backend, GpuMemory memory, DType dtype, int length) =>
        new(backend, memory, dtype, length, memory.Nothing, shown: null);

    /// <summary>The whole buffer.</summary>
    public MemoryBuffer1D<byte, Stride1D.Dense> Buffer => IsReleased || _buffer is null
        ? throw new ObjectDisposedException(
            nameof(Tensor), "This tensor's memory went back to the pool when its scope ended. Keep() it in that scope.")
        : _buffer;

    // Not by SubView, which would measure a placeholder by its buffer.
    public ArrayView<T> View<T>(int offset, int count) where T : unmanaged => new(Buffer, offset, count);

    internal override Storage Share(int length) => new GpuStorage(Backend, _memory, DType, length, Buffer, this);

    internal override void Poison() => _memory.Poison(Buffer);

    protected override void ReturnBuffer()
    {
        GC.SuppressFinalize(this);
        MemoryBuffer1D<byte, Stride1D.Dense> buffer = _buffer!;
        _buffer = null;
        if (_isRented)
            _memory.Return(buffer);
        GC.KeepAlive(_shown);
    }
}
#pragma warning restore MA0055, CA1816
