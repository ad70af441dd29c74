using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>Means of P×P windows of one plane, and their adjoint. Two by two is done with vectors where rows are long enough.</summary>
internal static unsafe class PlanePool<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    /// <summary>y [OH, OW] = the means of the windows of x [H, W]. x is used as working memory.</summary>
    public static void Mean(Pool2dGeometry g, T* x, T* y)
    {
        if (g.Window == 2 && g.W % 2 == 0)
            MeanOfTwo(g.OutH, g.W, x, y);
        else
            GeneralMean(g, x, y);
    }

    /// <summary>dx [H, W] = dy/P² over each window, zero where no window reaches.</summary>
    public static void Spread(Pool2dGeometry g, T* dy, T* dx)
    {
        if (g.Window == 1)
            new ReadOnlySpan<T>(dy, g.H * g.W).CopyTo(new Span<T>(dx, g.H * g.W));
        else if (g.Window == 2 && g.W % (2 * S.Width) == 0)
            SpreadOfTwo(g, dy, dx);
        else if (g.Window == 2 && g.W == S.Width && g.W % 2 == 0 && g.H % 4 == 0)
            SpreadOfTwoRows(g, dy, dx);
        else if (g.Window == 2 && g.W <= S.Width && g.W % 2 == 0 && g.H % 2 == 0)
            SpreadOneByOne(g, dy, dx);
        else
            GeneralSpread(g, dy, dx);
    }

    private static void GeneralMean(Pool2dGeometry g, T* x, T* y)
    {
        int p = g.Window;
        T share = T.One / T.CreateTruncating(p * p);
        for (int oh = 0; oh < g.OutH; oh++)
        for (int ow = 0; ow < g.OutW; ow++)
        {
            T sum = T.Zero;
            for (int i = 0; i < p; i++)
            {
                T* row = x + (nint)(oh * p + i) * g.W + ow * p;
                for (int j = 0; j < p; j++)
                    sum += row[j];
            }
            y[oh * g.OutW + ow] = sum * share;
        }
    }

    private static void GeneralSpread(Pool2dGeometry g, T* dy, T* dx)
    {
        int p = g.Window;
        T share = T.One / T.CreateTruncating(p * p);
        for (int oh = 0; oh < g.OutH; oh++)
        {
            T* first = dx + (nint)oh * p * g.W;
            T* to = first;
            for (int ow = 0; ow < g.OutW; ow++)
            {
                T value = dy[oh * g.OutW + ow] * share;
                for (int j = 0; j < p; j++)
                    *to++ = value;
            }
            new Span<T>(first + g.OutW * p, g.W - g.OutW * p).Clear();
            for (int i = 1; i < p; i++)
                new ReadOnlySpan<T>(first, g.W).CopyTo(new Span<T>(first + i * g.W, g.W));
        }
        new Span<T>(dx + g.OutH * p * g.W, (g.H - g.OutH * p) * g.W).Clear();
    }

    // Rows shorter than a vector: a call that copies one would take longer than its numbers do.
    private static void SpreadOneByOne(Pool2dGeometry g, T* dy, T* dx)
    {
        T share = T.One / T.CreateTruncating(4);
        int width = g.W;
        for (int oh = 0; oh < g.OutH; oh++)
        {
            for (int j = 0; j < width; j += 2)
                dx[j] = dx[j + 1] = dx[width + j] = dx[width + j + 1] = *dy++ * share;
            dx += 2 * width;
        }
    }

    // First pairs of rows are added in place, which leaves [OH, W] at the front; then neighbours, regardless of where
    // rows end, as W is even. Where a vector holds exactly two rows its halves are added instead.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MeanOfTwo(int outH, int width, T* x, T* y)
    {
        int w = S.Width, i = 0, count = outH * width;
        T quarter = T.One / T.CreateTruncating(4);
        if (2 * width == w && outH % 2 == 0)
        {
            for (; i < count; i += w)
                S.Store(S.HalfSums(S.Load(x + 2 * i), S.Load(x + 2 * i + w)), x + i);
        }
        else
        {
            for (int oh = 0; oh < outH; oh++)
            {
                T* from = x + 2 * oh * width, to = x + oh * width;
                int j = 0;
                for (; j + w <= width; j += w)
                    S.Store(S.Add(S.Load(from + j), S.Load(from + width + j)), to + j);
                for (; j < width; j++)
                    to[j] = from[j] + from[width + j];
            }
        }
        V share = S.Broadcast(quarter);
        for (i = 0; i + 2 * w <= count; i += 2 * w)
            S.Store(S.Multiply(share, S.PairSums(S.Load(x + i), S.Load(x + i + w))), y + i / 2);
        for (; i < count; i += 2)
            y[i / 2] = (x[i] + x[i + 1]) * quarter;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SpreadOfTwo(Pool2dGeometry g, T* dy, T* dx)
    {
        int w = S.Width, width = g.W;
        V share = S.Broadcast(T.One / T.CreateTruncating(4));
        for (int oh = 0; oh < g.OutH; oh++)
        {
            T* to = dx + 2 * oh * width;
            for (int j = 0; j < width; j += 2 * w)
            {
                S.Duplicate(S.Multiply(share, S.Load(dy)), out V low, out V high);
                S.Store(low, to + j);
                S.Store(high, to + j + w);
                S.Store(low, to + width + j);
                S.Store(high, to + width + j + w);
                dy += w;
            }
        }
        new Span<T>(dx + 2 * g.OutH * width, (g.H - 2 * g.OutH) * width).Clear();
    }

    // A vector of dy holds two output rows, and each becomes one whole row of dx, twice.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SpreadOfTwoRows(Pool2dGeometry g, T* dy, T* dx)
    {
        int w = S.Width;
        V share = S.Broadcast(T.One / T.CreateTruncating(4));
        for (int h = 0; h < g.H; h += 4)
        {
            S.Duplicate(S.Multiply(share, S.Load(dy)), out V low, out V high);
            S.Store(low, dx);
            S.Store(low, dx + w);
            S.Store(high, dx + 2 * w);
            S.Store(high, dx + 3 * w);
            dy += w;
            dx += 4 * w;
        }
    }
}
