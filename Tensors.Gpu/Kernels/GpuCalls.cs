namespace InfMatch.Tensors;

/// <summary>The kernel calls of a captured graph on a device: recording them only prepares them. A replay is one call of
/// the driver where it has graphs, and queues them one by one elsewhere.</summary>
internal sealed class GpuCalls(GpuLauncher launcher) : RecordedCalls
{
    private readonly List<PreparedCall> _calls = [];
    private readonly List<Storage> _numbers = [];
    private DriverGraph? _graph;
    private GpuLane? _lane; // of the last run
    private bool _wandered;

    public override int Count => _calls.Count;

    public void Add(PreparedCall call) => _calls.Add(call);

    /// <summary>Keeps numbers that the host wrote for a call, such as the indices of rows, as long as the graph.</summary>
    public void Keep(Storage numbers) => _numbers.Add(numbers);

    public override void Complete()
    {
        if (_calls.Count > 0)
            _graph = launcher.Capture(_calls);
        Replay();
    }

    public override void Replay()
    {
        GpuLane here = launcher.Current;
        if (!ReferenceEquals(here, _lane))
        {
            if (_lane is { } before)
            {
                _wandered = true;
                launcher.WaitFor(before);
            }
            _lane = here;
        }
        launcher.Replay(_calls, _graph);
    }

    public override void Dispose()
    {
        // Its buffers go back to the lane on which it was captured, and may be another lane's from the next moment on.
        if (_wandered)
            launcher.WaitFor(_lane!);
        _wandered = false;
        if (_graph is not null)
            launcher.Free(_graph);
        _graph = null;
        _calls.Clear();
        foreach (Storage numbers in _numbers)
            numbers.Release();
        _numbers.Clear();
    }
}
