using System.Diagnostics.CodeAnalysis;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>Buffers of a device that nobody has, by their size.</summary>
internal sealed class FreeBuffers
{
    private readonly Dictionary<long, Stack<MemoryBuffer1D<byte, Stride1D.Dense>>> _ofSize = [];

    public void Add(MemoryBuffer1D<byte, Stride1D.Dense> buffer)
    {
        if (!_ofSize.TryGetValue(buffer.Length, out Stack<MemoryBuffer1D<byte, Stride1D.Dense>>? stack))
            _ofSize.Add(buffer.Length, stack = new Stack<MemoryBuffer1D<byte, Stride1D.Dense>>());
        stack.Push(buffer);
    }

    public bool TryTake(long size, [NotNullWhen(true)] out MemoryBuffer1D<byte, Stride1D.Dense>? buffer)
    {
        buffer = null;
        return _ofSize.TryGetValue(size, out Stack<MemoryBuffer1D<byte, Stride1D.Dense>>? stack) && stack.TryPop(out buffer);
    }

    /// <summary>All of them, which are here no more.</summary>
    public MemoryBuffer1D<byte, Stride1D.Dense>[] TakeAll()
    {
        MemoryBuffer1D<byte, Stride1D.Dense>[] all = [.. _ofSize.Values.SelectMany(stack => stack.Reverse())];
        _ofSize.Clear();
        return all;
    }

    public void AddAll(IEnumerable<MemoryBuffer1D<byte, Stride1D.Dense>> buffers)
    {
        foreach (MemoryBuffer1D<byte, Stride1D.Dense> buffer in buffers)
            Add(buffer);
    }
}
