using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>
/// Copies between host and device. An upload is queued behind the kernels and does not wait: its numbers are kept in
/// pinned memory until its lane has been waited for.
/// </summary>
internal sealed class GpuStaging(string device, GpuStreams streams)
{
    private const long MostBytes = 64L << 20;
    private readonly Lock _lock = new();
    private TransferReport _transfers;

    /// <summary>What was copied so far.</summary>
    public TransferReport Transfers
    {
        get
        {
            lock (_lock)
                return _transfers;
        }
    }

    public void Upload<T>(ReadOnlySpan<T> source, ArrayView<T> destination) where T : unmanaged
    {
        if (source.IsEmpty)
            return;
        T[] pinned = GC.AllocateUninitializedArray<T>(source.Length, pinned: true);
        source.CopyTo(pinned);
        GpuLane lane = streams.Current;
        long bytes = (long)pinned.Length * Unsafe.SizeOf<T>();
        lock (lane.Gate)
        {
            Try(() => destination.CopyFromCPUUnsafeAsync(
                lane.Stream, ref MemoryMarshal.GetArrayDataReference(pinned), pinned.Length));
            lane.HasQueued();
            lane.InFlight.Add(pinned);
            lane.BytesInFlight += bytes;
            Count(new TransferReport(1, bytes, 0, 0, 0));
            if (lane.BytesInFlight > MostBytes)
                WaitInside(lane);
        }
    }

    // Pinned until the device has been waited for: the copy is only queued when ILGPU's call returns.
    public unsafe void Download<T>(ArrayView<T> source, Span<T> destination) where T : unmanaged
    {
        fixed (T* pinned = destination)
        {
            GpuLane lane = streams.Current;
            lock (lane.Gate)
            {
                Queue(lane, source, ref *pinned);
                WaitInside(lane);
            }
        }
    }

    /// <summary>Copies of several views, for one wait.</summary>
    public T[][] DownloadAll<T>(ArrayView<T>[] sources) where T : unmanaged
    {
        T[][] all = [.. sources.Select(s => GC.AllocateUninitializedArray<T>((int)s.Length, pinned: true))];
        GpuLane lane = streams.Current;
        lock (lane.Gate)
        {
            for (int i = 0; i < all.Length; i++)
            {
                if (all[i].Length > 0)
                    Queue(lane, sources[i], ref MemoryMarshal.GetArrayDataReference(all[i]));
            }
            WaitInside(lane);
        }
        return all;
    }

    /// <summary>Waits for all that was queued on a lane.</summary>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public void Wait(GpuLane lane)
    {
        lock (lane.Gate)
            WaitInside(lane);
    }

    private void Queue<T>(GpuLane lane, ArrayView<T> source, ref T destination) where T : unmanaged
    {
        try
        {
            source.CopyToCPUUnsafeAsync(lane.Stream, ref destination, source.Length);
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(device, e);
        }
        lane.HasQueued();
        Count(new TransferReport(0, 0, 1, source.Length * Unsafe.SizeOf<T>(), 0));
    }

    // The gate is this lane's alone: other lanes copy meanwhile.
    private void WaitInside(GpuLane lane)
    {
        Try(lane.Wait);
        lane.InFlight.Clear();
        lane.BytesInFlight = 0;
        Count(new TransferReport(0, 0, 0, 0, Waits: 1));
    }

    private void Count(TransferReport more)
    {
        lock (_lock)
            _transfers += more;
    }

    private void Try(Action call)
    {
        try
        {
            call();
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(device, e);
        }
    }
}
