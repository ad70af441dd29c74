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

    private const int Depth = 16, Pitch = Tile + 1;

    // The sixteen sums are scalars because ILGPU unrolls no loop and would keep an array in local memory.
    public static void Multiply<T, A, B, Y>(
        ArrayView<T> left, ArrayView<T> right, ArrayView<T> bias, ArrayView<T> result, ProductSizes s)
        where T : unmanaged, IFloatingPointIeee754<T> where A : struct, IFactor where B : struct, IFactor where Y : struct, IResult
    {
        ArrayView<T> tileA = SharedMemory.Allocate<T>(Depth * Pitch), tileB = SharedMemory.Allocate<T>(Depth * Pitch);
        int split = Grid.IdxX / s.Tiles, tile = Grid.IdxX - split * s.Tiles;
        int row0 = tile / s.TilesOfColumns * Tile, column0 = tile % s.TilesOfColumns * Tile;
        int begin = split * s.DepthOfSplit, end = begin + s.DepthOfSplit < s.Depth ? begin + s.DepthOfSplit : s.Depth;
        int t = Group.IdxX, tx = t % 16, ty = t / 16;

        // Four loads a thread and tile: along the depth at four rows, or along the rows at four depths.
        int stepIA = A.IsAlongDepth ? 16 : 0, stepDA = A.IsAlongDepth ? 0 : 4;
        int iA = A.IsAlongDepth ? ty : t % Tile, dA = A.IsAlongDepth ? tx : t / Tile;
        Anchor a0 = A.At(s, row0 + iA), a1 = A.At(s, row0 + iA + stepIA);
        Anchor a2 = A.At(s, row0 + iA + 2 * stepIA), a3 = A.At(s, row0 + iA + 3 * stepIA);
        int slotA = dA * Pitch + iA, nextA = stepDA * Pitch + stepIA;
        a0.IsInside = row0 + iA < s.Rows ? 1 : 0;
        a1.IsInside = row0 + iA + stepIA < s.Rows ? 1 : 0;
        a2.IsInside = row0 + iA + 2 * stepIA < s.Rows ? 1 : 0;
        a3.IsInside = row0 + iA + 3 * stepIA < s.Rows ? 1 : 0;

        int stepIB = B.IsAlongDepth ? 16 : 0, stepDB = B.IsAlongDepth ? 0 : 4;
        int iB = B.IsAlongDepth ? ty : t % Tile, dB = B.IsAlongDepth ? tx : t / Tile;
        Anchor b0 = B.At(s, column0 + iB), b1 = B.At(s, column0 + iB + stepIB);
        Anchor b2 = B.At(s, column0 + iB + 2 * stepIB), b3 = B.At(s, column0 + iB + 3 * stepIB);
        int slotB = dB * Pitch + iB, nextB = stepDB * Pitch + stepIB;
        b0.IsInside = column0 + iB < s.Columns ? 1 : 0;
        b1.IsInside = column0 + iB + stepIB < s.Columns ? 1 : 0;
        b2.IsInside = column0 + iB + 2 * stepIB < s.Columns ? 1 : 0;
        b3.IsInside = column0 + iB + 3 * stepIB < s.Columns ? 1 : 0;

        T c00 = T.Zero, c01 = T.Zero, c02 = T.Zero, c03 = T.Zero, c10 = T.Zero, c11 = T.Zero, c12 = T.Zero, c13 = T.Zero;
        T c20 = T.Zero, c21 = T.Zero, c22 = T.Zero, c23 = T.Zero, c30 = T.Zero, c31 = T.Zero, c32 = T.Zero, c33 = T.Zero;
        for (int d = begin; d < end; d += Depth)
        {
            int da = d + dA, db = d + dB;
            tileA[slotA] = Take<T, A>(left, s, a0, da, end);
            tileA[slotA + nextA] = Take<T, A>(left, s, a1, da + stepDA, end);
            tileA[slotA + 2 * nextA] = Take<T, A>(left, s, a2, da + 2 * stepDA, end);
            tileA[slotA + 3 * nextA] = Take<T, A>(left, s, a3, da + 3 * stepDA, end);
            tileB[slotB] = Take<T, B>(right, s, b0, db, end);
            tileB[slotB + nextB] = Take<T, B>(right, s, b1, db + stepDB, end);
            tileB[slotB + 2 * nextB] = Take<T, B>(right, s, b2, db + 2 * stepDB, end);
            tileB[slotB + 3 * nextB] = Take<T, B>(right, s, b3, db + 3 * stepDB, end);
            Group.Barrier();
            for (int k = 0; k < Depth; k++)
            {
                int pa = k * Pitch + ty, pb = k * Pitch + tx;
                T p0 = tileA[pa], p1 = tileA[pa + 16], p2 = tileA[pa + 32], p3 = tileA[pa + 48];
                T q0 = tileB[pb], q1 = tileB[pb + 16], q2 = tileB[pb + 32], q3 = tileB[pb + 48];
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
            Group.Barrier();
        }
        int row = row0 + ty, column = column0 + tx;
        Put<T, Y>(result, bias, s, row, column, split, c00, c01, c02, c03);
        Put<T, Y>(result, bias, s, row + 16, column, split, c10, c11, c12, c13);
        Put<T, Y>(result, bias, s, row + 32, column, split, c20, c21, c22, c23);
        Put<T, Y>(result, bias, s, row + 48, column, split, c30, c31, c32, c33);
    }

    /// <summary>One element of a factor, 0 outside, where the first element is loaded in its place: a load that nobody
    /// needs costs less than a branch around each.</summary>
    public static T Take<T, F>(ArrayView<T> view, ProductSizes s, Anchor at, int depth, int end)
        where T : unmanaged, INumber<T> where F : struct, IFactor
    {
        int index = F.IndexOf(s, at, depth);
        bool isThere = at.IsInside != 0 & depth < end & index >= 0;
        T value = view[isThere ? index : 0];
        return isThere ? value : T.Zero;
    }

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
}
