namespace InfMatch.Tensors;

/// <summary>The kernel calls of a captured graph on a device: recording them only prepares them. A replay is one call of
/// the driver where it has graphs, and queues them one by one elsewhere.</summary>
internal sealed class GpuCalls(GpuLauncher launcher) : RecordedCalls
{
    private readonly List<PreparedCall> _calls = [];
    private readonly List<Storage> _numbers = [];
    private DriverGraph? _graph;

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

    public override void Replay() => launcher.Replay(_calls, _graph);

    public override void Dispose()
    {
        if (_graph is not null)
            launcher.Free(_graph);
        _graph = null;
        _calls.Clear();
        foreach (Storage numbers in _numbers)
            numbers.Release();
        _numbers.Clear();
    }
}
