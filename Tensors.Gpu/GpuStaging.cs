using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>
/// Copies between host and device. An upload is queued behind the kernels and does not wait: its numbers are kept in
/// pinned memory until the device has been waited for.
/// </summary>
internal sealed class GpuStaging(string device, GpuStreams streams)
{
    private const long MostBytes = 64L << 20;
    private readonly Lock _lock = new();
    private readonly List<Array> _inFlight = [];
    private long _bytes;
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
        lock (_lock)
        {
            Try(() => destination.CopyFromCPUUnsafeAsync(
                streams.Current, ref MemoryMarshal.GetArrayDataReference(pinned), pinned.Length));
            _inFlight.Add(pinned);
            long bytes = (long)pinned.Length * Unsafe.SizeOf<T>();
            _bytes += bytes;
            _transfers = _transfers with
            {
                Uploads = _transfers.Uploads + 1, UploadedBytes = _transfers.UploadedBytes + bytes,
            };
            if (_bytes > MostBytes)
                Wait();
        }
    }

    // Pinned until the device has been waited for: the copy is only queued when ILGPU's call returns.
    public unsafe void Download<T>(ArrayView<T> source, Span<T> destination) where T : unmanaged
    {
        fixed (T* pinned = destination)
        {
            lock (_lock)
            {
                Queue(source, ref *pinned);
                Wait();
            }
        }
    }

    /// <summary>Copies of several views, for one wait.</summary>
    public T[][] DownloadAll<T>(ArrayView<T>[] sources) where T : unmanaged
    {
        T[][] all = [.. sources.Select(s => GC.AllocateUninitializedArray<T>((int)s.Length, pinned: true))];
        lock (_lock)
        {
            for (int i = 0; i < all.Length; i++)
            {
                if (all[i].Length > 0)
                    Queue(sources[i], ref MemoryMarshal.GetArrayDataReference(all[i]));
            }
            Wait();
        }
        return all;
    }

    private void Queue<T>(ArrayView<T> source, ref T destination) where T : unmanaged
    {
        try
        {
            source.CopyToCPUUnsafeAsync(streams.Current, ref destination, source.Length);
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(device, e);
        }
        _transfers = _transfers with
        {
            Downloads = _transfers.Downloads + 1,
            DownloadedBytes = _transfers.DownloadedBytes + source.Length * Unsafe.SizeOf<T>(),
        };
    }

    private void Wait()
    {
        Try(streams.Current.Synchronize);
        _inFlight.Clear();
        _bytes = 0;
        _transfers = _transfers with { Waits = _transfers.Waits + 1 };
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
