using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace InfMatch.Tensors;

/// <summary>
/// Asks for memory before it is read; a hint that never faults and changes no result. A processor foresees a stream by
/// itself within a page of memory, often 4 KiB, which is one plane of 32×32 in float32: at the start of each the kernel
/// would wait.
/// </summary>
internal static unsafe class Prefetch
{
    /// <summary>Brings the cache line at p near; nothing on processors whose instruction .NET does not offer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Near(void* p)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(p);
    }
}
