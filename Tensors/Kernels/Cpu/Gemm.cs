using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// Matrix product by packed panels. C is cut into blocks of a size that depends on the shape alone; each block is one
/// thread's work over all of k in order, so the bits do not depend on the number of threads.
/// </summary>
internal static unsafe class Gemm<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    /// <summary>The widest panel of the right operand.</summary>
    public static int WidePanel => 2 * S.Width;

    /// <summary>Depth of a block, such that a right panel (32 KB with 512 bits) stays in the L1 cache while the left
    /// panels stream past it. Blocks of one product are equal to within one.</summary>
    public static int BlockDepth(int k)
    {
        int blocks = Math.Max(1, (k + 255) / 256);
        return Math.Max(1, (k + blocks - 1) / blocks);
    }

    /// <summary>How wide the panel is that begins with <paramref name="left"/> columns still to go.</summary>
    public static int PanelWidth(int left) => left <= S.Width ? S.Width : 2 * S.Width;

    /// <summary>y [m, n] = op(a)·op(b).</summary>
    public static void Run(
        WorkerPool pool, int m, int n, int k, HostBlock<T> a, bool transposeA, HostBlock<T> b, bool transposeB,
        HostBlock<T> y)
    {
        if (m == 0 || n == 0)
            return;
        if (k == 0)
        {
            WorkerPool.RunOnce(() => y.Span.Clear());
            return;
        }
        nint aRow = transposeA ? 1 : k, aDepth = transposeA ? m : 1;
        nint bColumn = transposeB ? k : 1, bDepth = transposeB ? 1 : n;
        // What a block packs is used once a panel: the larger the block, the less packing. But eight blocks at least, so
        // that threads end together: a product that is too small for that, and large enough for two rounds of the threads, shares
        // what is packed.
        (int rows, int columns) = (256, 512);
        if (BlocksOf(m, rows) * BlocksOf(n, columns) < 8)
            rows = 128;
        if (BlocksOf(m, rows) * BlocksOf(n, columns) < 8 && (long)m * n * k > 1 << 20)
        {
            SharedGemm<T, V, S>.Run(pool, m, n, k, a, aRow, aDepth, b, bColumn, bDepth, y);
            return;
        }
        int rowBlocks = (int)BlocksOf(m, rows), columnBlocks = (int)BlocksOf(n, columns);
        rows = ((m + rowBlocks - 1) / rowBlocks + S.TileRows - 1) / S.TileRows * S.TileRows;
        rowBlocks = (m + rows - 1) / rows;
        pool.Run(rowBlocks * columnBlocks, task =>
        {
            int i = task % rowBlocks * rows, j = task / rowBlocks * columns;
            Block(
                Math.Min(rows, m - i), Math.Min(columns, n - j), k,
                a.Pointer + i * aRow, aRow, aDepth, b.Pointer + j * bColumn, bColumn, bDepth,
                y.Pointer + (nint)i * n + j, n);
        });
    }

    private static long BlocksOf(int count, int size) => (count + size - 1) / size;

    private static void Block(
        int m, int n, int k, T* a, nint aRow, nint aDepth, T* b, nint bColumn, nint bDepth, T* c, nint stride)
    {
        int depth = BlockDepth(k), panel = WidePanel;
        T* left = Scratch.Get<T>(ScratchUse.LeftPanels, (long)(m + S.TileRows) * depth);
        T* right = Scratch.Get<T>(ScratchUse.RightPanels, (long)(n + panel) * depth);
        for (int d = 0; d < k; d += depth)
        {
            int count = Math.Min(depth, k - d);
            GemmPacking.PackAll(a + d * aDepth, aRow, aDepth, m, count, S.TileRows, left);
            PackRight(b + d * bDepth, bColumn, bDepth, n, count, right);
            for (int j = 0; j < n; j += panel)
                Panel(m, Math.Min(panel, n - j), count, left, right + (nint)j * count, c + j, stride, d == 0, null);
        }
    }

    /// <summary>All right panels of <paramref name="n"/> columns, one behind the other. Rows of a wide matrix lie pages apart, so
    /// a few rows at a time go to all panels before the next.</summary>
    public static void PackRight(T* b, nint bColumn, nint bDepth, int n, int count, T* right)
    {
        const int Rows = 16;
        int panel = WidePanel, step = bColumn == 1 ? Rows : count;
        for (int top = 0; top < count; top += step)
        {
            for (int j = 0; j < n; j += panel)
            {
                int columns = Math.Min(panel, n - j), width = PanelWidth(columns);
                GemmPacking.Pack(
                    b + j * bColumn + top * bDepth, bColumn, bDepth, columns, Math.Min(step, count - top), width,
                    right + (nint)j * count + (nint)top * width);
            }
        }
    }

    /// <summary>
    /// c [m, n] = (first ? rowStart : c) + left·right for one right panel of at most <see cref="WidePanel"/> columns.
    /// Tiles that stick out over the edge of c are computed on the side; rowStart is padded to whole tiles, or null
    /// for zero.
    /// </summary>
    public static void Panel(int m, int n, int k, T* left, T* right, T* c, nint stride, bool first, T* rowStart)
    {
        int rows = S.TileRows, panel = PanelWidth(n);
        T* zeros = stackalloc T[8];
        T* side = stackalloc T[8 * 2 * S.Width];
        new Span<T>(zeros, 8).Clear();
        for (int i = 0; i < m; i += rows)
        {
            T* start = rowStart == null ? zeros : rowStart + i;
            T* a = left + (nint)i * k, to = c + i * stride;
            if (n == panel && i + rows <= m)
            {
                GemmTile<T, V, S>.Run(k, a, right, panel, to, stride, first, start);
                continue;
            }
            int count = Math.Min(rows, m - i);
            for (int r = 0; r < count && !first; r++)
                new ReadOnlySpan<T>(to + r * stride, n).CopyTo(new Span<T>(side + r * panel, n));
            GemmTile<T, V, S>.Run(k, a, right, panel, side, panel, first, start);
            for (int r = 0; r < count; r++)
                new ReadOnlySpan<T>(side + r * panel, n).CopyTo(new Span<T>(to + r * stride, n));
        }
    }
}
