using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// The adjoint of a convolution in w, computed as its transpose [C·R·S, K] = Σ patches·dyᵀ. The tile broadcasts
/// elements straight out of the bordered image, R rows of the patch matrix at a time, so only dy is packed. Images are
/// cut into chunks by their number alone; the chunks' sums are added in order.
/// </summary>
internal static unsafe class ConvolutionWeights<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    private const int Chunks = 16;

    public static void Gradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dw)
    {
        if (g.N == 0 || dw.Length == 0)
        {
            WorkerPool.RunOnce(() => dw.Span.Clear());
            return;
        }
        var patches = new ImagePatches(g.C, g.H, g.W, g.R, g.S, g.Stride, g.Padding, g.Padding);
        int rows = patches.Rows, tile = S.TileRows, paddedRows = (rows + tile - 1) / tile * tile;
        int panel = Gemm<T, V, S>.WidePanel;
        int paddedK = g.K / panel * panel + (g.K % panel == 0 ? 0 : Gemm<T, V, S>.PanelWidth(g.K % panel));
        int perChunk = (g.N + Chunks - 1) / Chunks, chunks = (g.N + perChunk - 1) / perChunk;
        nint partial = (nint)paddedRows * paddedK;
        T* partials = Scratch.Get<T>(ScratchUse.Partials, (long)chunks * partial);
        int* offsets = Scratch.Get<int>(ScratchUse.Offsets, rows);
        WorkerPool.RunOnce(() => patches.FindRowOffsets(offsets));
        pool.Run(chunks, chunk =>
        {
            int begin = chunk * perChunk, end = Math.Min(g.N, begin + perChunk);
            for (int n = begin; n < end; n++)
            {
                T* image = patches.Pad(x.Pointer + (nint)n * g.C * g.H * g.W);
                T* gradient = dy.Pointer + (nint)n * g.K * g.OutH * g.OutW;
                AddImage(
                    g, patches.PaddedWidth, rows, image, offsets, gradient, partials + chunk * partial, paddedK,
                    n == begin);
            }
        });
        T* result = dw.Pointer;
        pool.RunChunks(rows, Math.Max(1, 16384 / paddedK), (begin, end) =>
        {
            T* sums = Scratch.Get<T>(ScratchUse.RightPanels, paddedK);
            for (int i = begin; i < end; i++)
            {
                T* first = partials + (nint)i * paddedK;
                for (int k = 0; k < paddedK; k += S.Width)
                {
                    V sum = S.Load(first + k);
                    for (int chunk = 1; chunk < chunks; chunk++)
                        sum = S.Add(sum, S.Load(first + chunk * partial + k));
                    S.Store(sum, sums + k);
                }
                for (int k = 0; k < g.K; k++)
                    result[(nint)k * rows + i] = sums[k];
            }
        });
    }

    private static void AddImage(
        Conv2dGeometry g, int paddedWidth, int rows, T* image, int* offsets, T* dy, T* sums, int stride, bool first)
    {
        int tile = S.TileRows, outW = g.OutW, pixels = g.OutH * outW;
        // Whole output rows, about 256 pixels: the packed dy panel then stays in the L1 cache.
        int lines = Math.Clamp(256 / outW, 1, g.OutH);
        T* right = Scratch.Get<T>(ScratchUse.RightPanels, (long)lines * outW * Gemm<T, V, S>.WidePanel);
        T** from = stackalloc T*[8];
        for (int top = 0; top < g.OutH; top += lines)
        {
            int count = Math.Min(lines, g.OutH - top);
            nint skip = (nint)top * g.Stride * paddedWidth;
            for (int k = 0; k < g.K; k += Gemm<T, V, S>.WidePanel)
            {
                int columns = Math.Min(Gemm<T, V, S>.WidePanel, g.K - k), panel = Gemm<T, V, S>.PanelWidth(columns);
                GemmPacking.Pack(
                    dy + (nint)k * pixels + top * outW, pixels, 1, columns, count * outW, panel, right);
                for (int i = 0; i < rows; i += tile)
                {
                    // Behind the last row the last one is read again; those sums are never looked at.
                    for (int r = 0; r < tile; r++)
                        from[r] = image + offsets[Math.Min(rows - 1, i + r)] + skip;
                    PatchTile<T, V, S>.Run(
                        count, outW, g.Stride, (nint)g.Stride * paddedWidth, from, right, panel,
                        sums + (nint)i * stride + k, stride, first && top == 0);
                }
            }
        }
    }
}
