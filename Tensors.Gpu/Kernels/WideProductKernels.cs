using ILGPU;

namespace InfMatch.Tensors;

/// <summary>The sums of one row of a thread's 8 × 8 results: scalars, which a compiler keeps in registers.</summary>
internal struct RowSums
{
    public float C0, C1, C2, C3, C4, C5, C6, C7;

    /// <summary>These and p·(q, r).</summary>
    public readonly RowSums Plus(float p, Four<float> q, Four<float> r) => new()
    {
        C0 = DeviceIntrinsics.MultiplyAdd(p, q.X, C0), C1 = DeviceIntrinsics.MultiplyAdd(p, q.Y, C1),
        C2 = DeviceIntrinsics.MultiplyAdd(p, q.Z, C2), C3 = DeviceIntrinsics.MultiplyAdd(p, q.W, C3),
        C4 = DeviceIntrinsics.MultiplyAdd(p, r.X, C4), C5 = DeviceIntrinsics.MultiplyAdd(p, r.Y, C5),
        C6 = DeviceIntrinsics.MultiplyAdd(p, r.Z, C6), C7 = DeviceIntrinsics.MultiplyAdd(p, r.W, C7),
    };
}

/// <summary>
/// The products of <see cref="ProductKernels"/> in float32 for shapes that fill a device with tiles of 128 × 128: 8 × 8
/// results a thread, so that 64 multiply-adds follow each four loads from shared memory, and two tiles of each factor
/// in turn, so that the next one is on its way while this one is worked on.
/// </summary>
internal static class WideProductKernels
{
    /// <summary>A group computes Tile × Tile results: 8 warps as 4 × 2, each of 4 × 8 threads.</summary>
    public const int Tile = 128;

    /// <summary>Threads of a group.</summary>
    public const int Threads = 256;

    /// <summary>The depth of a tile.</summary>
    public const int Depth = 8;

    // Four more than a tile: the threads that store along the depth then meet different banks, and a row of the tile
    // still begins at a multiple of 16 bytes.
    private const int Pitch = Tile + 4, Stage = Depth * Pitch;

    /// <summary>The shared memory of a group.</summary>
    public const int SharedBytes = 2 * 2 * Stage * sizeof(float);

    [GroupsAtOnce(2)]
    public static void Multiply<A, B, Y>(
        ArrayView<float> left, ArrayView<float> right, ArrayView<float> bias, ArrayView<float> result, ProductSizes s)
        where A : struct, IFactor<A> where B : struct, IFactor<B> where Y : struct, IResult
    {
        ArrayView<float> tilesA = SharedMemory.Allocate<float>(2 * Stage);
        ArrayView<float> tilesB = SharedMemory.Allocate<float>(2 * Stage);
        ArrayView<Four<float>> foursA = tilesA.Cast<Four<float>>(), foursB = tilesB.Cast<Four<float>>();
        int split = DeviceIntrinsics.Here(Grid.IdxX / s.Tiles), tile = Grid.IdxX - split * s.Tiles;
        int row0 = DeviceIntrinsics.Here(tile / s.TilesOfColumns * Tile);
        int column0 = DeviceIntrinsics.Here(tile % s.TilesOfColumns * Tile);
        int begin = split * s.DepthOfSplit, end = begin + s.DepthOfSplit < s.Depth ? begin + s.DepthOfSplit : s.Depth;
        end = DeviceIntrinsics.Here(end);
        int t = Group.IdxX, lane = t & 31, warp = t / 32;
        int tx = (warp & 1) * 8 + (lane & 7), ty = warp / 2 * 4 + lane / 8;

        int iA = FirstOf<A>(t, s.IsWideLeft), dA = DepthOf<A>(t, s.IsWideLeft);
        int iB = FirstOf<B>(t, s.IsWideRight), dB = DepthOf<B>(t, s.IsWideRight);
        A a = At<A>(s, row0 + iA, s.Rows, begin + dA, s.IsWideLeft);
        B b = At<B>(s, column0 + iB, s.Columns, begin + dB, s.IsWideRight);
        int slotA = dA * Pitch + iA, slotB = dB * Pitch + iB;

        RowSums r0 = default, r1 = default, r2 = default, r3 = default;
        RowSums r4 = default, r5 = default, r6 = default, r7 = default;
        if (begin < end)
        {
            Keep<A>(tilesA, slotA, s.IsWideLeft, Fetch(left, s, s.IsWideLeft, a, begin + dA, end), Pitch);
            Keep<B>(tilesB, slotB, s.IsWideRight, Fetch(right, s, s.IsWideRight, b, begin + dB, end), Pitch);
        }
        Group.Barrier();
        int now = 0;
        for (int d = begin; d < end; d += Depth)
        {
            Four<float> nextA = default, nextB = default;
            bool goesOn = d + Depth < end;
            if (goesOn)
            {
                a = A.Next(s, a, Depth);
                b = B.Next(s, b, Depth);
                nextA = Fetch(left, s, s.IsWideLeft, a, d + Depth + dA, end);
                nextB = Fetch(right, s, s.IsWideRight, b, d + Depth + dB, end);
            }
            int firstA = now / 4 + ty, firstB = now / 4 + tx;
            for (int k = 0; k < Depth; k++)
            {
                ArrayView<Four<float>> rowA = foursA.SubView(firstA + k * (Pitch / 4), 17);
                ArrayView<Four<float>> rowB = foursB.SubView(firstB + k * (Pitch / 4), 17);
                Four<float> p = rowA[0], q = rowB[0], r = rowB[16];
                r0 = r0.Plus(p.X, q, r);
                r1 = r1.Plus(p.Y, q, r);
                r2 = r2.Plus(p.Z, q, r);
                r3 = r3.Plus(p.W, q, r);
                p = rowA[16];
                r4 = r4.Plus(p.X, q, r);
                r5 = r5.Plus(p.Y, q, r);
                r6 = r6.Plus(p.Z, q, r);
                r7 = r7.Plus(p.W, q, r);
            }
            now = Stage - now;
            if (goesOn)
            {
                Keep<A>(tilesA, now + slotA, s.IsWideLeft, nextA, Pitch);
                Keep<B>(tilesB, now + slotB, s.IsWideRight, nextB, Pitch);
            }
            Group.Barrier();
        }
        int row = row0 + ty * 4, column = column0 + tx * 4;
        int low = Y.ColumnOf(s, column), high = Y.ColumnOf(s, column + Tile / 2);
        Put<Y>(result, bias, s, row, column, low, high, split, r0);
        Put<Y>(result, bias, s, row + 1, column, low, high, split, r1);
        Put<Y>(result, bias, s, row + 2, column, low, high, split, r2);
        Put<Y>(result, bias, s, row + 3, column, low, high, split, r3);
        Put<Y>(result, bias, s, row + Tile / 2, column, low, high, split, r4);
        Put<Y>(result, bias, s, row + Tile / 2 + 1, column, low, high, split, r5);
        Put<Y>(result, bias, s, row + Tile / 2 + 2, column, low, high, split, r6);
        Put<Y>(result, bias, s, row + Tile / 2 + 3, column, low, high, split, r7);
    }

    // Which row (left) or column (right) of the tile a thread loads: with its four loads along the depth, two threads
    // take one; across, each thread takes one at every second depth, or four neighbours at one depth.
    internal static int FirstOf<F>(int t, int isWide) where F : struct, IFactor<F> =>
        F.IsAlongDepth ? t / 2 : IsOfFours<F>(isWide) ? (t & 31) * 4 : t & (Tile - 1);

    internal static int DepthOf<F>(int t, int isWide) where F : struct, IFactor<F> =>
        F.IsAlongDepth ? (t & 1) * 4 : IsOfFours<F>(isWide) ? t / 32 : t / Tile;

    internal static F At<F>(ProductSizes s, int index, int count, int depth, int isWide) where F : struct, IFactor<F>
    {
        int last = !F.IsAlongDepth && IsOfFours<F>(isWide) ? F.RunOf(s) - 4 : count - 1;
        return F.At(s, ProductLoads.Clamp(index, last), depth, F.IsAlongDepth ? 1 : 2);
    }

    internal static Four<float> Fetch<F>(ArrayView<float> view, ProductSizes s, int isWide, F at, int depth, int end)
        where F : struct, IFactor<F> => IsOfFours<F>(isWide)
            ? ProductLoads.FetchFour(view, s, at, depth, end)
            : ProductLoads.Fetch(view, s, at, depth, F.IsAlongDepth ? 1 : 2, end);

    internal static void Keep<F>(ArrayView<float> tiles, int slot, int isWide, Four<float> v, int pitch)
        where F : struct, IFactor<F>
    {
        if (!F.IsAlongDepth && IsOfFours<F>(isWide))
            tiles.Cast<Four<float>>()[slot / 4] = v;
        else
            ProductLoads.Keep(tiles, slot, F.IsAlongDepth ? pitch : 2 * pitch, v);
    }

    private static bool IsOfFours<F>(int isWide) where F : struct, IFactor<F> =>
        F.IsOfRuns || (F.HasRuns && isWide != 0);

    // Of the parts of a sum only the first takes the bias.
    private static void Put<Y>(
        ArrayView<float> result, ArrayView<float> bias, ProductSizes s, int row, int column, int low, int high,
        int split, RowSums sums) where Y : struct, IResult
    {
        if (row >= s.Rows)
            return;
        float add = 0;
        if (s.HasBias != 0 && split == 0)
            add = bias[row];
        int start = split * s.Rows * s.Columns + row * Y.RowStride(s);
        var first = new Four<float> { X = sums.C0 + add, Y = sums.C1 + add, Z = sums.C2 + add, W = sums.C3 + add };
        var second = new Four<float> { X = sums.C4 + add, Y = sums.C5 + add, Z = sums.C6 + add, W = sums.C7 + add };
        PutFour<Y>(result, s, start, column, low, first);
        PutFour<Y>(result, s, start, column + Tile / 2, high, second);
    }

    private static void PutFour<Y>(ArrayView<float> result, ProductSizes s, int start, int column, int first, Four<float> v)
        where Y : struct, IResult
    {
        if (s.IsWideResult != 0)
        {
            if (column < s.Columns)
                result.Cast<Four<float>>()[(start + first) / 4] = v;
            return;
        }
        if (column < s.Columns)
            result[start + first] = v.X;
        if (column + 1 < s.Columns)
            result[start + Y.ColumnOf(s, column + 1)] = v.Y;
        if (column + 2 < s.Columns)
            result[start + Y.ColumnOf(s, column + 2)] = v.Z;
        if (column + 3 < s.Columns)
            result[start + Y.ColumnOf(s, column + 3)] = v.W;
    }
}
