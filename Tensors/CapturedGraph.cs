namespace InfMatch.Tensors;

/// <summary>
/// The kernel calls of a computation, recorded once and replayed on the same memory, as a CUDA graph is. The caller
/// writes new numbers into its inputs; a replay computes the results with the bits of the computation itself, but
/// without objects, allocations or shape checks. One thread at a time may replay.
/// </summary>
/// <remarks>
/// Inputs are the tensors that were made outside; they must live as long as the graph. Host values, such as a number
/// given to a kernel or a branch taken, are fixed at the capture. The computation runs twice: once without computing,
/// to find how long each tensor is needed, and once to record the calls in buffers that several tensors use one after
/// the other. The graph owns these buffers until <see cref="Dispose"/>.
/// </remarks>
public sealed class CapturedGraph : IDisposable
{
    [ThreadStatic]
    private static CapturedGraph? s_capturing;

    private readonly Backend _backend;
    private readonly GraphMemory _memory;
    private readonly RecordedCalls _calls;
    private readonly List<Storage> _made = [];
    private readonly List<LiveRange> _ranges = [];
    private readonly Dictionary<Storage, int> _numbers = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<Storage> _inputs = new(ReferenceEqualityComparer.Instance);
    private Storage[]? _buffers; // null while live ranges are found
    private WorkingMemory? _ofThread; // the thread's own, for what a call needs within itself
    private Storage[] _inputsInOrder = [];
    private Tensor[] _results = [];
    private bool _disposed;

    private CapturedGraph(Backend backend, GraphMemory memory)
    {
        _backend = backend;
        _memory = memory;
        _calls = backend.NewRecordedCalls();
        memory.Enter();
    }

    /// <summary>What the computation returned; replays write into the same tensors, which belong to the graph.</summary>
    public IReadOnlyList<Tensor> Results => _results;

    /// <summary>The kernel calls of a replay.</summary>
    public int Count => _calls.Count;

    /// <summary>The images that pass forward through a network when it runs.</summary>
    internal long Images { get; set; }

    /// <summary>The graph that this thread captures; null where it captures none.</summary>
    internal static CapturedGraph? Current => s_capturing;

    /// <summary>Whether calls are recorded; before, it is only found how long each tensor is needed.</summary>
    internal bool IsRecording => _buffers is not null;

    /// <summary>The calls, for the backend that records them.</summary>
    internal RecordedCalls Calls => _calls;

    /// <summary>Records the kernel calls of a computation while making them, so its results are valid at
    /// once.</summary>
    /// <param name="backend">Where it runs; one that <see cref="Backend.CanCapture"/>.</param>
    /// <param name="computation">Makes tensors by kernels of the backend alone: numbers cannot be copied to or from the
    /// host meanwhile, nor drawn, and nothing can run in parallel.</param>
    /// <param name="sharing">A graph of the same backend whose memory this one takes, too: a run of either writes over what the
    /// other made.</param>
    /// <exception cref="NotSupportedException">The backend cannot record its kernel calls.</exception>
    /// <exception cref="InvalidOperationException">This thread captures already, the computation does what no replay can
    /// repeat, or it does not make the same tensors twice. Nothing is kept then, nor after any other exception of the
    /// computation.</exception>
    /// <exception cref="ObjectDisposedException">The other graph was disposed of.</exception>
    /// <exception cref="DeviceException">The other graph is of another backend.</exception>
    public static CapturedGraph Of(Backend backend, Func<Tensor[]> computation, CapturedGraph? sharing = null)
    {
        if (!backend.CanCapture)
            throw new NotSupportedException($"{backend.Name} cannot capture kernel calls. Ask {nameof(Backend.CanCapture)} first.");
        if (sharing is not null)
        {
            ObjectDisposedException.ThrowIf(sharing._disposed, sharing);
            if (!ReferenceEquals(sharing._backend, backend))
                throw new DeviceException($"{backend.Name}: memory can only be shared with a graph of the same backend.");
        }
        Refuse("Another capture");
        var graph = new CapturedGraph(backend, sharing?._memory ?? new GraphMemory(backend.NewWorkingMemory()));
        try
        {
            graph.Run(computation);
            graph._buffers = graph._memory.Assign(graph._ranges, backend.AllocateBuffer);
            graph._numbers.Clear();
            graph.Images = 0; // nothing was computed yet
            graph._results = graph.Run(computation);
            if (graph._made.Count != graph._ranges.Count)
                throw OtherTensors(graph);
            graph._calls.Complete();
            backend.CountImages(graph.Images);
        }
        catch
        {
            graph.Dispose();
            throw;
        }
        // Later tensors overwrite what is no result, so nobody may read it any more.
        foreach (Storage storage in graph._made.Except(graph._results.Select(r => r.Storage)))
            storage.Release();
        graph._inputsInOrder = [.. graph._inputs];
        return graph;
    }

    private Tensor[] Run(Func<Tensor[]> computation)
    {
        _ofThread = _backend.UseWorkingMemory(_memory.Working);
        s_capturing = this;
        try
        {
            using IDisposable detached = TensorScope.BeginDetached();
            using var scope = TensorScope.Begin();
            Tensor[] results = computation();
            foreach (Tensor result in results)
            {
                if (_buffers is not null)
                    scope.Keep(result);
                else if (_numbers.TryGetValue(result.Storage, out int number))
                    _ranges[number] = _ranges[number] with { Last = int.MaxValue };
            }
            return results;
        }
        finally
        {
            s_capturing = null;
            _backend.UseWorkingMemory(_ofThread);
            _ofThread = null;
        }
    }

    /// <summary>Makes the kernel calls again, on the numbers that the inputs hold now.</summary>
    /// <exception cref="ObjectDisposedException">The graph was disposed of, or an input of it.</exception>
    /// <exception cref="InvalidOperationException">This thread captures.</exception>
    public void Replay()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Refuse("A replay");
        foreach (Storage input in _inputsInOrder)
        {
            if (input.IsReleased)
            {
                throw new ObjectDisposedException(
                    nameof(Tensor), "An input of a captured graph went back to the pool. Keep it as long as the graph.");
            }
            input.UsedHere();
        }
        _calls.Replay();
        _backend.CountImages(Images);
        GC.KeepAlive(this); // calls hold pointers into memory that only the graph holds
    }

    /// <summary>Gives all memory of the computation back to the pool, its results included; shared memory goes with the last
    /// graph that has it.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _calls.Dispose();
        foreach (Storage storage in _made)
            storage.LeaveGraph();
        _memory.Leave();
    }

    /// <summary>Records a kernel call of the host and makes it, with all calls inside it.</summary>
    internal void Call(Action call)
    {
        if (_buffers is null)
            return;
        s_capturing = null;
        _backend.UseWorkingMemory(_ofThread);
        try
        {
            call();
        }
        finally
        {
            s_capturing = this;
            _ofThread = _backend.UseWorkingMemory(_memory.Working);
        }
        ((RecordedFunctions)_calls).Add(call);
    }

    /// <summary>A buffer for a tensor that the computation makes.</summary>
    internal Storage Allocate(DType dtype, int length)
    {
        if (_buffers is null)
        {
            Storage storage = _backend.Placeholder(dtype, length);
            _numbers.Add(storage, _ranges.Count);
            _ranges.Add(new LiveRange(dtype, length, _ranges.Count, _ranges.Count));
            return storage;
        }
        int number = _made.Count;
        if (number >= _ranges.Count || _ranges[number].DType != dtype || _ranges[number].Length != length)
            throw OtherTensors(this);
        Storage tensor = _buffers[number].Share(length);
        tensor.Graph = this;
        _made.Add(tensor);
        return tensor;
    }

    /// <summary>Notes that a kernel works on a buffer.</summary>
    internal static void Uses(Storage storage)
    {
        if (s_capturing is not { } graph)
            return;
        if (graph._buffers is not null)
        {
            if (storage.Graph != graph)
                graph._inputs.Add(storage);
        }
        else if (graph._numbers.TryGetValue(storage, out int number))
        {
            LiveRange range = graph._ranges[number];
            graph._ranges[number] = range with { Last = Math.Max(range.Last, graph._ranges.Count - 1) };
        }
    }

    /// <summary>Refuses during a capture what a replay could not repeat.</summary>
    internal static void Refuse(string what)
    {
        if (s_capturing is not null)
        {
            throw new InvalidOperationException(
                $"{what} cannot be part of a captured graph: a replay would not repeat it. Do it before the capture, into a " +
                "tensor that the computation reads.");
        }
    }

    /// <summary>Fills the graph's tensors and working memory with NaN, so that a test finds what a replay does not
    /// compute again.</summary>
    internal void Poison() => _memory.Poison();

    private static InvalidOperationException OtherTensors(CapturedGraph graph) => new(
        $"The computation made other tensors when it ran again, at number {graph._made.Count} of {graph._ranges.Count}. " +
        "Capture only what takes the same path each time.");
}
