using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// The register tiles of all matrix products: R rows × 2 vectors of C are held in registers while k runs. A is packed
/// as [k][R], B as [k][2·width] (or [k][width] for the narrow form), so both are read front to back.
/// </summary>
internal static unsafe class GemmTile<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    /// <summary>c[R][columns] = (first ? start of the row : c) + a·b, on a whole tile. <paramref name="rowStart"/> has
    /// R numbers, the bias of each row; summation over k is in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(int k, T* a, T* b, int panel, T* c, nint stride, bool first, T* rowStart)
    {
        if (S.TileRows == 8)
        {
            if (panel == S.Width)
                Narrow8(k, a, b, c, stride, first, rowStart);
            else
                RegisterTile<T, V, S>.Rows8(k, a, new PackedPanel<T, V, S>(b), c, stride, first, rowStart);
        }
        else
        {
            if (panel == S.Width)
                Narrow6(k, a, b, c, stride, first, rowStart);
            else
                RegisterTile<T, V, S>.Rows6(k, a, new PackedPanel<T, V, S>(b), c, stride, first, rowStart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow8(int k, T* a, T* b, T* c, nint stride, bool first, T* rowStart)
    {
        int w = S.Width;
        V c0, c1, c2, c3, c4, c5, c6, c7;
        if (first)
        {
            c0 = S.Broadcast(rowStart[0]);
            c1 = S.Broadcast(rowStart[1]);
            c2 = S.Broadcast(rowStart[2]);
            c3 = S.Broadcast(rowStart[3]);
            c4 = S.Broadcast(rowStart[4]);
            c5 = S.Broadcast(rowStart[5]);
            c6 = S.Broadcast(rowStart[6]);
            c7 = S.Broadcast(rowStart[7]);
        }
        else
        {
            c0 = S.Load(c);
            c1 = S.Load(c + stride);
            c2 = S.Load(c + 2 * stride);
            c3 = S.Load(c + 3 * stride);
            c4 = S.Load(c + 4 * stride);
            c5 = S.Load(c + 5 * stride);
            c6 = S.Load(c + 6 * stride);
            c7 = S.Load(c + 7 * stride);
        }
        for (; k > 0; k--)
        {
            V x = S.Load(b);
            c0 = S.MultiplyAdd(S.Broadcast(a[0]), x, c0);
            c1 = S.MultiplyAdd(S.Broadcast(a[1]), x, c1);
            c2 = S.MultiplyAdd(S.Broadcast(a[2]), x, c2);
            c3 = S.MultiplyAdd(S.Broadcast(a[3]), x, c3);
            c4 = S.MultiplyAdd(S.Broadcast(a[4]), x, c4);
            c5 = S.MultiplyAdd(S.Broadcast(a[5]), x, c5);
            c6 = S.MultiplyAdd(S.Broadcast(a[6]), x, c6);
            c7 = S.MultiplyAdd(S.Broadcast(a[7]), x, c7);
            a += 8;
            b += w;
        }
        S.Store(c0, c);
        S.Store(c1, c + stride);
        S.Store(c2, c + 2 * stride);
        S.Store(c3, c + 3 * stride);
        S.Store(c4, c + 4 * stride);
        S.Store(c5, c + 5 * stride);
        S.Store(c6, c + 6 * stride);
        S.Store(c7, c + 7 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow6(int k, T* a, T* b, T* c, nint stride, bool first, T* rowStart)
    {
        int w = S.Width;
        V c0, c1, c2, c3, c4, c5;
        if (first)
        {
            c0 = S.Broadcast(rowStart[0]);
            c1 = S.Broadcast(rowStart[1]);
            c2 = S.Broadcast(rowStart[2]);
            c3 = S.Broadcast(rowStart[3]);
            c4 = S.Broadcast(rowStart[4]);
            c5 = S.Broadcast(rowStart[5]);
        }
        else
        {
            c0 = S.Load(c);
            c1 = S.Load(c + stride);
            c2 = S.Load(c + 2 * stride);
            c3 = S.Load(c + 3 * stride);
            c4 = S.Load(c + 4 * stride);
            c5 = S.Load(c + 5 * stride);
        }
        for (; k > 0; k--)
        {
            V x = S.Load(b);
            c0 = S.MultiplyAdd(S.Broadcast(a[0]), x, c0);
            c1 = S.MultiplyAdd(S.Broadcast(a[1]), x, c1);
            c2 = S.MultiplyAdd(S.Broadcast(a[2]), x, c2);
            c3 = S.MultiplyAdd(S.Broadcast(a[3]), x, c3);
            c4 = S.MultiplyAdd(S.Broadcast(a[4]), x, c4);
            c5 = S.MultiplyAdd(S.Broadcast(a[5]), x, c5);
            a += 6;
            b += w;
        }
        S.Store(c0, c);
        S.Store(c1, c + stride);
        S.Store(c2, c + 2 * stride);
        S.Store(c3, c + 3 * stride);
        S.Store(c4, c + 4 * stride);
        S.Store(c5, c + 5 * stride);
    }
}
