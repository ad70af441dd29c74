namespace InfMatch.Tensors;

/// <summary>How long a tensor of a computation is needed: from its own allocation to the last allocation before a
/// kernel still works on it.</summary>
internal readonly record struct LiveRange(DType DType, int Length, int First, int Last)
{
    public bool Overlaps(LiveRange other) => First <= other.Last && other.First <= Last;
}

/// <summary>
/// The memory of captured graphs that never run at once: buffers that several tensors use one after the other, and
/// working memory of the kernels. A step then takes less memory than if all tensors lived to its end, and more stays in
/// the caches.
/// </summary>
/// <param name="working">Working memory of the kernels; null where they need none.</param>
internal sealed class GraphMemory(WorkingMemory? working)
{
    private readonly List<Storage> _buffers = [];
    private int _graphs;

    /// <summary>Working memory that outlives each kernel.</summary>
    public WorkingMemory? Working => working;

    /// <summary>A graph begins to use this memory.</summary>
    public void Enter() => _graphs++;

    /// <summary>A graph ends; with the last one the buffers go back to the pool.</summary>
    public void Leave()
    {
        if (--_graphs > 0)
            return;
        foreach (Storage buffer in _buffers)
            buffer.Release();
        _buffers.Clear();
        working?.Release();
    }

    /// <summary>A buffer for each live range, in their order; missing ones are allocated. The largest tensors choose
    /// first; each takes the smallest buffer that is free for its whole live range.</summary>
    public Storage[] Assign(IReadOnlyList<LiveRange> ranges, Func<DType, int, Storage> allocate)
    {
        var chosen = new Storage[ranges.Count];
        var rangesOf = new Dictionary<Storage, List<LiveRange>>(ReferenceEqualityComparer.Instance);
        foreach ((int i, LiveRange range) in ranges.Index().OrderByDescending(t => t.Item.Length))
        {
            Storage? buffer = _buffers
                .Where(b => b.DType == range.DType && b.Length >= range.Length
                    && !(rangesOf.TryGetValue(b, out List<LiveRange>? others) && others.Exists(range.Overlaps)))
                .MinBy(b => b.Length);
            if (buffer is null)
                _buffers.Add(buffer = allocate(range.DType, range.Length));
            if (!rangesOf.TryGetValue(buffer, out List<LiveRange>? list))
                rangesOf.Add(buffer, list = []);
            list.Add(range);
            chosen[i] = buffer;
        }
        return chosen;
    }

    /// <summary>Fills all memory with NaN, so that a test finds what a replay does not compute again.</summary>
    public void Poison()
    {
        foreach (Storage buffer in _buffers)
            buffer.Poison();
        working?.Poison();
    }
}

/// <summary>Working memory of a backend's kernels that outlives a kernel.</summary>
internal abstract class WorkingMemory
{
    /// <summary>Sets all bits, which makes NaN of every number.</summary>
    public abstract void Poison();

    /// <summary>Gives it back to the pool, where it comes from one; it is not used again.</summary>
    public virtual void Release()
    {
    }
}
