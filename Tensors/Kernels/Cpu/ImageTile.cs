using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// The register tiles of a convolution whose output rows are whole vectors: as <see cref="GemmTile{T, V, S}"/>, but the
/// right operand is two vectors loaded straight from the bordered image, at p and q plus the offset of each row of the
/// patch matrix. Nothing is packed, which counts where few output channels share what would be packed.
/// </summary>
internal static unsafe class ImageTile<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    /// <summary>Rows of the tile for so few outputs: images have one or three channels.</summary>
    public const int FewRows = 4;

    /// <summary>c[R][2·width] = (first ? start of the row : c) + Σ over k, in order, of a·patches.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(
        int rows, int k, T* a, T* p, T* q, int* offsets, T* c, nint stride, bool first, T* rowStart)
    {
        if (rows == FewRows)
            Rows4(k, a, p, q, offsets, c, stride, first, rowStart);
        else if (rows == 8)
            Rows8(k, a, p, q, offsets, c, stride, first, rowStart);
        else
            Rows6(k, a, p, q, offsets, c, stride, first, rowStart);
    }

    /// <summary>Vectors of the tile for a single output, whose sums would wait for each other were they fewer.</summary>
    public const int SingleVectors = 8;

    /// <summary>The v-th vector at to[v] = start + Σ over k, in order, of a·patches, for images of one channel; its pixels
    /// begin at pixels[v].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Single(int k, T* a, T** pixels, int* offsets, T** to, bool first, T start)
    {
        T* p0 = pixels[0], p1 = pixels[1], p2 = pixels[2], p3 = pixels[3];
        T* p4 = pixels[4], p5 = pixels[5], p6 = pixels[6], p7 = pixels[7];
        V c0, c1, c2, c3, c4, c5, c6, c7;
        if (first)
        {
            c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = S.Broadcast(start);
        }
        else
        {
            c0 = S.Load(to[0]);
            c1 = S.Load(to[1]);
            c2 = S.Load(to[2]);
            c3 = S.Load(to[3]);
            c4 = S.Load(to[4]);
            c5 = S.Load(to[5]);
            c6 = S.Load(to[6]);
            c7 = S.Load(to[7]);
        }
        for (; k > 0; k--)
        {
            nint offset = *offsets++;
            V f = S.Broadcast(*a++);
            c0 = S.MultiplyAdd(f, S.Load(p0 + offset), c0);
            c1 = S.MultiplyAdd(f, S.Load(p1 + offset), c1);
            c2 = S.MultiplyAdd(f, S.Load(p2 + offset), c2);
            c3 = S.MultiplyAdd(f, S.Load(p3 + offset), c3);
            c4 = S.MultiplyAdd(f, S.Load(p4 + offset), c4);
            c5 = S.MultiplyAdd(f, S.Load(p5 + offset), c5);
            c6 = S.MultiplyAdd(f, S.Load(p6 + offset), c6);
            c7 = S.MultiplyAdd(f, S.Load(p7 + offset), c7);
        }
        S.Store(c0, to[0]);
        S.Store(c1, to[1]);
        S.Store(c2, to[2]);
        S.Store(c3, to[3]);
        S.Store(c4, to[4]);
        S.Store(c5, to[5]);
        S.Store(c6, to[6]);
        S.Store(c7, to[7]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows8(
        int k, T* a, T* p, T* q, int* offsets, T* c, nint stride, bool first, T* rowStart)
    {
        int w = S.Width;
        V c0, c1, c2, c3, c4, c5, c6, c7;
        V d0, d1, d2, d3, d4, d5, d6, d7;
        if (first)
        {
            c0 = d0 = S.Broadcast(rowStart[0]);
            c1 = d1 = S.Broadcast(rowStart[1]);
            c2 = d2 = S.Broadcast(rowStart[2]);
            c3 = d3 = S.Broadcast(rowStart[3]);
            c4 = d4 = S.Broadcast(rowStart[4]);
            c5 = d5 = S.Broadcast(rowStart[5]);
            c6 = d6 = S.Broadcast(rowStart[6]);
            c7 = d7 = S.Broadcast(rowStart[7]);
        }
        else
        {
            c0 = S.Load(c);
            d0 = S.Load(c + w);
            c1 = S.Load(c + stride);
            d1 = S.Load(c + stride + w);
            c2 = S.Load(c + 2 * stride);
            d2 = S.Load(c + 2 * stride + w);
            c3 = S.Load(c + 3 * stride);
            d3 = S.Load(c + 3 * stride + w);
            c4 = S.Load(c + 4 * stride);
            d4 = S.Load(c + 4 * stride + w);
            c5 = S.Load(c + 5 * stride);
            d5 = S.Load(c + 5 * stride + w);
            c6 = S.Load(c + 6 * stride);
            d6 = S.Load(c + 6 * stride + w);
            c7 = S.Load(c + 7 * stride);
            d7 = S.Load(c + 7 * stride + w);
        }
        for (; k > 0; k--)
        {
            nint offset = *offsets++;
            V x = S.Load(p + offset), y = S.Load(q + offset);
            V f = S.Broadcast(a[0]);
            c0 = S.MultiplyAdd(f, x, c0);
            d0 = S.MultiplyAdd(f, y, d0);
            f = S.Broadcast(a[1]);
            c1 = S.MultiplyAdd(f, x, c1);
            d1 = S.MultiplyAdd(f, y, d1);
            f = S.Broadcast(a[2]);
            c2 = S.MultiplyAdd(f, x, c2);
            d2 = S.MultiplyAdd(f, y, d2);
            f = S.Broadcast(a[3]);
            c3 = S.MultiplyAdd(f, x, c3);
            d3 = S.MultiplyAdd(f, y, d3);
            f = S.Broadcast(a[4]);
            c4 = S.MultiplyAdd(f, x, c4);
            d4 = S.MultiplyAdd(f, y, d4);
            f = S.Broadcast(a[5]);
            c5 = S.MultiplyAdd(f, x, c5);
            d5 = S.MultiplyAdd(f, y, d5);
            f = S.Broadcast(a[6]);
            c6 = S.MultiplyAdd(f, x, c6);
            d6 = S.MultiplyAdd(f, y, d6);
            f = S.Broadcast(a[7]);
            c7 = S.MultiplyAdd(f, x, c7);
            d7 = S.MultiplyAdd(f, y, d7);
            a += 8;
        }
        S.Store(c0, c);
        S.Store(d0, c + w);
        S.Store(c1, c + stride);
        S.Store(d1, c + stride + w);
        S.Store(c2, c + 2 * stride);
        S.Store(d2, c + 2 * stride + w);
        S.Store(c3, c + 3 * stride);
        S.Store(d3, c + 3 * stride + w);
        S.Store(c4, c + 4 * stride);
        S.Store(d4, c + 4 * stride + w);
        S.Store(c5, c + 5 * stride);
        S.Store(d5, c + 5 * stride + w);
        S.Store(c6, c + 6 * stride);
        S.Store(d6, c + 6 * stride + w);
        S.Store(c7, c + 7 * stride);
        S.Store(d7, c + 7 * stride + w);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows6(
        int k, T* a, T* p, T* q, int* offsets, T* c, nint stride, bool first, T* rowStart)
    {
        int w = S.Width;
        V c0, c1, c2, c3, c4, c5;
        V d0, d1, d2, d3, d4, d5;
        if (first)
        {
            c0 = d0 = S.Broadcast(rowStart[0]);
            c1 = d1 = S.Broadcast(rowStart[1]);
            c2 = d2 = S.Broadcast(rowStart[2]);
            c3 = d3 = S.Broadcast(rowStart[3]);
            c4 = d4 = S.Broadcast(rowStart[4]);
            c5 = d5 = S.Broadcast(rowStart[5]);
        }
        else
        {
            c0 = S.Load(c);
            d0 = S.Load(c + w);
            c1 = S.Load(c + stride);
            d1 = S.Load(c + stride + w);
            c2 = S.Load(c + 2 * stride);
            d2 = S.Load(c + 2 * stride + w);
            c3 = S.Load(c + 3 * stride);
            d3 = S.Load(c + 3 * stride + w);
            c4 = S.Load(c + 4 * stride);
            d4 = S.Load(c + 4 * stride + w);
            c5 = S.Load(c + 5 * stride);
            d5 = S.Load(c + 5 * stride + w);
        }
        for (; k > 0; k--)
        {
            nint offset = *offsets++;
            V x = S.Load(p + offset), y = S.Load(q + offset);
            V f = S.Broadcast(a[0]);
            c0 = S.MultiplyAdd(f, x, c0);
            d0 = S.MultiplyAdd(f, y, d0);
            f = S.Broadcast(a[1]);
            c1 = S.MultiplyAdd(f, x, c1);
            d1 = S.MultiplyAdd(f, y, d1);
            f = S.Broadcast(a[2]);
            c2 = S.MultiplyAdd(f, x, c2);
            d2 = S.MultiplyAdd(f, y, d2);
            f = S.Broadcast(a[3]);
            c3 = S.MultiplyAdd(f, x, c3);
            d3 = S.MultiplyAdd(f, y, d3);
            f = S.Broadcast(a[4]);
            c4 = S.MultiplyAdd(f, x, c4);
            d4 = S.MultiplyAdd(f, y, d4);
            f = S.Broadcast(a[5]);
            c5 = S.MultiplyAdd(f, x, c5);
            d5 = S.MultiplyAdd(f, y, d5);
            a += 6;
        }
        S.Store(c0, c);
        S.Store(d0, c + w);
        S.Store(c1, c + stride);
        S.Store(d1, c + stride + w);
        S.Store(c2, c + 2 * stride);
        S.Store(d2, c + 2 * stride + w);
        S.Store(c3, c + 3 * stride);
        S.Store(d3, c + 3 * stride + w);
        S.Store(c4, c + 4 * stride);
        S.Store(d4, c + 4 * stride + w);
        S.Store(c5, c + 5 * stride);
        S.Store(d5, c + 5 * stride + w);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4(
        int k, T* a, T* p, T* q, int* offsets, T* c, nint stride, bool first, T* rowStart)
    {
        int w = S.Width;
        V c0, c1, c2, c3;
        V d0, d1, d2, d3;
        if (first)
        {
            c0 = d0 = S.Broadcast(rowStart[0]);
            c1 = d1 = S.Broadcast(rowStart[1]);
            c2 = d2 = S.Broadcast(rowStart[2]);
            c3 = d3 = S.Broadcast(rowStart[3]);
        }
        else
        {
            c0 = S.Load(c);
            d0 = S.Load(c + w);
            c1 = S.Load(c + stride);
            d1 = S.Load(c + stride + w);
            c2 = S.Load(c + 2 * stride);
            d2 = S.Load(c + 2 * stride + w);
            c3 = S.Load(c + 3 * stride);
            d3 = S.Load(c + 3 * stride + w);
        }
        for (; k > 0; k--)
        {
            nint offset = *offsets++;
            V x = S.Load(p + offset), y = S.Load(q + offset);
            V f = S.Broadcast(a[0]);
            c0 = S.MultiplyAdd(f, x, c0);
            d0 = S.MultiplyAdd(f, y, d0);
            f = S.Broadcast(a[1]);
            c1 = S.MultiplyAdd(f, x, c1);
            d1 = S.MultiplyAdd(f, y, d1);
            f = S.Broadcast(a[2]);
            c2 = S.MultiplyAdd(f, x, c2);
            d2 = S.MultiplyAdd(f, y, d2);
            f = S.Broadcast(a[3]);
            c3 = S.MultiplyAdd(f, x, c3);
            d3 = S.MultiplyAdd(f, y, d3);
            a += 4;
        }
        S.Store(c0, c);
        S.Store(d0, c + w);
        S.Store(c1, c + stride);
        S.Store(d1, c + stride + w);
        S.Store(c2, c + 2 * stride);
        S.Store(d2, c + 2 * stride + w);
        S.Store(c3, c + 3 * stride);
        S.Store(d3, c + 3 * stride + w);
    }
}
