using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace InfMatch.Tensors;

/// <summary>
/// The buffers of a device, kept for reuse by size class: ILGPU has no pool, and a driver's allocation costs more than
/// most kernels. A buffer comes back to the lane whose kernels had it, and may be handed out there again while earlier ones
/// still run. What several lanes had waits until all pieces have ended; what no kernel under way can have is any lane's.
/// </summary>
internal sealed class GpuMemory(string device, Accelerator accelerator, GpuStreams streams, long limit) : IGpuBuffers
{
    private readonly Lock _lock = new();

    // Of no stream, and of more than one.
    private readonly FreeBuffers _quiet = new(), _shared = new();

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
    public void Poison(MemoryBuffer1D<byte, Stride1D.Dense> buffer)
    {
        GpuLane lane = streams.Current;
        ((ArrayView<byte>)buffer.View).MemSet(lane.Stream, 0xff);
        lane.HasQueued();
    }

    /// <summary>The streams that its buffers are used on.</summary>
    public GpuStreams Streams => streams;

    /// <summary>Waits for what a lane has queued, if it has queued anything since the last wait.</summary>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public void WaitFor(GpuLane lane)
    {
        try
        {
            lane.WaitForQueued();
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(device, e);
        }
    }

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

    /// <summary>A buffer for the lane of this thread.</summary>
    public MemoryBuffer1D<byte, Stride1D.Dense> Rent(long bytes)
    {
        GpuLane lane = streams.Current;
        try
        {
            lock (_lock)
                return RentOf(SizeClass(bytes), lane);
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(device, e);
        }
    }

    private MemoryBuffer1D<byte, Stride1D.Dense> RentOf(long size, GpuLane lane)
    {
        if (++_requests == RefusedRequest)
            throw Refusal(size, null);
        if (lane.Free.TryTake(size, out MemoryBuffer1D<byte, Stride1D.Dense>? reused) || _quiet.TryTake(size, out reused))
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

    /// <summary>Takes a buffer back that only this thread's lane has had.</summary>
    public void Return(MemoryBuffer1D<byte, Stride1D.Dense> buffer) => Return(buffer, streams.Current, isShared: false);

    /// <summary>Takes a buffer back.</summary>
    /// <param name="buffer">What is free.</param>
    /// <param name="lane">Whose kernels may still use it.</param>
    /// <param name="isShared">Whether those of other lanes may, too.</param>
    public void Return(MemoryBuffer1D<byte, Stride1D.Dense> buffer, GpuLane lane, bool isShared)
    {
        lock (_lock)
        {
            _rented.Remove(buffer);
            (isShared ? _shared : lane.Free).Add(buffer);
            _cachedBytes += buffer.Length;
            Count(-buffer.Length, -1);
        }
    }

    /// <summary>Waits for the main lane; what was given back on it before is any lane's then.</summary>
    /// <param name="wait">Waits.</param>
    public void Settle(Action wait)
    {
        MemoryBuffer1D<byte, Stride1D.Dense>[] before;
        lock (_lock)
            before = streams.Main.Free.TakeAll();
        bool hasEnded = false;
        try
        {
            wait();
            hasEnded = true;
        }
        finally
        {
            lock (_lock)
                (hasEnded ? _quiet : streams.Main.Free).AddAll(before);
        }
    }

    /// <summary>Gathers what was given back by pieces that have ended, kernels and all.</summary>
    public void Gather()
    {
        lock (_lock)
        {
            foreach (GpuLane lane in streams.Lanes)
                _quiet.AddAll(lane.Free.TakeAll());
            // The main lane may still have them.
            streams.Main.Free.AddAll(_shared.TakeAll());
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

    // Stream by stream: a whole device must not be waited for while a graph is captured.
    private void GiveBackCached()
    {
        streams.Main.Wait();
        foreach (GpuLane lane in streams.Lanes)
            lane.Wait();
        FreeBuffers[] all = [_quiet, _shared, streams.Main.Free, .. streams.Lanes.Select(lane => lane.Free)];
        foreach (MemoryBuffer1D<byte, Stride1D.Dense> buffer in all.SelectMany(free => free.TakeAll()))
        {
            _cachedBytes -= buffer.Length;
            buffer.Dispose();
        }
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
