using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>Where the memory of a kernel call comes from and goes back to.</summary>
internal interface IGpuBuffers
{
    /// <summary>Takes a buffer of at least so many bytes.</summary>
    MemoryBuffer1D<byte, Stride1D.Dense> Rent(long bytes);

    /// <summary>Gives it back as soon as the call is queued.</summary>
    void Return(MemoryBuffer1D<byte, Stride1D.Dense> buffer);
}

/// <summary>Memory that one kernel call needs beside its tensors: of the pool, or of the graph that is captured.</summary>
internal readonly struct GpuScratch<T> : IDisposable where T : unmanaged
{
    private readonly IGpuBuffers? _from;
    private readonly MemoryBuffer1D<byte, Stride1D.Dense> _buffer;
    private readonly int _count;

    /// <summary>Room for so many numbers until the call is queued.</summary>
    public GpuScratch(GpuMemory memory, int count)
    {
        _from = CapturedGraph.Current is null ? memory : GpuWorkingMemory.OfThread!;
        _count = count;
        _buffer = _from.Rent((long)count * Unsafe.SizeOf<T>());
    }

    private GpuScratch(MemoryBuffer1D<byte, Stride1D.Dense> buffer, int count) => (_buffer, _count) = (buffer, count);

    /// <summary>Numbers of the host, such as indices. A graph that is captured keeps them: its replays upload nothing.</summary>
    public static GpuScratch<T> Of(ReadOnlySpan<T> numbers, Backend backend, GpuMemory memory, GpuStaging staging)
    {
        int count = Math.Max(1, numbers.Length);
        if (CapturedGraph.Current is not { } graph)
        {
            var scratch = new GpuScratch<T>(memory, count);
            staging.Upload(numbers, scratch.View);
            return scratch;
        }
        if (!graph.IsRecording)
            return new GpuScratch<T>(memory.Nothing, count);
        int words = (int)(((long)count * Unsafe.SizeOf<T>() + sizeof(float) - 1) / sizeof(float));
        var kept = new GpuStorage(backend, memory, DType.Float32, words);
        ((GpuCalls)graph.Calls).Keep(kept);
        staging.Upload(numbers, kept.View<T>(0, count));
        return new GpuScratch<T>(kept.Buffer, count);
    }

    public ArrayView<T> View => new(_buffer, 0, _count);

    public void Dispose() => _from?.Return(_buffer);
}
