using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace InfMatch.Tensors;

/// <summary>
/// The streams of a device. None is CUDA's default stream, which cannot be captured and waits for all others. A thread
/// queues on the main lane, but while it does a piece of parallel work on a lane that no other piece has.
/// </summary>
internal sealed class GpuStreams
{
    [ThreadStatic]
    private static GpuLane? s_ofThread;

    private readonly Lock _lock = new();
    private readonly Accelerator _accelerator;
    private readonly Stack<GpuLane> _idle = new();
    private GpuLane[] _lanes = [];
    private bool _isOpen;
    private long _region;

    /// <summary>The streams of a device.</summary>
    /// <exception cref="AcceleratorException">The driver makes none.</exception>
    public GpuStreams(Accelerator accelerator)
    {
        _accelerator = accelerator;
        Main = new GpuLane(this, accelerator.CreateStream(), 0);
        Capture = accelerator.CreateStream();
    }

    /// <summary>The lane of all that is no piece of parallel work.</summary>
    public GpuLane Main { get; }

    /// <summary>Where this thread queues its kernels and copies.</summary>
    public GpuLane Current
    {
        get
        {
            // A piece of one device may work on another one, too, and begin pieces there.
            for (GpuLane? lane = s_ofThread; lane is not null; lane = lane.Outer)
            {
                if (ReferenceEquals(lane.Streams, this))
                    return lane;
            }
            return Main;
        }
    }

    /// <summary>Whether this thread is inside a piece of parallel work.</summary>
    public bool IsInPiece => !ReferenceEquals(Current, Main);

    /// <summary>The lanes of pieces.</summary>
    public IReadOnlyList<GpuLane> Lanes => Volatile.Read(ref _lanes);

    /// <summary>Another number while pieces are under way, and after them.</summary>
    public long Region => Interlocked.Read(ref _region);

    /// <summary>Where graphs are captured: nothing else is queued there, so nothing else gets into one.</summary>
    public AcceleratorStream Capture { get; }

    /// <summary>The driver's name for <see cref="Capture"/>; 0 where the device is not CUDA's.</summary>
    public nint CapturePointer => Capture is CudaStream cuda ? cuda.StreamPtr : 0;

    /// <summary>Takes the lanes for pieces; false where a piece asks, or others have them.</summary>
    public bool TryOpen(int lanes)
    {
        if (IsInPiece)
            return false;
        lock (_lock)
        {
            if (_isOpen)
                return false;
            while (_lanes.Length < lanes)
            {
                var lane = new GpuLane(this, _accelerator.CreateStream(), _lanes.Length + 1);
                Volatile.Write(ref _lanes, [.. _lanes, lane]);
                _idle.Push(lane);
            }
            _isOpen = true;
            Interlocked.Increment(ref _region);
            return true;
        }
    }

    /// <summary>Lets others take the lanes. Nothing is under way on them.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isOpen = false;
            Interlocked.Increment(ref _region);
        }
    }

    /// <summary>Gives this thread a lane until disposed of.</summary>
    public IDisposable Enter()
    {
        GpuLane lane;
        lock (_lock)
            lane = _idle.Pop();
        lane.Outer = s_ofThread;
        s_ofThread = lane;
        return new Visit(this, lane);
    }

    private sealed class Visit(GpuStreams streams, GpuLane lane) : IDisposable
    {
        public void Dispose()
        {
            s_ofThread = lane.Outer;
            lane.Outer = null;
            lock (streams._lock)
                streams._idle.Push(lane);
        }
    }
}
