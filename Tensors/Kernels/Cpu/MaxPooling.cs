using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>The largest of each P×P window, and where it is. A look at four numbers costs little beside the convolution in
/// front of it, so this is scalar, on several threads.</summary>
internal static unsafe class MaxPooling
{
    private const int NumbersOfChunk = 16384;

    public static void Forward<T>(WorkerPool pool, Pool2dGeometry g, HostBlock<T> x, HostBlock<T> v, HostBlock<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int area = g.H * g.W, pooled = g.OutH * g.OutW;
        pool.RunChunks(g.N * g.C, Math.Max(1, NumbersOfChunk / Math.Max(1, area)), (begin, end) =>
        {
            for (int p = begin; p < end; p++)
            {
                T* plane = x.Pointer + (nint)p * area, from = v.Pointer + (nint)p * area, to = y.Pointer + (nint)p * pooled;
                for (int oh = 0; oh < g.OutH; oh++)
                for (int ow = 0; ow < g.OutW; ow++)
                    *to++ = from[Largest(g, plane, oh, ow)];
            }
        });
    }

    public static void Backward<T>(WorkerPool pool, Pool2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int area = g.H * g.W, pooled = g.OutH * g.OutW;
        pool.RunChunks(g.N * g.C, Math.Max(1, NumbersOfChunk / Math.Max(1, area)), (begin, end) =>
        {
            for (int p = begin; p < end; p++)
            {
                T* plane = x.Pointer + (nint)p * area, from = dy.Pointer + (nint)p * pooled, to = dx.Pointer + (nint)p * area;
                new Span<T>(to, area).Clear();
                for (int oh = 0; oh < g.OutH; oh++)
                for (int ow = 0; ow < g.OutW; ow++)
                    to[Largest(g, plane, oh, ow)] = *from++;
            }
        });
    }

    // Where a window of a plane is largest: the first of equal ones, or the first NaN, which is below and above nothing.
    private static int Largest<T>(Pool2dGeometry g, T* plane, int oh, int ow)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int start = oh * g.Window * g.W + ow * g.Window, best = start;
        T largest = plane[start];
        for (int i = 0; i < g.Window; i++)
        {
            int row = start + i * g.W;
            for (int at = row; at < row + g.Window; at++)
            {
                T candidate = plane[at];
                if (!(candidate <= largest) && !T.IsNaN(largest))
                    (best, largest) = (at, candidate);
            }
        }
        return best;
    }
}
