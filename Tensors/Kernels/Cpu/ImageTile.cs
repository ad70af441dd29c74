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
        var image = new ImageRows<T, V, S>(p, q, offsets);
        if (rows == FewRows)
            RegisterTile<T, V, S>.Rows4(k, a, image, c, stride, first, rowStart);
        else if (rows == 8)
            RegisterTile<T, V, S>.Rows8(k, a, image, c, stride, first, rowStart);
        else
            RegisterTile<T, V, S>.Rows6(k, a, image, c, stride, first, rowStart);
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
}
