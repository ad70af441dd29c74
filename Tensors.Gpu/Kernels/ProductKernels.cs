using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Matrix products and the three forms of the convolution: tiles in shared memory, for any shape.</summary>
internal static class ProductKernels
{
    /// <summary>A group computes Tile × Tile results, a thread 4 × 4 of them.</summary>
    public const int Tile = 64;

    /// <summary>16 × 16 threads.</summary>
    public const int Threads = 256;

    /// <summary>The depth of a tile.</summary>
    public const int Depth = 16;

    // Two more than a tile: then the threads that store along the depth meet different banks.
    private const int Pitch = Tile + 2, Stage = Depth * Pitch;

    // The sixteen sums are scalars because ILGPU unrolls no loop and would keep an array in local memory. There are two tiles
    // of each factor in turn, so that the next one is on its way while this one is worked on.
    [GroupsAtOnce(3)]
    public static void Multiply<T, A, B, Y>(
        ArrayView<T> left, ArrayView<T> right, ArrayView<T> bias, ArrayView<T> result, ProductSizes s)
        where T : unmanaged, IFloatingPointIeee754<T> where A : struct, IFactor<A> where B : struct, IFactor<B>
        where Y : struct, IResult
    {
        ArrayView<T> tilesA = SharedMemory.Allocate<T>(2 * Stage), tilesB = SharedMemory.Allocate<T>(2 * Stage);
        int split = DeviceIntrinsics.Here(Grid.IdxX / s.Tiles), tile = Grid.IdxX - split * s.Tiles;
        int row0 = DeviceIntrinsics.Here(tile / s.TilesOfColumns * Tile);
        int column0 = DeviceIntrinsics.Here(tile % s.TilesOfColumns * Tile);
        int begin = split * s.DepthOfSplit, end = begin + s.DepthOfSplit < s.Depth ? begin + s.DepthOfSplit : s.Depth;
        end = DeviceIntrinsics.Here(end);
        int t = Group.IdxX, tx = t & 15, ty = t >> 4;

        int iA = FirstOf<A>(t), dA = DepthOf<A>(t), iB = FirstOf<B>(t), dB = DepthOf<B>(t);
        int slotA = dA * Pitch + iA, slotB = dB * Pitch + iB;
        A a = A.At(s, ProductLoads.Clamp(row0 + iA, s.Rows - 1), begin + dA, StepOf<A>());
        B b = B.At(s, ProductLoads.Clamp(column0 + iB, s.Columns - 1), begin + dB, StepOf<B>());
        if (begin < end)
        {
            ProductLoads.Keep(tilesA, slotA, StepOf<A>() * Pitch, ProductLoads.Fetch(left, s, a, begin + dA, StepOf<A>(), end));
            ProductLoads.Keep(tilesB, slotB, StepOf<B>() * Pitch, ProductLoads.Fetch(right, s, b, begin + dB, StepOf<B>(), end));
        }
        Group.Barrier();

        T c00 = T.Zero, c01 = T.Zero, c02 = T.Zero, c03 = T.Zero, c10 = T.Zero, c11 = T.Zero, c12 = T.Zero, c13 = T.Zero;
        T c20 = T.Zero, c21 = T.Zero, c22 = T.Zero, c23 = T.Zero, c30 = T.Zero, c31 = T.Zero, c32 = T.Zero, c33 = T.Zero;
        int now = 0;
        for (int d = begin; d < end; d += Depth)
        {
            Four<T> nextA = default, nextB = default;
            bool goesOn = d + Depth < end;
            if (goesOn)
            {
                a = A.Next(s, a, Depth);
                b = B.Next(s, b, Depth);
                nextA = ProductLoads.Fetch(left, s, a, d + Depth + dA, StepOf<A>(), end);
                nextB = ProductLoads.Fetch(right, s, b, d + Depth + dB, StepOf<B>(), end);
            }
            for (int k = 0; k < Depth; k++)
            {
                ArrayView<T> rowA = tilesA.SubView(now + ty + k * Pitch, 49), rowB = tilesB.SubView(now + tx + k * Pitch, 49);
                T p0 = rowA[0], p1 = rowA[16], p2 = rowA[32], p3 = rowA[48];
                T q0 = rowB[0], q1 = rowB[16], q2 = rowB[32], q3 = rowB[48];
                c00 = DeviceIntrinsics.MultiplyAdd(p0, q0, c00);
                c01 = DeviceIntrinsics.MultiplyAdd(p0, q1, c01);
                c02 = DeviceIntrinsics.MultiplyAdd(p0, q2, c02);
                c03 = DeviceIntrinsics.MultiplyAdd(p0, q3, c03);
                c10 = DeviceIntrinsics.MultiplyAdd(p1, q0, c10);
                c11 = DeviceIntrinsics.MultiplyAdd(p1, q1, c11);
                c12 = DeviceIntrinsics.MultiplyAdd(p1, q2, c12);
                c13 = DeviceIntrinsics.MultiplyAdd(p1, q3, c13);
                c20 = DeviceIntrinsics.MultiplyAdd(p2, q0, c20);
                c21 = DeviceIntrinsics.MultiplyAdd(p2, q1, c21);
                c22 = DeviceIntrinsics.MultiplyAdd(p2, q2, c22);
                c23 = DeviceIntrinsics.MultiplyAdd(p2, q3, c23);
                c30 = DeviceIntrinsics.MultiplyAdd(p3, q0, c30);
                c31 = DeviceIntrinsics.MultiplyAdd(p3, q1, c31);
                c32 = DeviceIntrinsics.MultiplyAdd(p3, q2, c32);
                c33 = DeviceIntrinsics.MultiplyAdd(p3, q3, c33);
            }
            now = Stage - now;
            if (goesOn)
            {
                ProductLoads.Keep(tilesA, now + slotA, StepOf<A>() * Pitch, nextA);
                ProductLoads.Keep(tilesB, now + slotB, StepOf<B>() * Pitch, nextB);
            }
            Group.Barrier();
        }
        int row = row0 + ty, column = column0 + tx;
        Put<T, Y>(result, bias, s, row, column, split, c00, c01, c02, c03);
        Put<T, Y>(result, bias, s, row + 16, column, split, c10, c11, c12, c13);
        Put<T, Y>(result, bias, s, row + 32, column, split, c20, c21, c22, c23);
        Put<T, Y>(result, bias, s, row + 48, column, split, c30, c31, c32, c33);
    }

    // Which row (left) or column (right) of the tile a thread loads, and at which depths: along it four threads take one,
    // across each takes one at every fourth depth.
    private static int FirstOf<F>(int t) where F : struct, IFactor<F> => F.IsAlongDepth ? t >> 2 : t & (Tile - 1);

    private static int DepthOf<F>(int t) where F : struct, IFactor<F> => F.IsAlongDepth ? (t & 3) * 4 : t / Tile;

    private static int StepOf<F>() where F : struct, IFactor<F> => F.IsAlongDepth ? 1 : 4;

    // Of the parts of a sum only the first takes the bias.
    private static void Put<T, Y>(
        ArrayView<T> result, ArrayView<T> bias, ProductSizes s, int row, int column, int split, T v0, T v1, T v2, T v3)
        where T : unmanaged, INumber<T> where Y : struct, IResult
    {
        if (row >= s.Rows)
            return;
        T add = T.Zero;
        if (s.HasBias != 0 && split == 0)
            add = bias[row];
        int start = split * s.Rows * s.Columns + row * Y.RowStride(s);
        if (column < s.Columns)
            result[start + Y.ColumnOf(s, column)] = v0 + add;
        if (column + 16 < s.Columns)
            result[start + Y.ColumnOf(s, column + 16)] = v1 + add;
        if (column + 32 < s.Columns)
            result[start + Y.ColumnOf(s, column + 32)] = v2 + add;
        if (column + 48 < s.Columns)
            result[start + Y.ColumnOf(s, column + 48)] = v3 + add;
    }

    /// <summary>Weights [K, C, R, S] as [outer, inner, channel]: one of outer and inner are the output channels, the other the
    /// taps.</summary>
    public static void InOrderOfTaps<T>(ArrayView<T> w, ArrayView<T> y, TapOrder o) where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)o.Count)
            return;
        int rest = o.ByPitch.Quotient(i), channel = i - rest * o.Pitch, outer = o.ByInner.Quotient(rest);
        T value = T.Zero;
        if (channel < o.Channels)
            value = w[outer * o.OuterStride + (rest - outer * o.Inner) * o.InnerStride + channel * o.Taps];
        y[i] = value;
    }
}

/// <summary>The order of a copy of weights [K, C, R, S]: the inner size, where in the weights one of outer and inner follows
/// the one before, and from one row of channels to the next.</summary>
internal struct TapOrder
{
    public int Count, Inner, OuterStride, InnerStride, Channels, Taps, Pitch;
    public Divisor ByInner, ByPitch;
}
