using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InfMatch.Tensors;

/// <summary>What a piece of scratch memory is for; pieces in use at once have different names.</summary>
internal enum ScratchUse
{
    LeftPanels,
    RightPanels,
    Image,
    Weights,
    Columns,
    Partials,
    Offsets,
    Count,
}

/// <summary>
/// Working memory for packed panels, bordered images and partial sums: one for each thread, and one for each
/// <see cref="CapturedGraph"/>, in which its kernels keep what they hand from one call of the pool to the next. It grows to
/// the largest size asked for and stays, so the steady state allocates nothing.
/// </summary>
internal sealed unsafe class Scratch : WorkingMemory
{
    private const int Alignment = 64;

    // An array has at most 2³¹ elements: counted in lines, packed weights of the widest layers fit, which bytes would not.
    [StructLayout(LayoutKind.Sequential, Size = Alignment)]
    private struct Line;

    [ThreadStatic]
    private static Scratch? s_ofThread;

    private readonly Line[]?[] _buffers = new Line[]?[(int)ScratchUse.Count];
    private readonly List<Line[]> _outgrown = [];

    /// <summary>Whether what was handed out stays valid when a use grows.</summary>
    public bool KeepsOutgrown { get; init; }

    /// <summary>Gives this thread another memory and returns the one that it had.</summary>
    public static Scratch? OfThread(Scratch? next)
    {
        Scratch? previous = s_ofThread;
        s_ofThread = next;
        return previous;
    }

    /// <summary>At least <paramref name="count"/> numbers of this thread's memory, aligned to a cache line, valid until it
    /// asks for the same use again.</summary>
    public static T* Get<T>(ScratchUse use, long count) where T : unmanaged
    {
        Line[] buffer = (s_ofThread ??= new Scratch()).Buffer(use, count * sizeof(T) / Alignment + 2);
        nuint start = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(buffer));
        return (T*)((start + Alignment - 1) & ~(nuint)(Alignment - 1));
    }

    /// <summary>Sets all bits, which makes NaN of every number.</summary>
    public override void Poison()
    {
        foreach (Line[] buffer in _buffers.OfType<Line[]>().Concat(_outgrown))
            MemoryMarshal.AsBytes(buffer.AsSpan()).Fill(0xff);
    }

    private Line[] Buffer(ScratchUse use, long lines)
    {
        Line[]? buffer = _buffers[(int)use];
        if (buffer is not null && buffer.Length >= lines)
            return buffer;
        if (buffer is not null && KeepsOutgrown)
            _outgrown.Add(buffer);
        return _buffers[(int)use] =
            GC.AllocateUninitializedArray<Line>(checked((int)(lines + lines / 4)), pinned: true);
    }
}
