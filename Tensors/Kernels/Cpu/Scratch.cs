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

    [ThreadStatic]
    private static byte[]?[]? s_buffers;

    /// <summary>At least <paramref name="count"/> numbers, aligned to a cache line, valid on this thread until it asks
    /// for the same use again.</summary>
    public static T* Get<T>(ScratchUse use, long count) where T : unmanaged
    {
        byte[]?[] buffers = s_buffers ??= new byte[]?[(int)ScratchUse.Count];
        long bytes = count * sizeof(T) + 2 * Alignment;
        byte[]? buffer = buffers[(int)use];
        if (buffer is null || buffer.Length < bytes)
        {
            buffer = GC.AllocateUninitializedArray<byte>(checked((int)(bytes + bytes / 4)), pinned: true);
            buffers[(int)use] = buffer;
        }
        nuint start = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(buffer));
        return (T*)((start + Alignment - 1) & ~(nuint)(Alignment - 1));
    }
}
