using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>Pieces of work at the same time, each with its kernels on a stream of its own.</summary>
public sealed partial class GpuBackend
{
    // Each piece holds its own activations, as on the processor.
    private const int MostLanes = 4;

    // A card of less runs one piece after the other: its tensors may just fit, and few multiprocessors are soon full.
    private const long BytesOfLane = 8L << 30;

    private readonly Lock _checkingLanes = new();
    private readonly WorkerPool? _pieces;
    private readonly int _lanes;
    private bool _lanesAreChecked;
    private string? _laneRefusal;

    /// <inheritdoc/>
    /// <remarks>On CUDA one for each 8 GiB that tensors may take, at most four; elsewhere one, because whether queues of OpenCL
    /// run beside each other is up to the driver. The constructor's number comes first.</remarks>
    public override int DegreeOfParallelism => _lanes > 1 && LaneRefusal is null ? _lanes : 1;

    /// <inheritdoc/>
    public override bool RunsFewInTurn => false;

    /// <summary>Why pieces of work run one after the other although there are lanes for more, found when it is first asked: graphs
    /// are captured and replayed on all lanes at the same time and compared with one lane. Null where they run side by side,
    /// or nobody wants that. Numbers are the same without.</summary>
    /// <exception cref="DeviceMemoryException">The device has no room for the small graphs; it is tried again when asked
    /// again.</exception>
    public string? LaneRefusal
    {
        get
        {
            if (_lanes == 1)
                return null;
            // Outside the lock: it has one of its own, which pieces of the check ask for.
            string? refusal = CaptureRefusal;
            lock (_checkingLanes)
            {
                if (!_lanesAreChecked)
                    (_laneRefusal, _lanesAreChecked) = (refusal ?? CaptureCheck.LaneRefusal(this, _lanes), true);
                return _laneRefusal;
            }
        }
    }

    /// <summary>Runs independent pieces, up to <see cref="DegreeOfParallelism"/> at a time, each on a thread and a stream of its
    /// own. Pieces inside a piece, and those of a second thread meanwhile, run one after the other.</summary>
    public override void RunInParallel(int count, Action<int> work)
    {
        CapturedGraph.Refuse("Parallel work");
        if (count <= 1 || DegreeOfParallelism == 1 || !TryRunOnLanes(count, work))
            base.RunInParallel(count, work);
    }

    /// <summary>The same whether or not lanes are found to work; false where others have them.</summary>
    internal bool TryRunOnLanes(int count, Action<int> work)
    {
        if (!TryOpenLanes())
            return false;
        bool isFull = FullPrecision.IsRequired, hasEnded = false;
        try
        {
            // What pieces read was queued before.
            _memory.Settle(() => _staging.Wait(_streams.Main));
            _pieces!.RunInOrder(count, i =>
            {
                using IDisposable lane = _streams.Enter();
                using IDisposable detached = TensorScope.BeginDetached();
                using IDisposable? full = isFull ? FullPrecision.Require() : null;
                work(i);
            });
            hasEnded = true;
        }
        finally
        {
            try
            {
                Join(isQuiet: !hasEnded);
            }
            finally
            {
                _streams.Close();
            }
        }
        return true;
    }

    private bool TryOpenLanes()
    {
        try
        {
            return _streams.TryOpen(_lanes);
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(Name, e);
        }
    }

    // All lanes are waited for, whatever they report: a piece that failed leaves kernels under way, too. The first error is told,
    // but behind one of a piece none.
    private void Join(bool isQuiet)
    {
        DeviceException? first = null;
        foreach (GpuLane lane in _streams.Lanes)
        {
            try
            {
                _staging.Wait(lane);
            }
            catch (DeviceException e)
            {
                first ??= e;
            }
        }
        _memory.Gather();
        if (first is not null && !isQuiet)
            throw first;
    }

    /// <summary>How many pieces of work a device runs at a time.</summary>
    /// <param name="isCuda">Whether it is CUDA's.</param>
    /// <param name="wanted">How many were asked for; 0 for what suits it.</param>
    /// <param name="memory">Bytes that tensors may take.</param>
    internal static int LanesFor(bool isCuda, int wanted, long memory) =>
        wanted > 0 ? Math.Min(wanted, MostLanes)
        : isCuda ? (int)Math.Clamp(memory / BytesOfLane, 1, MostLanes)
        : 1;
}
