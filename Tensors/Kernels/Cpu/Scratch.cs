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
/// Each thread's working memory for packed panels, bordered images and partial sums. It grows to the largest size
/// asked for and stays, so the steady state allocates nothing.
/// </summary>
internal static unsafe class Scratch
{
    private const int Alignment = 64;

    // An array has at most 2³¹ elements: counted in lines, packed weights of the widest layers fit, which bytes would not.
    [StructLayout(LayoutKind.Sequential, Size = Alignment)]
    private struct Line;

    [ThreadStatic]
    private static Line[]?[]? s_buffers;

    /// <summary>At least <paramref name="count"/> numbers, aligned to a cache line, valid on this thread until it asks
    /// for the same use again.</summary>
    public static T* Get<T>(ScratchUse use, long count) where T : unmanaged
    {
        Line[]?[] buffers = s_buffers ??= new Line[]?[(int)ScratchUse.Count];
        long lines = count * sizeof(T) / Alignment + 2;
        Line[]? buffer = buffers[(int)use];
        if (buffer is null || buffer.Length < lines)
        {
            buffer = GC.AllocateUninitializedArray<Line>(checked((int)(lines + lines / 4)), pinned: true);
            buffers[(int)use] = buffer;
        }
        nuint start = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(buffer));
        return (T*)((start + Alignment - 1) & ~(nuint)(Alignment - 1));
    }
}
