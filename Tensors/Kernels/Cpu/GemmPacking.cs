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
        int i = 0;
        for (; i + 4 <= items; i += 4)
        {
            // Four sources at a time: enough streams to fill the store port, few enough for the L1 cache.
            T* p = source + i * itemStride, q = p + itemStride, r = q + itemStride, s = r + itemStride;
            T* to = destination + i;
            for (int d = 0; d < depth; d++)
            {
                nint from = d * depthStride;
                to[0] = p[from];
                to[1] = q[from];
                to[2] = r[from];
                to[3] = s[from];
                to += panel;
            }
        }
        for (; i < items; i++)
        {
            for (int d = 0; d < depth; d++)
                destination[(nint)d * panel + i] = source[i * itemStride + d * depthStride];
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
