using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace InfMatch.Tensors;

/// <summary>
/// One stream of a device with what was given back on it: such a buffer may be handed out on the same stream again while earlier
/// kernels still run, because they run in order.
/// </summary>
/// <param name="streams">The streams that it is one of.</param>
/// <param name="stream">Where its kernels and copies are queued.</param>
/// <param name="number">0 for the main lane, and from 1 on for those of pieces.</param>
internal sealed class GpuLane(GpuStreams streams, AcceleratorStream stream, int number)
{
    // Set behind each call that queues, so that whoever saw the call return sees it, too.
    private volatile bool _isPending;

    /// <summary>The streams that it is one of.</summary>
    public GpuStreams Streams { get; } = streams;

    /// <summary>Where its kernels and copies are queued.</summary>
    public AcceleratorStream Stream { get; } = stream;

    /// <summary>The driver's name for the stream; where the device is not CUDA's the number of the lane, for tests.</summary>
    public nint Pointer => Stream is CudaStream cuda ? cuda.StreamPtr : number;

    /// <summary>Buffers that nobody has. Only under the lock of the device's memory.</summary>
    public FreeBuffers Free { get; } = new();

    /// <summary>Arrays of the host that copies under way read. Only under <see cref="Gate"/>.</summary>
    public List<Array> InFlight { get; } = [];

    /// <summary>Their bytes.</summary>
    public long BytesInFlight { get; set; }

    /// <summary>Keeps threads apart that copy on this lane.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Where the thread was before it entered this lane.</summary>
    public GpuLane? Outer { get; set; }

    /// <summary>Notes that something was queued.</summary>
    public void HasQueued() => _isPending = true;

    /// <summary>Waits for all that was queued so far.</summary>
    /// <exception cref="AcceleratorException">The driver reports an error.</exception>
    public void Wait()
    {
        _isPending = false;
        Stream.Synchronize();
    }

    /// <summary>The same, where something was queued since the last wait.</summary>
    /// <exception cref="AcceleratorException">The driver reports an error.</exception>
    public void WaitForQueued()
    {
        if (_isPending)
            Wait();
    }
}
