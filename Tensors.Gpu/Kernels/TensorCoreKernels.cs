using ILGPU;
using ILGPU.Runtime.Cuda;

namespace InfMatch.Tensors;

/// <summary>How the factors of a product are rounded.</summary>
internal interface ITensorCorePrecision
{
    /// <summary>Whether a factor is a sum of two TF32 numbers, and not one.</summary>
    static abstract bool IsSplit { get; }
}

/// <summary><see cref="Precision.Tf32"/>.</summary>
internal readonly struct OneTf32 : ITensorCorePrecision
{
    public static bool IsSplit => false;
}

/// <summary><see cref="Precision.ThreeTf32"/>.</summary>
internal readonly struct SplitTf32 : ITensorCorePrecision
{
    public static bool IsSplit => true;
}

/// <summary>
/// Which element of its matrices a lane of a warp holds in mma.m16n8k8 of TF32 (PTX ISA, "Matrix Fragments for
/// mma.m16n8k8"), and where the kernel keeps it. Each is that of element 0 plus that of lane 0.
/// </summary>
internal static class TensorCoreLayout
{
    /// <summary>From one depth of a tile in shared memory to the next: eight more than a multiple of 32, so that the 32
    /// lanes of a fragment meet 32 banks.</summary>
    public const int Pitch = WideProductKernels.Tile + 8;

    /// <summary>Rows and columns of a warp: a group's 8 warps lie as 4 × 2.</summary>
    public const int WarpRows = 32, WarpColumns = 64;

    /// <summary>The row of element i of 4 of A.</summary>
    public static int RowOfA(int lane, int i) => lane / 4 + 8 * (i & 1);

    /// <summary>The depth of element i of 4 of A.</summary>
    public static int DepthOfA(int lane, int i) => (lane & 3) + 4 * (i / 2);

    /// <summary>The depth of element i of 2 of B.</summary>
    public static int DepthOfB(int lane, int i) => (lane & 3) + 4 * i;

    /// <summary>The column of both elements of B.</summary>
    public static int ColumnOfB(int lane) => lane / 4;

    /// <summary>The row of element i of 4 of the result.</summary>
    public static int RowOfC(int lane, int i) => lane / 4 + 8 * (i / 2);

    /// <summary>The column of element i of 4 of the result.</summary>
    public static int ColumnOfC(int lane, int i) => 2 * (lane & 3) + (i & 1);

    /// <summary>The first row of a warp in its group's tile.</summary>
    public static int RowOfWarp(int warp) => warp / 2 * WarpRows;

    /// <summary>The first column of a warp in its group's tile.</summary>
    public static int ColumnOfWarp(int warp) => (warp & 1) * WarpColumns;

    /// <summary>Where element i of the fragment of rows 16m… lies behind the warp's first row.</summary>
    public static int SlotOfA(int lane, int m, int i) => DepthOfA(lane, i) * Pitch + 16 * m + RowOfA(lane, i);

    /// <summary>Where element i of the fragment of columns 8n… lies behind the warp's first column.</summary>
    public static int SlotOfB(int lane, int n, int i) => DepthOfB(lane, i) * Pitch + 8 * n + ColumnOfB(lane);
}

/// <summary>
/// The products of <see cref="WideProductKernels"/>, with its tiles and its cuts of the depth, on the tensor cores of
/// CUDA devices from sm_80 on: a warp computes 32 × 64 results as 2 × 8 fragments of mma.m16n8k8, whose depth is that of a
/// tile.
/// </summary>
internal static class TensorCoreKernels
{
    private const int Tile = WideProductKernels.Tile, Depth = WideProductKernels.Depth;
    private const int Stage = Depth * TensorCoreLayout.Pitch;

    /// <param name="left">The left factor.</param>
    /// <param name="right">The right factor.</param>
    /// <param name="bias">One number a row, where the sizes say that there is one.</param>
    /// <param name="result">The address of the result: only text can read the sums, and text knows no views.</param>
    /// <param name="s">The sizes.</param>
    [GroupsAtOnce(2)]
    public static void Multiply<A, B, Y, P>(
        ArrayView<float> left, ArrayView<float> right, ArrayView<float> bias, long result, ProductSizes s)
        where A : struct, IFactor<A> where B : struct, IFactor<B> where Y : struct, IResult
        where P : struct, ITensorCorePrecision
    {
        CudaAsm.Emit(TensorCoreCode.Declare);
        ArrayView<float> tilesA = SharedMemory.Allocate<float>(2 * Stage);
        ArrayView<float> tilesB = SharedMemory.Allocate<float>(2 * Stage);
        int split = DeviceIntrinsics.Here(Grid.IdxX / s.Tiles), tile = Grid.IdxX - split * s.Tiles;
        int row0 = DeviceIntrinsics.Here(tile / s.TilesOfColumns * Tile);
        int column0 = DeviceIntrinsics.Here(tile % s.TilesOfColumns * Tile);
        int begin = split * s.DepthOfSplit, end = begin + s.DepthOfSplit < s.Depth ? begin + s.DepthOfSplit : s.Depth;
        end = DeviceIntrinsics.Here(end);
        int t = Group.IdxX, lane = t & 31, warp = t / 32;

        int iA = WideProductKernels.FirstOf<A>(t, s.IsWideLeft), iB = WideProductKernels.FirstOf<B>(t, s.IsWideRight);
        int dA = WideProductKernels.DepthOf<A>(t, s.IsWideLeft), dB = WideProductKernels.DepthOf<B>(t, s.IsWideRight);
        A a = WideProductKernels.At<A>(s, row0 + iA, s.Rows, begin + dA, s.IsWideLeft);
        B b = WideProductKernels.At<B>(s, column0 + iB, s.Columns, begin + dB, s.IsWideRight);
        int slotA = dA * TensorCoreLayout.Pitch + iA, slotB = dB * TensorCoreLayout.Pitch + iB;
        int firstA = TensorCoreLayout.RowOfWarp(warp) + TensorCoreLayout.SlotOfA(lane, 0, 0);
        int firstB = TensorCoreLayout.ColumnOfWarp(warp) + TensorCoreLayout.SlotOfB(lane, 0, 0);

        if (begin < end)
        {
            Keep<A>(tilesA, slotA, s.IsWideLeft, Fetch(left, s, s.IsWideLeft, a, begin + dA, end));
            Keep<B>(tilesB, slotB, s.IsWideRight, Fetch(right, s, s.IsWideRight, b, begin + dB, end));
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
            Accumulate<P>(
                tilesA.SubView(now + firstA, SizeOfFragments), tilesB.SubView(now + firstB, SizeOfFragments));
            now = Stage - now;
            if (goesOn)
            {
                Keep<A>(tilesA, now + slotA, s.IsWideLeft, nextA);
                Keep<B>(tilesB, now + slotB, s.IsWideRight, nextB);
            }
            Group.Barrier();
        }
        int row = row0 + TensorCoreLayout.RowOfWarp(warp) + TensorCoreLayout.RowOfC(lane, 0);
        int column = column0 + TensorCoreLayout.ColumnOfWarp(warp) + TensorCoreLayout.ColumnOfC(lane, 0);
        Store<Y>(result, bias, s, row, column, split);
    }

    // What the elements of all fragments of a lane span.
    private const int SizeOfFragments = 4 * TensorCoreLayout.Pitch + TensorCoreLayout.WarpColumns;

    private static Four<float> Fetch<F>(ArrayView<float> view, ProductSizes s, int isWide, F at, int depth, int end)
        where F : struct, IFactor<F> => WideProductKernels.Fetch(view, s, isWide, at, depth, end);

    private static void Keep<F>(ArrayView<float> tiles, int slot, int isWide, Four<float> v) where F : struct, IFactor<F> =>
        WideProductKernels.Keep<F>(tiles, slot, isWide, v, TensorCoreLayout.Pitch);

    // The views begin at the lane's own first element; the rest are constants from there.
    private static void Accumulate<P>(ArrayView<float> a, ArrayView<float> b) where P : struct, ITensorCorePrecision
    {
        float a0 = OfA(a, 0, 0), a1 = OfA(a, 0, 1), a2 = OfA(a, 0, 2), a3 = OfA(a, 0, 3);
        float a4 = OfA(a, 1, 0), a5 = OfA(a, 1, 1), a6 = OfA(a, 1, 2), a7 = OfA(a, 1, 3);
        if (P.IsSplit)
        {
            CudaAsm.Emit(TensorCoreCode.LeftSplit, a0, a1, a2, a3, a4, a5, a6, a7);
            CudaAsm.Emit(TensorCoreCode.RightSplit0, OfB(b, 0, 0), OfB(b, 0, 1));
            CudaAsm.Emit(TensorCoreCode.RightSplit1, OfB(b, 1, 0), OfB(b, 1, 1));
            CudaAsm.Emit(TensorCoreCode.RightSplit2, OfB(b, 2, 0), OfB(b, 2, 1));
            CudaAsm.Emit(TensorCoreCode.RightSplit3, OfB(b, 3, 0), OfB(b, 3, 1));
            CudaAsm.Emit(TensorCoreCode.RightSplit4, OfB(b, 4, 0), OfB(b, 4, 1));
            CudaAsm.Emit(TensorCoreCode.RightSplit5, OfB(b, 5, 0), OfB(b, 5, 1));
            CudaAsm.Emit(TensorCoreCode.RightSplit6, OfB(b, 6, 0), OfB(b, 6, 1));
            CudaAsm.Emit(TensorCoreCode.RightSplit7, OfB(b, 7, 0), OfB(b, 7, 1));
        }
        else
        {
            CudaAsm.Emit(TensorCoreCode.Left, a0, a1, a2, a3, a4, a5, a6, a7);
            CudaAsm.Emit(TensorCoreCode.Right0, OfB(b, 0, 0), OfB(b, 0, 1));
            CudaAsm.Emit(TensorCoreCode.Right1, OfB(b, 1, 0), OfB(b, 1, 1));
            CudaAsm.Emit(TensorCoreCode.Right2, OfB(b, 2, 0), OfB(b, 2, 1));
            CudaAsm.Emit(TensorCoreCode.Right3, OfB(b, 3, 0), OfB(b, 3, 1));
            CudaAsm.Emit(TensorCoreCode.Right4, OfB(b, 4, 0), OfB(b, 4, 1));
            CudaAsm.Emit(TensorCoreCode.Right5, OfB(b, 5, 0), OfB(b, 5, 1));
            CudaAsm.Emit(TensorCoreCode.Right6, OfB(b, 6, 0), OfB(b, 6, 1));
            CudaAsm.Emit(TensorCoreCode.Right7, OfB(b, 7, 0), OfB(b, 7, 1));
        }
    }

    private static float OfA(ArrayView<float> a, int m, int i) => a[TensorCoreLayout.SlotOfA(0, m, i)];

    private static float OfB(ArrayView<float> b, int n, int i) => b[TensorCoreLayout.SlotOfB(0, n, i)];

    // Of the parts of a sum only the first takes the bias. A thread has four rows, eight apart, and 8 × 2 columns.
    private static void Store<Y>(long result, ArrayView<float> bias, ProductSizes s, int row, int column, int split)
        where Y : struct, IResult
    {
        int rows = (s.Rows - row + 7) / 8;
        float add0 = 0, add1 = 0, add2 = 0, add3 = 0;
        if (s.HasBias != 0 && split == 0)
        {
            add0 = bias[rows > 0 ? row : 0];
            add1 = bias[rows > 1 ? row + 8 : 0];
            add2 = bias[rows > 2 ? row + 16 : 0];
            add3 = bias[rows > 3 ? row + 24 : 0];
        }
        long first = result + 4L * (split * s.Rows * s.Columns + row * Y.RowStride(s));
        long step = 32L * Y.RowStride(s);
        CudaAsm.Emit(
            TensorCoreCode.Store00, first + 4L * Y.ColumnOf(s, column), step, Inside(s, column, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store01, first + 4L * Y.ColumnOf(s, column + 1), step, Inside(s, column + 1, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store10, first + 4L * Y.ColumnOf(s, column + 8), step, Inside(s, column + 8, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store11, first + 4L * Y.ColumnOf(s, column + 9), step, Inside(s, column + 9, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store20, first + 4L * Y.ColumnOf(s, column + 16), step, Inside(s, column + 16, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store21, first + 4L * Y.ColumnOf(s, column + 17), step, Inside(s, column + 17, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store30, first + 4L * Y.ColumnOf(s, column + 24), step, Inside(s, column + 24, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store31, first + 4L * Y.ColumnOf(s, column + 25), step, Inside(s, column + 25, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store40, first + 4L * Y.ColumnOf(s, column + 32), step, Inside(s, column + 32, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store41, first + 4L * Y.ColumnOf(s, column + 33), step, Inside(s, column + 33, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store50, first + 4L * Y.ColumnOf(s, column + 40), step, Inside(s, column + 40, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store51, first + 4L * Y.ColumnOf(s, column + 41), step, Inside(s, column + 41, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store60, first + 4L * Y.ColumnOf(s, column + 48), step, Inside(s, column + 48, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store61, first + 4L * Y.ColumnOf(s, column + 49), step, Inside(s, column + 49, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store70, first + 4L * Y.ColumnOf(s, column + 56), step, Inside(s, column + 56, rows),
            add0, add1, add2, add3);
        CudaAsm.Emit(
            TensorCoreCode.Store71, first + 4L * Y.ColumnOf(s, column + 57), step, Inside(s, column + 57, rows),
            add0, add1, add2, add3);
    }

    private static int Inside(ProductSizes s, int column, int rows) => column < s.Columns ? rows : 0;
}
