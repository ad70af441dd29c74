using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>Copies parts of matrices into the panels that the register tiles read front to back.</summary>
internal static unsafe class GemmPacking
{
    /// <summary>One panel: destination[d·panel + i] = source[i·itemStride + d·depthStride], zero for i from
    /// <paramref name="items"/> to <paramref name="panel"/>.</summary>
    public static void Pack<T>(
        T* source, nint itemStride, nint depthStride, int items, int depth, int panel, T* destination)
        where T : unmanaged
    {
        if (itemStride == 1 && items == panel && panel * sizeof(T) % sizeof(ulong) == 0)
        {
            // Whole panels are copied as vectors: a call to copy a hundred bytes costs more than the bytes. Six rows of float32
            // are one and a half.
            int moves = panel * sizeof(T) / sizeof(Vector128<byte>);
            bool half = panel * sizeof(T) % sizeof(Vector128<byte>) != 0;
            for (int d = 0; d < depth; d++)
            {
                var from = (Vector128<byte>*)source;
                var to = (Vector128<byte>*)destination;
                for (int i = 0; i < moves; i++)
                    to[i] = from[i];
                if (half)
                    *(ulong*)(to + moves) = *(ulong*)(from + moves);
                source += depthStride;
                destination += panel;
            }
            return;
        }
        if (itemStride == 1)
        {
            for (int d = 0; d < depth; d++)
            {
                new ReadOnlySpan<T>(source, items).CopyTo(new Span<T>(destination, items));
                if (items < panel)
                    new Span<T>(destination + items, panel - items).Clear();
                source += depthStride;
                destination += panel;
            }
            return;
        }
        if (depthStride == 1)
        {
            Transposition.Copy(source, itemStride, items, depth, destination, panel);
        }
        else
        {
            for (int item = 0; item < items; item++)
            for (int d = 0; d < depth; d++)
                destination[(nint)d * panel + item] = source[item * itemStride + d * depthStride];
        }
        if (items < panel)
        {
            for (int d = 0; d < depth; d++)
                new Span<T>(destination + (nint)d * panel + items, panel - items).Clear();
        }
    }

    /// <summary>All panels of a block of <paramref name="items"/> rows or columns, one behind the other.</summary>
    public static void PackAll<T>(
        T* source, nint itemStride, nint depthStride, int items, int depth, int panel, T* destination)
        where T : unmanaged
    {
        for (int i = 0; i < items; i += panel)
        {
            Pack(
                source + i * itemStride, itemStride, depthStride, Math.Min(panel, items - i), depth, panel,
                destination + (nint)i * depth);
        }
    }
}
