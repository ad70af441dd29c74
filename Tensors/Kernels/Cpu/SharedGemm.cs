using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// Matrix product of operands that are packed once, for all blocks of C: for a product whose blocks are small, so that there are
/// enough of them for all threads, and would each pack most of both operands again. The order of summation is that of
/// <see cref="Gemm{T, V, S}"/>, so the bits are, too.
/// </summary>
internal static unsafe class SharedGemm<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    // A block of C at most: its left panels (128 KB of float32) stay in the L2 cache while the right ones pass. Lower where there
    // would be too few for the threads.
    private const int Rows = 128, Columns = 128, FewBlocks = 8;

    // What is packed at a time; deeper products take several rounds, so that they need no more memory than this.
    private const int MostPacked = 1 << 22;

    /// <summary>y [m, n] = op(a)·op(b), by strides in a and b; k is at least 1.</summary>
    public static void Run(
        WorkerPool pool, int m, int n, int k, HostBlock<T> a, nint aRow, nint aDepth, HostBlock<T> b, nint bColumn, nint bDepth,
        HostBlock<T> y)
    {
        int depth = Gemm<T, V, S>.BlockDepth(k), panel = Gemm<T, V, S>.WidePanel;
        int paddedM = (m + S.TileRows - 1) / S.TileRows * S.TileRows;
        int paddedN = n / panel * panel + (n % panel == 0 ? 0 : Gemm<T, V, S>.PanelWidth(n % panel));
        int round = Math.Max(1, MostPacked / (paddedM + paddedN) / depth) * depth;
        int columnBlocks = (n + Columns - 1) / Columns;
        int wanted = Math.Max((m + Rows - 1) / Rows, (FewBlocks + columnBlocks - 1) / columnBlocks);
        // Whole tiles, so that no panel is cut.
        int rows = ((m + wanted - 1) / wanted + S.TileRows - 1) / S.TileRows * S.TileRows, rowBlocks = (m + rows - 1) / rows;
        T* left = Scratch.Get<T>(ScratchUse.LeftPanels, (long)paddedM * Math.Min(k, round));
        T* right = Scratch.Get<T>(ScratchUse.RightPanels, (long)paddedN * Math.Min(k, round));
        for (int start = 0; start < k; start += round)
        {
            int from = start, end = Math.Min(k, start + round), layers = (end - start + depth - 1) / depth;
            pool.Run(layers * (rowBlocks + columnBlocks), task =>
            {
                int d = from + task % layers * depth, count = Math.Min(depth, end - d), block = task / layers;
                if (block < rowBlocks)
                {
                    int i = block * rows;
                    GemmPacking.PackAll(
                        a.Pointer + i * aRow + d * aDepth, aRow, aDepth, Math.Min(rows, m - i), count, S.TileRows,
                        left + (nint)paddedM * (d - from) + (nint)i * count);
                }
                else
                {
                    int j = (block - rowBlocks) * Columns;
                    Gemm<T, V, S>.PackRight(
                        b.Pointer + j * bColumn + d * bDepth, bColumn, bDepth, Math.Min(Columns, n - j), count,
                        right + (nint)paddedN * (d - from) + (nint)j * count);
                }
            });
            pool.Run(rowBlocks * columnBlocks, task =>
            {
                int i = task % rowBlocks * rows, left0 = task / rowBlocks * Columns, right0 = Math.Min(n, left0 + Columns);
                for (int d = from; d < end; d += depth)
                {
                    int count = Math.Min(depth, end - d);
                    T* ofRows = left + (nint)paddedM * (d - from) + (nint)i * count;
                    T* ofColumns = right + (nint)paddedN * (d - from);
                    for (int j = left0; j < right0; j += panel)
                    {
                        Gemm<T, V, S>.Panel(
                            Math.Min(rows, m - i), Math.Min(panel, right0 - j), count, ofRows, ofColumns + (nint)j * count,
                            y.Pointer + (nint)i * n + j, n, d == 0, null);
                    }
                }
            });
        }
    }
}
