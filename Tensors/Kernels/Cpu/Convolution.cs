using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// Convolution and its adjoint in x as matrix products [K, C·R·S]·[C·R·S, OH·OW] per image. The right matrix is packed
/// panel by panel straight from the image. Sums run over (c, r, s) in order, whoever computes them.
/// </summary>
internal static unsafe class Convolution<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    public static void Forward(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> w, HostBlock<T>? bias, HostBlock<T> y)
    {
        var patches = new ImagePatches(g.C, g.H, g.W, g.R, g.S, g.Stride, g.Padding, g.Padding);
        Correlate(pool, g.N, g.C * g.H * g.W, g.K, patches, x, w.Pointer, bias is { } b ? b.Pointer : null, y);
    }

    public static void InputGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx)
    {
        int borderH = g.R - 1 - g.Padding, borderW = g.S - 1 - g.Padding;
        if (g.Stride > 1 || borderH < 0 != borderW < 0)
        {
            ScatterGradient(pool, g, dy, w, dx);
            return;
        }
        // dx is dy correlated with the kernel turned by half a circle, inputs and outputs exchanged.
        T* turned = Scratch.Get<T>(ScratchUse.Weights, g.Weight.Count);
        WorkerPool.RunOnce(() => Turn(g, w.Pointer, turned));
        var patches = new ImagePatches(g.K, g.OutH, g.OutW, g.R, g.S, 1, borderH, borderW);
        Correlate(pool, g.N, g.K * g.OutH * g.OutW, g.C, patches, dy, turned, null, dx);
    }

    private static void Turn(Conv2dGeometry g, T* from, T* turned)
    {
        int area = g.R * g.S;
        for (int k = 0; k < g.K; k++)
        for (int c = 0; c < g.C; c++)
        for (int i = 0; i < area; i++)
            turned[(c * g.K + k) * area + area - 1 - i] = *from++;
    }

    private static void Correlate(
        WorkerPool pool, int images, int imageSize, int outputs, ImagePatches patches, HostBlock<T> x, T* weights,
        T* bias, HostBlock<T> y)
    {
        if (y.Length == 0)
            return;
        int rows = patches.Rows, pixels = patches.OutH * patches.OutW, panel = Gemm<T, V, S>.WidePanel;
        bool direct = patches.HasWholeVectors(S.Width) && pixels % panel == 0;
        bool isSingle = outputs == 1 && patches.HasVectorsInRows(S.Width);
        int tile = isSingle ? 1
            : direct && outputs <= ImageTile<T, V, S>.FewRows ? ImageTile<T, V, S>.FewRows
            : S.TileRows;
        int depth = Gemm<T, V, S>.BlockDepth(rows), padded = (outputs + tile - 1) / tile * tile;
        T* left = Scratch.Get<T>(ScratchUse.LeftPanels, (long)rows * padded);
        T* start = Scratch.Get<T>(ScratchUse.Partials, padded);
        int* offsets = Scratch.Get<int>(ScratchUse.Offsets, rows);
        WorkerPool.RunOnce(() =>
        {
            PackLeft(weights, rows, 1, outputs, rows, tile, left);
            new Span<T>(start, padded).Clear();
            if (bias != null)
                new ReadOnlySpan<T>(bias, outputs).CopyTo(new Span<T>(start, outputs));
            patches.FindRowOffsets(offsets);
            // No input channels: the empty sum, which is the bias.
            for (int i = 0; i < y.Length && rows == 0; i++)
                y.Pointer[i] = start[i / pixels % outputs];
        });
        if (rows == 0)
            return;
        // A large batch gives each image to one thread; the images of a small one are cut into strips of four panels.
        int strip = images >= 16 ? pixels : isSingle ? LinesOfSingle(patches) * patches.OutW : 4 * panel;
        int strips = (pixels + strip - 1) / strip;
        pool.Run(images * strips, task =>
        {
            int image = task / strips, begin = task % strips * strip, end = Math.Min(pixels, begin + strip);
            T* source = patches.Pad(x.Pointer + (nint)image * imageSize);
            T* to = y.Pointer + (nint)image * outputs * pixels;
            if (isSingle)
            {
                SinglePlane(patches, source, offsets, left, depth, begin, end, to, *start);
                return;
            }
            if (direct)
            {
                for (int p = begin; p < end; p += panel)
                for (int d = 0; d < rows; d += depth)
                {
                    ImagePanel(
                        tile, outputs, Math.Min(depth, rows - d), left + (nint)d * padded,
                        source + patches.PixelOffset(p), source + patches.PixelOffset(p + S.Width), offsets + d,
                        to + p, pixels, d == 0, start);
                }
                return;
            }
            T* right = Scratch.Get<T>(ScratchUse.RightPanels, (long)depth * panel);
            for (int p = begin; p < end; p += panel)
            {
                int count = Math.Min(panel, end - p), width = Gemm<T, V, S>.PanelWidth(count);
                for (int d = 0; d < rows; d += depth)
                {
                    int deep = Math.Min(depth, rows - d);
                    patches.Pack(source, offsets + d, deep, p, count, width, right);
                    Gemm<T, V, S>.Panel(
                        outputs, count, deep, left + (nint)d * padded, right, to + p, pixels, d == 0, start);
                }
            }
        });
    }

    // Output rows whose vectors are summed side by side.
    private static int LinesOfSingle(ImagePatches patches) =>
        Math.Max(1, ImageTile<T, V, S>.SingleVectors / ((patches.OutW + S.Width - 1) / S.Width));

    // Pixels [begin, end), whole rows. The last vector of a row reaches back over the one before where the row is no multiple
    // of it; where both lie the sums are the same, and all of k is added before the next vectors begin.
    private static void SinglePlane(
        ImagePatches patches, T* source, int* offsets, T* left, int depth, int begin, int end, T* to, T start)
    {
        const int Vectors = ImageTile<T, V, S>.SingleVectors;
        int w = S.Width, outW = patches.OutW, each = (outW + w - 1) / w, last = end / outW * each - 1;
        T** from = stackalloc T*[Vectors];
        T** sums = stackalloc T*[Vectors];
        for (int first = begin / outW * each; first <= last; first += Vectors)
        {
            for (int v = 0; v < Vectors; v++)
            {
                int i = Math.Min(last, first + v), pixel = i / each * outW + Math.Min(i % each * w, outW - w);
                from[v] = source + patches.PixelOffset(pixel);
                sums[v] = to + pixel;
            }
            for (int d = 0; d < patches.Rows; d += depth)
            {
                ImageTile<T, V, S>.Single(
                    Math.Min(depth, patches.Rows - d), left + d, from, offsets + d, sums, d == 0, start);
            }
        }
    }

    // Gemm.Panel without a packed right panel.
    private static void ImagePanel(
        int tile, int outputs, int k, T* left, T* p, T* q, int* offsets, T* c, nint stride, bool first, T* rowStart)
    {
        int panel = Gemm<T, V, S>.WidePanel;
        T* side = stackalloc T[8 * panel];
        for (int i = 0; i < outputs; i += tile)
        {
            T* a = left + (nint)i * k, to = c + i * stride;
            if (i + tile <= outputs)
            {
                ImageTile<T, V, S>.Run(tile, k, a, p, q, offsets, to, stride, first, rowStart + i);
                continue;
            }
            int count = outputs - i;
            for (int r = 0; r < count && !first; r++)
                new ReadOnlySpan<T>(to + r * stride, panel).CopyTo(new Span<T>(side + r * panel, panel));
            ImageTile<T, V, S>.Run(tile, k, a, p, q, offsets, side, panel, first, rowStart + i);
            for (int r = 0; r < count; r++)
                new ReadOnlySpan<T>(side + r * panel, panel).CopyTo(new Span<T>(to + r * stride, panel));
        }
    }

    // The left matrix [outputs, depth] in blocks of depth, each block in panels of tile rows.
    private static void PackLeft(T* weights, nint rowStride, nint depthStride, int outputs, int rows, int tile, T* left)
    {
        int depth = Gemm<T, V, S>.BlockDepth(rows), padded = (outputs + tile - 1) / tile * tile;
        for (int d = 0; d < rows; d += depth)
        {
            GemmPacking.PackAll(
                weights + d * depthStride, rowStride, depthStride, outputs, Math.Min(depth, rows - d), tile,
                left + (nint)d * padded);
        }
    }

    // The general adjoint: columns [C·R·S, OH·OW] = wᵀ·dy per image, then each column element is added to the place it
    // was read from. One thread adds for one image, in the order of the matrix.
    private static void ScatterGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx)
    {
        int rows = g.C * g.R * g.S, pixels = g.OutH * g.OutW, tile = S.TileRows;
        int depth = Gemm<T, V, S>.BlockDepth(g.K), padded = (rows + tile - 1) / tile * tile;
        int panel = Gemm<T, V, S>.WidePanel;
        T* left = Scratch.Get<T>(ScratchUse.LeftPanels, (long)g.K * padded);
        bool isEmpty = dx.Length == 0 || dy.Length == 0;
        WorkerPool.RunOnce(() =>
        {
            dx.Span.Clear();
            if (!isEmpty)
                PackLeft(w.Pointer, 1, rows, rows, g.K, tile, left);
        });
        if (isEmpty)
            return;
        pool.Run(g.N, image =>
        {
            T* columns = Scratch.Get<T>(ScratchUse.Columns, (long)rows * pixels);
            T* right = Scratch.Get<T>(ScratchUse.RightPanels, (long)depth * panel);
            T* from = dy.Pointer + (nint)image * g.K * pixels;
            for (int p = 0; p < pixels; p += panel)
            {
                int count = Math.Min(panel, pixels - p);
                for (int d = 0; d < g.K; d += depth)
                {
                    int deep = Math.Min(depth, g.K - d);
                    GemmPacking.Pack(
                        from + (nint)d * pixels + p, 1, pixels, count, deep, Gemm<T, V, S>.PanelWidth(count), right);
                    Gemm<T, V, S>.Panel(
                        rows, count, deep, left + (nint)d * padded, right, columns + p, pixels, d == 0, null);
                }
            }
            AddColumns(g, columns, dx.Pointer + (nint)image * g.C * g.H * g.W);
        });
    }

    private static void AddColumns(Conv2dGeometry g, T* columns, T* image)
    {
        (int outH, int outW, int stride, int padding) = (g.OutH, g.OutW, g.Stride, g.Padding);
        for (int c = 0; c < g.C; c++)
        for (int r = 0; r < g.R; r++)
        for (int s = 0; s < g.S; s++)
        for (int oh = 0; oh < outH; oh++)
        {
            int h = oh * stride + r - padding;
            T* row = image + ((nint)c * g.H + h) * g.W;
            for (int ow = 0; ow < outW; ow++)
            {
                T value = *columns++;
                int column = ow * stride + s - padding;
                if ((uint)h < (uint)g.H && (uint)column < (uint)g.W)
                    row[column] += value;
            }
        }
    }
}
