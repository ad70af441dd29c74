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
    private GpuLane _lane; // whose kernels write it
    private long _sharedIn = -1; // while pieces are under way in which others read it

    public GpuStorage(Backend backend, GpuMemory memory, DType dtype, int length) : base(backend, dtype, length)
    {
        (_memory, _lane) = (memory, memory.Streams.Current);
        _buffer = memory.Rent((long)length * dtype.Size());
        _isRented = true;
    }

    private GpuStorage(
        Backend backend, GpuMemory memory, DType dtype, int length, MemoryBuffer1D<byte, Stride1D.Dense> buffer,
        GpuStorage? shown)
        : base(backend, dtype, length)
    {
        (_memory, _lane, _buffer, _shown) = (memory, memory.Streams.Current, buffer, shown);
        GC.SuppressFinalize(this);
    }

    ~GpuStorage()
    {
        if (_isRented && _buffer is { } buffer)
            _memory.Return(buffer, _lane, IsShared);
    }

    // When the pieces have ended, nothing of theirs is under way.
    private bool IsShared => _sharedIn == _memory.Streams.Region;

    /// <summary>A buffer of any length without memory.</summary>
    public static GpuStorage Placeholder(Backend backend, GpuMemory memory, DType dtype, int length) =>
        new(backend, memory, dtype, length, memory.Nothing, shown: null);

    /// <summary>The whole buffer.</summary>
    public MemoryBuffer1D<byte, Stride1D.Dense> Buffer => IsReleased || _buffer is null
        ? throw new ObjectDisposedException(
            nameof(Tensor), "This tensor's memory went back to the pool when its scope ended. Keep() it in that scope.")
        : _buffer;

    // Not by SubView, which would measure a placeholder by its buffer.
    public ArrayView<T> View<T>(int offset, int count) where T : unmanaged
    {
        UsedHere();
        return new ArrayView<T>(Buffer, offset, count);
    }

    internal override void UsedHere()
    {
        GpuLane here = _memory.Streams.Current;
        if (!ReferenceEquals(here, _lane))
            UsedBy(here);
    }

    // Lanes run beside each other: what another one has queued, which may write it, ends first. It may be read on both from
    // then on. What pieces made becomes the main lane's when they have ended, but an input of theirs is read by several.
    private void UsedBy(GpuLane here)
    {
        _memory.WaitFor(_lane);
        if (ReferenceEquals(here, _memory.Streams.Main) && !IsShared)
            _lane = here;
        else
            _sharedIn = _memory.Streams.Region;
    }

    internal override Storage Share(int length) => new GpuStorage(Backend, _memory, DType, length, Buffer, this);

    internal override void Poison() => _memory.Poison(Buffer);

    protected override void ReturnBuffer()
    {
        GC.SuppressFinalize(this);
        MemoryBuffer1D<byte, Stride1D.Dense> buffer = _buffer!;
        _buffer = null;
        if (_isRented)
            _memory.Return(buffer, _lane, IsShared);
        GC.KeepAlive(_shown);
    }
}
#pragma warning restore MA0055, CA1816
