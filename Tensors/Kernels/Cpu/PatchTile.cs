using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// The register tiles of the weight gradient: as <see cref="GemmTile{T, V, S}"/>, but the left operand is read by
/// broadcasts through one pointer per row of the patch matrix, line by line of the output image.
/// </summary>
internal static unsafe class PatchTile<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    /// <summary>c[R][panel] = (first ? 0 : c) + Σ over lines and columns of rows[r][line·lineStep + column·step]·b.
    /// </summary>
    public static void Run(
        int lines, int columns, nint step, nint lineStep, T** rows, T* b, int panel, T* c, nint stride, bool first)
    {
        if (panel == S.Width)
            Narrow(lines, columns, step, lineStep, rows, b, c, stride, first);
        else if (S.TileRows == 8)
            Wide8(lines, columns, step, lineStep, rows, b, c, stride, first);
        else
            Wide6(lines, columns, step, lineStep, rows, b, c, stride, first);
    }

    // The last columns of K, one row at a time: rare, as network widths are multiples of the panel.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow(
        int lines, int columns, nint step, nint lineStep, T** rows, T* b, T* c, nint stride, bool first)
    {
        for (int r = 0; r < S.TileRows; r++)
        {
            V sum = first ? S.Broadcast(T.Zero) : S.Load(c + r * stride);
            T* right = b;
            for (int line = 0; line < lines; line++)
            {
                T* a = rows[r] + line * lineStep;
                for (int column = 0; column < columns; column++)
                {
                    sum = S.MultiplyAdd(S.Broadcast(*a), S.Load(right), sum);
                    a += step;
                    right += S.Width;
                }
            }
            S.Store(sum, c + r * stride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide8(
        int lines, int columns, nint step, nint lineStep, T** rows, T* b, T* c, nint stride, bool first)
    {
        int w = S.Width;
        T* a0 = rows[0], a1 = rows[1], a2 = rows[2], a3 = rows[3], a4 = rows[4], a5 = rows[5], a6 = rows[6], a7 = 
            rows[7];
        V c0, c1, c2, c3, c4, c5, c6, c7;
        V d0, d1, d2, d3, d4, d5, d6, d7;
        if (first)
        {
            V zero = S.Broadcast(T.Zero);
            c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = zero;
            d0 = d1 = d2 = d3 = d4 = d5 = d6 = d7 = zero;
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
        for (nint line = 0; lines > 0; lines--, line += lineStep)
        {
            nint at = line;
            for (int left = columns; left > 0; left--, at += step)
            {
                V x = S.Load(b), y = S.Load(b + w);
                V f = S.Broadcast(a0[at]);
                c0 = S.MultiplyAdd(f, x, c0);
                d0 = S.MultiplyAdd(f, y, d0);
                f = S.Broadcast(a1[at]);
                c1 = S.MultiplyAdd(f, x, c1);
                d1 = S.MultiplyAdd(f, y, d1);
                f = S.Broadcast(a2[at]);
                c2 = S.MultiplyAdd(f, x, c2);
                d2 = S.MultiplyAdd(f, y, d2);
                f = S.Broadcast(a3[at]);
                c3 = S.MultiplyAdd(f, x, c3);
                d3 = S.MultiplyAdd(f, y, d3);
                f = S.Broadcast(a4[at]);
                c4 = S.MultiplyAdd(f, x, c4);
                d4 = S.MultiplyAdd(f, y, d4);
                f = S.Broadcast(a5[at]);
                c5 = S.MultiplyAdd(f, x, c5);
                d5 = S.MultiplyAdd(f, y, d5);
                f = S.Broadcast(a6[at]);
                c6 = S.MultiplyAdd(f, x, c6);
                d6 = S.MultiplyAdd(f, y, d6);
                f = S.Broadcast(a7[at]);
                c7 = S.MultiplyAdd(f, x, c7);
                d7 = S.MultiplyAdd(f, y, d7);
                b += 2 * w;
            }
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
    private static void Wide6(
        int lines, int columns, nint step, nint lineStep, T** rows, T* b, T* c, nint stride, bool first)
    {
        int w = S.Width;
        T* a0 = rows[0], a1 = rows[1], a2 = rows[2], a3 = rows[3], a4 = rows[4], a5 = rows[5];
        V c0, c1, c2, c3, c4, c5;
        V d0, d1, d2, d3, d4, d5;
        if (first)
        {
            V zero = S.Broadcast(T.Zero);
            c0 = c1 = c2 = c3 = c4 = c5 = zero;
            d0 = d1 = d2 = d3 = d4 = d5 = zero;
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
        for (nint line = 0; lines > 0; lines--, line += lineStep)
        {
            nint at = line;
            for (int left = columns; left > 0; left--, at += step)
            {
                V x = S.Load(b), y = S.Load(b + w);
                V f = S.Broadcast(a0[at]);
                c0 = S.MultiplyAdd(f, x, c0);
                d0 = S.MultiplyAdd(f, y, d0);
                f = S.Broadcast(a1[at]);
                c1 = S.MultiplyAdd(f, x, c1);
                d1 = S.MultiplyAdd(f, y, d1);
                f = S.Broadcast(a2[at]);
                c2 = S.MultiplyAdd(f, x, c2);
                d2 = S.MultiplyAdd(f, y, d2);
                f = S.Broadcast(a3[at]);
                c3 = S.MultiplyAdd(f, x, c3);
                d3 = S.MultiplyAdd(f, y, d3);
                f = S.Broadcast(a4[at]);
                c4 = S.MultiplyAdd(f, x, c4);
                d4 = S.MultiplyAdd(f, y, d4);
                f = S.Broadcast(a5[at]);
                c5 = S.MultiplyAdd(f, x, c5);
                d5 = S.MultiplyAdd(f, y, d5);
                b += 2 * w;
            }
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
}
