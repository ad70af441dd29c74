using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace InfMatch.Tensors;

/// <summary>
/// The buffers of a device, kept for reuse by size class: ILGPU has no pool, and a driver's allocation costs more than
/// most kernels. A buffer that comes back may be handed out again while earlier kernels still run: there is one stream,
/// in order.
/// </summary>
internal sealed class GpuMemory(string device, Accelerator accelerator, GpuStreams streams, long limit) : IGpuBuffers
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, Stack<MemoryBuffer1D<byte, Stride1D.Dense>>> _cached = [];

    // ILGPU frees a buffer that only its finalizer reaches, which is what a forgotten tensor's buffer would be.
    private readonly HashSet<MemoryBuffer1D<byte, Stride1D.Dense>> _rented = [];
    private long _inUse, _cachedBytes, _peak, _peakInUse, _watchedPeak, _requests;
    private int _live;
    private MemoryBuffer1D<byte, Stride1D.Dense>? _nothing;

    /// <summary>A buffer for tensors whose kernels are not run; nobody reads or writes it.</summary>
    public MemoryBuffer1D<byte, Stride1D.Dense> Nothing
    {
        get
        {
            lock (_lock)
                return _nothing ??= accelerator.Allocate1D<byte>(256);
        }
    }

    /// <summary>Sets all bits of a buffer behind the kernels queued so far.</summary>
    public void Poison(MemoryBuffer1D<byte, Stride1D.Dense> buffer) =>
        ((ArrayView<byte>)buffer.View).MemSet(streams.Current, 0xff);

    /// <summary>Refuses the request with this number, from 1; 0 for none. For tests of what a refusal leaves behind.</summary>
    public long RefusedRequest { get; set; }

    /// <summary>The number of requests so far.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    public MemoryReport Report
    {
        get
        {
            lock (_lock)
                return new MemoryReport(_inUse, _cachedBytes, _peak, _live, limit) { PeakInUse = _peakInUse, WatchedPeak = _watchedPeak };
        }
    }

    /// <summary>What is held now is the largest sum until more is.</summary>
    public void WatchPeak()
    {
        lock (_lock)
            _watchedPeak = _inUse;
    }

    public MemoryBuffer1D<byte, Stride1D.Dense> Rent(long bytes)
    {
        try
        {
            lock (_lock)
                return RentOf(SizeClass(bytes));
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(device, e);
        }
    }

    private MemoryBuffer1D<byte, Stride1D.Dense> RentOf(long size)
    {
        if (++_requests == RefusedRequest)
            throw Refusal(size, null);
        if (_cached.TryGetValue(size, out Stack<MemoryBuffer1D<byte, Stride1D.Dense>>? stack)
            && stack.TryPop(out MemoryBuffer1D<byte, Stride1D.Dense>? reused))
        {
            _cachedBytes -= size;
            _rented.Add(reused);
            Count(size, +1);
            return reused;
        }
        if (size > limit - _inUse - _cachedBytes)
        {
            GiveBackCached();
            if (size > limit - _inUse)
                throw Refusal(size, null);
        }
        MemoryBuffer1D<byte, Stride1D.Dense> buffer = Allocate(size);
        _rented.Add(buffer);
        Count(size, +1);
        return buffer;
    }

    public void Return(MemoryBuffer1D<byte, Stride1D.Dense> buffer)
    {
        lock (_lock)
        {
            if (!_cached.TryGetValue(buffer.Length, out Stack<MemoryBuffer1D<byte, Stride1D.Dense>>? stack))
                _cached.Add(buffer.Length, stack = new Stack<MemoryBuffer1D<byte, Stride1D.Dense>>());
            _rented.Remove(buffer);
            stack.Push(buffer);
            _cachedBytes += buffer.Length;
            Count(-buffer.Length, -1);
        }
    }

    // The first refusal of the driver gives the cached buffers up and asks once more; the second is the caller's.
    private MemoryBuffer1D<byte, Stride1D.Dense> Allocate(long size)
    {
        try
        {
            return accelerator.Allocate1D<byte>(size);
        }
        catch (AcceleratorException e) when (IsRefusal(e))
        {
            GiveBackCached();
        }
        try
        {
            return accelerator.Allocate1D<byte>(size);
        }
        catch (AcceleratorException e) when (IsRefusal(e))
        {
            throw Refusal(size, e);
        }
    }

    // Other errors, such as a kernel's that is told only now, say nothing about memory.
    private static bool IsRefusal(AcceleratorException e) => e switch
    {
        CudaException cuda => cuda.Error == "CUDA_ERROR_OUT_OF_MEMORY",
        CLException cl => cl.Error is CLError.CL_MEM_OBJECT_ALLOCATION_FAILURE or CLError.CL_OUT_OF_RESOURCES
            or CLError.CL_OUT_OF_HOST_MEMORY or CLError.CL_INVALID_BUFFER_SIZE,
        _ => false,
    };

    private void GiveBackCached()
    {
        accelerator.Synchronize();
        foreach (Stack<MemoryBuffer1D<byte, Stride1D.Dense>> stack in _cached.Values)
        {
            foreach (MemoryBuffer1D<byte, Stride1D.Dense> buffer in stack)
                buffer.Dispose();
        }
        _cached.Clear();
        _cachedBytes = 0;
    }

    private DeviceMemoryException Refusal(long size, Exception? inner)
    {
        // Other processes may hold a part of the card, which only its driver knows.
        long free = Math.Max(0, limit - _inUse - _cachedBytes);
        if (accelerator is CudaAccelerator cuda)
            free = Math.Min(free, cuda.GetFreeMemory());
        return new DeviceMemoryException(device, new MemoryShortage(size, _inUse, _cachedBytes, free, limit), inner);
    }

    /// <summary>The bytes of the buffer that is rented for so many: classes an eighth of a power of two apart, so that at most
    /// 12.5 % is wasted, and few classes exist.</summary>
    public static long SizeClass(long bytes)
    {
        long step = Math.Max(256, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)bytes) / 16);
        return Math.Max(step, (bytes + step - 1) / step * step);
    }

    private void Count(long bytes, int buffers)
    {
        _inUse += bytes;
        _live += buffers;
        _peak = Math.Max(_peak, _inUse + _cachedBytes);
        _peakInUse = Math.Max(_peakInUse, _inUse);
        _watchedPeak = Math.Max(_watchedPeak, _inUse);
    }
}
