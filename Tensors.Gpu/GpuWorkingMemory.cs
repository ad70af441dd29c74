using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>
/// What the kernels of captured graphs need within a call. Calls are queued in order, so one may use what another before
/// it has used; the graphs keep it, because their kernels have its addresses.
/// </summary>
internal sealed class GpuWorkingMemory(Backend backend, GpuMemory memory) : WorkingMemory, IGpuBuffers
{
    [ThreadStatic]
    private static GpuWorkingMemory? s_ofThread;

    private readonly List<GpuStorage> _all = [];
    private readonly List<MemoryBuffer1D<byte, Stride1D.Dense>> _free = [];

    /// <summary>The memory of the graph that this thread captures; null where it captures none.</summary>
    public static GpuWorkingMemory? OfThread => s_ofThread;

    /// <summary>Gives this thread another memory and returns the one that it had.</summary>
    public static GpuWorkingMemory? Use(GpuWorkingMemory? next)
    {
        GpuWorkingMemory? previous = s_ofThread;
        s_ofThread = next;
        return previous;
    }

    public MemoryBuffer1D<byte, Stride1D.Dense> Rent(long bytes)
    {
        if (CapturedGraph.Current is { IsRecording: false })
            return memory.Nothing;
        MemoryBuffer1D<byte, Stride1D.Dense>? free = _free.Where(b => b.Length >= bytes).MinBy(b => b.Length);
        if (free is not null)
        {
            _free.Remove(free);
            return free;
        }
        var storage = new GpuStorage(backend, memory, DType.Float32, checked((int)((bytes + sizeof(float) - 1) / sizeof(float))));
        _all.Add(storage);
        return storage.Buffer;
    }

    public void Return(MemoryBuffer1D<byte, Stride1D.Dense> buffer)
    {
        if (buffer != memory.Nothing)
            _free.Add(buffer);
    }

    public override void Poison()
    {
        foreach (GpuStorage storage in _all)
            storage.Poison();
    }

    public override void Release()
    {
        foreach (GpuStorage storage in _all)
            storage.Release();
        _all.Clear();
        _free.Clear();
    }
}
