using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>Where a register tile takes the two vectors of a row of its right operand from, row after row.</summary>
internal interface IRightOperand<V> where V : struct
{
    void Next(out V x, out V y);
}

/// <summary>A right operand that is packed as [k][2·width].</summary>
internal unsafe struct PackedPanel<T, V, S>(T* panel) : IRightOperand<V>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    private T* _panel = panel;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next(out V x, out V y)
    {
        x = S.Load(_panel);
        y = S.Load(_panel + S.Width);
        _panel += 2 * S.Width;
    }
}

/// <summary>A right operand that is read from the bordered image: at p and q plus the offset of each row of the patch
/// matrix.</summary>
internal unsafe struct ImageRows<T, V, S>(T* p, T* q, int* offsets) : IRightOperand<V>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    private readonly T* _p = p;
    private readonly T* _q = q;
    private int* _offsets = offsets;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Next(out V x, out V y)
    {
        nint offset = *_offsets++;
        x = S.Load(_p + offset);
        y = S.Load(_q + offset);
    }
}

/// <summary>
/// The register tiles of two vectors a row: R rows × 2 vectors of c are held in registers while k runs. A is packed as
/// [k][R]; where b comes from is its operand's. c[R][2·width] = (first ? start of the row : c) + Σ over k, in order, of
/// a·b.
/// </summary>
internal static unsafe class RegisterTile<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows8<B>(int k, T* a, B b, T* c, nint stride, bool first, T* rowStart)
        where B : struct, IRightOperand<V>
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
            b.Next(out V x, out V y);
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
    public static void Rows6<B>(int k, T* a, B b, T* c, nint stride, bool first, T* rowStart)
        where B : struct, IRightOperand<V>
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
            b.Next(out V x, out V y);
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
    public static void Rows4<B>(int k, T* a, B b, T* c, nint stride, bool first, T* rowStart)
        where B : struct, IRightOperand<V>
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
            b.Next(out V x, out V y);
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
