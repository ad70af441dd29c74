using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// Convolutions with 3×3 weights and stride 1 by F(4×4, 3×3): each 4×4 tile of the output comes from 36 products a pair
/// of channels instead of 144. Tiles become vectors of channels at 36 points (<see cref="WinogradTransforms{T, V, S}"/>
/// along rows and columns); at each point the sum over channels is a matrix product; the results are transformed back.
/// For float32 only; the error is measured in docs/performance.md, "Winograd", also that of differences of gradients,
/// which it leaves as they are. Work is cut by shape alone, as everywhere.
/// </summary>
internal static unsafe class Winograd<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    private const int Out = WinogradTransforms<T, V, S>.Outputs, Points = WinogradTransforms<T, V, S>.Points;
    private const int All = Points * Points, Side = 3;

    // Tiles that go through the matrix products at once: what they become fits the L2 and L3 caches, and the transformed
    // weights are read once for all of them.
    private const int MostTiles = 48;

    // Fewer channels do not pay for their transforms.
    private const int FewestChannels = 16;

    // Transformed weights that no cache holds are read again for each few tiles, and written once for all: with fewer tiles than
    // these the plain sum is faster (docs/performance.md, "Winograd").
    private const long MostCachedWeightBytes = 4L << 20;
    private const int FewestTilesOfLargeWeights = 64;

    private const int MostBandBytes = 24 << 10;

    private const int Chunks = 8;
    private const long MostPartialBytes = 64L << 20;

    private static int Panel => 2 * S.Width;

    /// <summary>Whether forward and input gradient of this convolution are computed so.</summary>
    public static bool Applies(Conv2dGeometry g) =>
        typeof(T) == typeof(float) && g is { R: Side, S: Side, Stride: 1 }
        && g.Padding < Side && g.C >= FewestChannels && g.K >= FewestChannels && g.N > 0
        && IsFilled(g.OutH, g.OutW) && IsFilled(g.H, g.W)
        && ((long)All * g.C * g.K * sizeof(T) <= MostCachedWeightBytes
            || (long)g.N * TilesOf(g.OutH) * TilesOf(g.OutW) >= FewestTilesOfLargeWeights);

    /// <summary>Whether the weight gradient is, too. It keeps sums at all points for each chunk of images.</summary>
    public static bool AppliesToWeights(Conv2dGeometry g) => Applies(g) && ChunksOf(g) >= Math.Min(4, g.N);

    // At least half of what the tiles compute is part of the output.
    private static bool IsFilled(int height, int width) =>
        height > 0 && width > 0 && 2 * height * width >= TilesOf(height) * TilesOf(width) * Out * Out;

    private static int TilesOf(int outputs) => (outputs + Out - 1) / Out;

    private static int RoundUp(int count, int multiple) => (count + multiple - 1) / multiple * multiple;

    // Vectors at neighbouring points would lie a power of two apart and share a few lines of the cache.
    private static nint Apart(long count) => (nint)(count + 64 / sizeof(T));

    /// <summary>y [N, K, OH, OW].</summary>
    public static void Forward(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> w, HostBlock<T>? bias, HostBlock<T> y) =>
        Correlate(
            pool, new Planes(x.Pointer, g.C, g.H, g.W), g.Padding, new Planes(y.Pointer, g.K, g.OutH, g.OutW), g.N,
            w.Pointer, (nint)g.C * Side * Side, Side * Side, isTurned: false, bias is { } b ? b.Pointer : null);

    /// <summary>dx [N, C, H, W]: dy correlated with the weights turned by half a circle.</summary>
    public static void InputGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx) =>
        Correlate(
            pool, new Planes(dy.Pointer, g.K, g.OutH, g.OutW), Side - 1 - g.Padding,
            new Planes(dx.Pointer, g.C, g.H, g.W), g.N, w.Pointer, Side * Side, (nint)g.C * Side * Side, isTurned: true,
            null);

    private readonly struct Planes(T* pointer, int channels, int height, int width)
    {
        public readonly T* Pointer = pointer;
        public readonly int Channels = channels, Height = height, Width = width;

        public T* Plane(int image, int channel) => Pointer + ((nint)image * Channels + channel) * Height * Width;
    }

    private static void Correlate(
        WorkerPool pool, Planes from, int padding, Planes to, int images, T* weights, nint outStride, nint inStride,
        bool isTurned, T* bias)
    {
        int inputs = from.Channels, outputs = to.Channels, panels = (outputs + Panel - 1) / Panel;
        nint weightsApart = Apart((long)panels * inputs * Panel);
        T* u = Scratch.Get<T>(ScratchUse.Weights, All * (long)weightsApart);
        pool.Run(panels, panel =>
            TransformWeights(weights, outStride, inStride, isTurned, inputs, outputs, panel, u, weightsApart));
        int tilesHigh = TilesOf(to.Height), tilesWide = TilesOf(to.Width), lines = images * tilesHigh;
        int each = LinesAtOnce(lines, tilesWide);
        pool.Run((lines + each - 1) / each, task =>
        {
            int begin = task * each, end = Math.Min(lines, begin + each), tiles = (end - begin) * tilesWide;
            int depth = RoundUp(inputs, S.Width), width = panels * Panel;
            nint vApart = Apart((long)tiles * depth), mApart = Apart((long)RoundUp(tiles, S.TileRows) * width);
            T* v = Scratch.Get<T>(ScratchUse.RightPanels, All * (long)vApart);
            T* m = Scratch.Get<T>(ScratchUse.Columns, All * (long)mApart);
            for (int line = begin, count; line < end; line += count)
            {
                count = LinesOfBand(line, end, tilesHigh, tilesWide);
                TransformInput(
                    from, line / tilesHigh, line % tilesHigh * Out - padding, padding, count, tilesWide,
                    v + (nint)(line - begin) * tilesWide * depth, depth, vApart);
            }
            for (int point = 0; point < All; point++)
                Multiply(tiles, inputs, panels, v + point * vApart, depth, u + point * weightsApart, m + point * mApart, width);
            for (int line = begin, count; line < end; line += count)
            {
                count = LinesOfBand(line, end, tilesHigh, tilesWide);
                TransformOutput(
                    m + (nint)(line - begin) * tilesWide * width, mApart, width, to, line / tilesHigh,
                    line % tilesHigh * Out, count, tilesWide, bias);
            }
        });
    }

    // Lines of tiles for one task: many for the caches, but at least eight tasks where there are so many lines.
    private static int LinesAtOnce(int lines, int tilesWide) =>
        Math.Clamp(MostTiles / tilesWide, 1, Math.Max(1, (lines + 7) / 8));

    // Lines of tiles of one image that are transformed together: the planes of some channels are then read and written from
    // end to end, and of neighbouring tiles the rows that both need once. No more than about the L1 cache holds as vectors.
    private static int LinesOfBand(int line, int end, int tilesHigh, int tilesWide)
    {
        int most = Math.Max(1, MostBandBytes / (Out * (tilesWide * Out + 2) * S.Width * sizeof(T)));
        return Math.Min(Math.Min(end - line, tilesHigh - line % tilesHigh), most);
    }

    // m [tiles, panels] = v [tiles, inputs]·u, all at one point.
    private static void Multiply(int tiles, int inputs, int panels, T* v, int depth, T* u, T* m, int width)
    {
        int block = Gemm<T, V, S>.BlockDepth(inputs);
        T** rows = stackalloc T*[8];
        for (int panel = 0; panel < panels; panel++)
        for (int d = 0; d < inputs; d += block)
        {
            T* right = u + ((nint)panel * inputs + d) * Panel;
            for (int t = 0; t < tiles; t += S.TileRows)
            {
                for (int r = 0; r < S.TileRows; r++)
                    rows[r] = v + (nint)Math.Min(tiles - 1, t + r) * depth + d;
                PatchTile<T, V, S>.Run(
                    1, Math.Min(block, inputs - d), 1, 0, rows, right, Panel, m + (nint)t * width + panel * Panel, width,
                    d == 0);
            }
        }
    }

    // u[point][panel][input][Panel] = G g Gᵀ for the outputs of a panel.
    private static void TransformWeights(
        T* weights, nint outStride, nint inStride, bool isTurned, int inputs, int outputs, int panel, T* u, nint apart)
    {
        int w = S.Width;
        T* g = stackalloc T[Side * Side * w];
        T* half = stackalloc T[Points * Side * w];
        for (int part = 0; part < 2; part++)
        {
            int first = panel * Panel + part * w, count = Math.Clamp(outputs - first, 0, w);
            new Span<T>(g, Side * Side * w).Clear();
            for (int input = 0; input < inputs; input++)
            {
                for (int lane = 0; lane < count; lane++)
                {
                    T* at = weights + (first + lane) * outStride + input * inStride;
                    for (int i = 0; i < Side * Side; i++)
                        g[i * w + lane] = at[isTurned ? Side * Side - 1 - i : i];
                }
                for (int s = 0; s < Side; s++)
                    WinogradTransforms<T, V, S>.Weights(g + s * w, Side * w, half + s * w, Side * w);
                T* to = u + ((nint)panel * inputs + input) * Panel + part * w;
                for (int row = 0; row < Points; row++)
                    WinogradTransforms<T, V, S>.Weights(half + row * Side * w, w, to + row * Points * apart, apart);
            }
        }
    }

    // v[point][tile][channel] = Bᵀ d B for the tiles of some lines, whose inputs begin at row top.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformInput(
        Planes from, int image, int top, int padding, int lines, int tilesWide, T* v, int depth, nint apart)
    {
        int w = S.Width, columns = tilesWide * Out + 2, rows = lines * Out + 2;
        T* half = Scratch.Get<T>(ScratchUse.Image, (long)(Points + rows) * columns * w);
        T* block = half + Points * columns * w;
        for (int c = 0; c < depth; c += w)
        {
            ToVectors(from, image, c, top, rows, -padding, columns, block);
            for (int line = 0; line < lines; line++)
            {
                T* at = block + (nint)line * Out * columns * w;
                for (int column = 0; column < columns; column++)
                    WinogradTransforms<T, V, S>.Input(at + (nint)column * w, columns * w, half + (nint)column * w, columns * w);
                T* to = v + (nint)line * tilesWide * depth + c;
                for (int tile = 0; tile < tilesWide; tile++)
                for (int row = 0; row < Points; row++)
                {
                    WinogradTransforms<T, V, S>.Input(
                        half + ((nint)row * columns + tile * Out) * w, w, to + row * Points * apart + (nint)tile * depth, apart);
                }
            }
        }
    }

    // block[row][column][lane] = the numbers of w channels around a place; zero outside the image, and for channels
    // that are not there. Of the channels behind the first w only what differs is cleared: block still holds their zeros.
    private static void ToVectors(
        Planes from, int image, int channel, int top, int rows, int left, int columns, T* block)
    {
        int w = S.Width, count = Math.Clamp(from.Channels - channel, 0, w);
        int first = Math.Max(0, -left), end = Math.Min(columns, from.Width - left);
        bool isFilled = first == 0 && end == columns && top >= 0 && top + rows <= from.Height;
        if (count < w || (channel == 0 && !isFilled))
            new Span<T>(block, rows * columns * w).Clear();
        T* planes = from.Plane(image, channel) + left + first;
        for (int row = Math.Max(0, -top); row < Math.Min(rows, from.Height - top); row++)
        {
            Transposition.Copy(
                planes + (nint)(top + row) * from.Width, (nint)from.Height * from.Width, count, end - first,
                block + ((nint)row * columns + first) * w, w);
        }
    }

    // The tiles of some lines, whose outputs begin at row top.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformOutput(
        T* m, nint apart, int width, Planes to, int image, int top, int lines, int tilesWide, T* bias)
    {
        int w = S.Width, columns = tilesWide * Out, rows = Math.Min(lines * Out, to.Height - top);
        T* half = Scratch.Get<T>(ScratchUse.Image, (long)(Out * Points + lines * Out * columns) * w);
        T* block = half + Out * Points * w;
        T* starts = stackalloc T[w];
        for (int k = 0; k < to.Channels; k += w)
        {
            int count = Math.Min(w, to.Channels - k);
            for (int lane = 0; lane < w; lane++)
                starts[lane] = bias != null && lane < count ? bias[k + lane] : T.Zero;
            V start = S.Load(starts), zero = S.Broadcast(T.Zero);
            for (int tile = 0; tile < lines * tilesWide; tile++)
            {
                T* at = m + (nint)tile * width + k, first = block + ((nint)(tile / tilesWide) * columns + tile % tilesWide) * Out * w;
                for (int point = 0; point < Points; point++)
                {
                    WinogradTransforms<T, V, S>.Output(
                        at + point * apart, Points * apart, zero, half + point * w, Points * w);
                }
                for (int row = 0; row < Out; row++)
                {
                    WinogradTransforms<T, V, S>.Output(
                        half + row * Points * w, w, start, first + (nint)row * columns * w, w);
                }
            }
            T* planes = to.Plane(image, k);
            for (int row = 0; row < rows; row++)
            {
                Transposition.Copy(
                    block + (nint)row * columns * w, w, to.Width, count, planes + (nint)(top + row) * to.Width,
                    (nint)to.Height * to.Width);
            }
        }
    }

    private static int ChunksOf(Conv2dGeometry g)
    {
        long partial = PartialApart(g) * (long)All * sizeof(T);
        return (int)Math.Min(Math.Min(Chunks, g.N), MostPartialBytes / Math.Max(1, partial));
    }

    private static nint PartialApart(Conv2dGeometry g) =>
        Apart((long)RoundUp(g.C, S.TileRows) * RoundUp(g.K, Panel));

    /// <summary>dw [K, C, 3, 3] = Gᵀ[Σ (Bᵀ d B) ⊙ (A dy Aᵀ)]G over all tiles. Images are cut into chunks by their number
    /// alone; the chunks' sums are added in order.</summary>
    public static void WeightGradient(
        WorkerPool pool, Conv2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dw)
    {
        var from = new Planes(x.Pointer, g.C, g.H, g.W);
        var slopes = new Planes(dy.Pointer, g.K, g.OutH, g.OutW);
        int tilesHigh = TilesOf(g.OutH), tilesWide = TilesOf(g.OutW), panels = (g.K + Panel - 1) / Panel;
        int width = panels * Panel, depth = RoundUp(g.C, S.Width);
        int perChunk = (g.N + ChunksOf(g) - 1) / ChunksOf(g), chunks = (g.N + perChunk - 1) / perChunk;
        nint apart = PartialApart(g);
        T* partials = Scratch.Get<T>(ScratchUse.Partials, chunks * All * (long)apart);
        int each = Math.Clamp(MostTiles / tilesWide, 1, perChunk * tilesHigh);
        pool.Run(chunks, chunk =>
        {
            T* sums = partials + chunk * All * apart;
            int first = chunk * perChunk * tilesHigh, last = Math.Min(g.N, (chunk + 1) * perChunk) * tilesHigh;
            for (int begin = first; begin < last; begin += each)
            {
                int end = Math.Min(last, begin + each), tiles = (end - begin) * tilesWide;
                nint vApart = Apart((long)tiles * depth), mApart = Apart((long)tiles * width);
                T* v = Scratch.Get<T>(ScratchUse.RightPanels, All * (long)vApart);
                T* m = Scratch.Get<T>(ScratchUse.Columns, All * (long)mApart);
                for (int line = begin, count; line < end; line += count)
                {
                    count = LinesOfBand(line, end, tilesHigh, tilesWide);
                    int tile = (line - begin) * tilesWide, top = line % tilesHigh * Out;
                    TransformInput(
                        from, line / tilesHigh, top - g.Padding, g.Padding, count, tilesWide, v + (nint)tile * depth, depth,
                        vApart);
                    TransformSlopes(slopes, line / tilesHigh, top, count, tilesWide, tile, tiles, m, mApart);
                }
                for (int point = 0; point < All; point++)
                {
                    AddProducts(
                        tiles, g.C, panels, v + point * vApart, depth, m + point * mApart, sums + point * apart, width,
                        begin == first);
                }
            }
        });
        pool.Run(g.C, c => SumWeights(partials + (nint)c * width, apart, chunks, g, c, dw.Pointer));
    }

    // sums [inputs, panels] += vᵀ [inputs, tiles]·m, all at one point.
    private static void AddProducts(
        int tiles, int inputs, int panels, T* v, int depth, T* m, T* sums, int width, bool first)
    {
        T** rows = stackalloc T*[8];
        for (int panel = 0; panel < panels; panel++)
        for (int c = 0; c < inputs; c += S.TileRows)
        {
            for (int r = 0; r < S.TileRows; r++)
                rows[r] = v + Math.Min(inputs - 1, c + r);
            PatchTile<T, V, S>.Run(
                1, tiles, depth, 0, rows, m + (nint)panel * tiles * Panel, Panel, sums + (nint)c * width + panel * Panel,
                width, first);
        }
    }

    // m[point][panel][tile][Panel] = A dy Aᵀ for the tiles of some lines.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformSlopes(
        Planes slopes, int image, int top, int lines, int tilesWide, int firstTile, int tiles, T* m, nint apart)
    {
        int w = S.Width, columns = tilesWide * Out, rows = lines * Out;
        T* half = Scratch.Get<T>(ScratchUse.Image, (long)(Points + rows) * columns * w);
        T* block = half + Points * columns * w;
        for (int k = 0; k < RoundUp(slopes.Channels, Panel); k += w)
        {
            ToVectors(slopes, image, k, top, rows, 0, columns, block);
            for (int line = 0; line < lines; line++)
            {
                T* at = block + (nint)line * Out * columns * w;
                for (int column = 0; column < columns; column++)
                {
                    WinogradTransforms<T, V, S>.OutputAdjoint(
                        at + (nint)column * w, columns * w, half + (nint)column * w, columns * w);
                }
                T* to = m + ((nint)(k / Panel) * tiles + firstTile + line * tilesWide) * Panel + k % Panel;
                for (int tile = 0; tile < tilesWide; tile++)
                for (int row = 0; row < Points; row++)
                {
                    WinogradTransforms<T, V, S>.OutputAdjoint(
                        half + ((nint)row * columns + tile * Out) * w, w, to + row * Points * apart + (nint)tile * Panel, apart);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumWeights(T* partials, nint apart, int chunks, Conv2dGeometry g, int c, T* dw)
    {
        int w = S.Width;
        T* sums = stackalloc T[All * w];
        T* half = stackalloc T[Side * Points * w];
        T* weights = stackalloc T[Side * Side * w];
        for (int k = 0; k < g.K; k += w)
        {
            for (int point = 0; point < All; point++)
            {
                T* at = partials + point * apart + k;
                V sum = S.Load(at);
                for (int chunk = 1; chunk < chunks; chunk++)
                    sum = S.Add(sum, S.Load(at + chunk * All * apart));
                S.Store(sum, sums + point * w);
            }
            for (int point = 0; point < Points; point++)
                WinogradTransforms<T, V, S>.WeightsAdjoint(sums + point * w, Points * w, half + point * w, Points * w);
            for (int row = 0; row < Side; row++)
                WinogradTransforms<T, V, S>.WeightsAdjoint(half + row * Points * w, w, weights + row * Side * w, w);
            for (int lane = 0; lane < Math.Min(w, g.K - k); lane++)
            {
                T* to = dw + ((nint)(k + lane) * g.C + c) * Side * Side;
                for (int i = 0; i < Side * Side; i++)
                    to[i] = weights[i * w + lane];
            }
        }
    }
}
