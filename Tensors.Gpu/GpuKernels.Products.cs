using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

internal sealed partial class GpuKernels<T, N, X>
    : IKernel<DotCall>, IKernel<SumToCall>, IKernel<MatMulCall>, IKernel<Conv2dCall>, IKernel<Conv2dInputGradientCall>,
        IKernel<Conv2dWeightGradientCall>
{
    private const int FewTerms = 32, DotChunk = 4096, MostSplits = 256, WantedGroups = 256, FewSlices = 8, Strands = 8;
    private const int CutMultiple = 16, LeastWideSide = 96, LeastWideGroups = 64;

    public void Run(DotCall call)
    {
        int count = call.X.Count, parts = Math.Clamp(count / DotChunk, 1, WantedGroups);
        using var partial = new GpuScratch<X>(memory, parts);
        launcher.Launch(
            parts, Threads, ReductionKernels.Dot<T, X>, View(call.X), View(call.Y), partial.View, count,
            (count + parts - 1) / parts);
        launcher.Launch(
            1, ThreadsFor(parts), ReductionKernels.TotalInFloat64<T, X>, partial.View,
            backend.View<double>(call.Result).Cast<long>(), parts);
    }

    public void Run(SumToCall call)
    {
        (ArrayView<T> from, ArrayView<T> to) = (View(call.X), View(call.Y));
        int count = call.Y.Count;
        if (count == 0)
            return;
        Sum sum = Merged.SumOf(call.Y.Shape, call.X.Shape);
        if (call.X.Count == 0)
        {
            backend.Fill(call.Y, 0);
        }
        else if (sum.Terms <= FewTerms)
        {
            launcher.Launch(Groups(count), Threads, ReductionKernels.SumFew<T, X>, from, to, sum);
        }
        else
        {
            bool isCut = sum.Splits > 1;
            int parts = sum.Outputs * sum.Splits;
            using var partial = new GpuScratch<X>(memory, isCut ? parts : 1);
            if (sum.R2 % 4 == 0)
                launcher.Launch(parts, ThreadsFor(sum.Chunk / 4), ReductionKernels.SumToByFours<T, X>, from, partial.View, to, sum);
            else
                launcher.Launch(parts, ThreadsFor(sum.Chunk), ReductionKernels.SumTo<T, X>, from, partial.View, to, sum);
            if (isCut)
            {
                launcher.Launch(
                    Groups(count), Threads, ReductionKernels.Finish<T, X>, partial.View, to, sum.Outputs, sum.Splits);
            }
        }
    }

    public void Run(MatMulCall call)
    {
        (Tensor a, Tensor b, Tensor y) = (call.A, call.B, call.Y);
        ProductSizes s = SizesOf(
            new Conv2dGeometry(0, 1, 1, 1, new Conv2dFilter(1, 1, 1)), y.Shape[0], y.Shape[1], call.TransposeA ? a.Shape[0] : a.Shape[1]);
        if (call.TransposeA && call.TransposeB)
            Multiply<AcrossRows, AlongDepth, MatrixResult>(Of(a), Of(b), null, y, s);
        else if (call.TransposeA)
            Multiply<AcrossRows, AcrossColumns, MatrixResult>(Of(a), Of(b), null, y, s);
        else if (call.TransposeB)
            Multiply<AlongDepth, AlongDepth, MatrixResult>(Of(a), Of(b), null, y, s);
        else
            Multiply<AlongDepth, AcrossColumns, MatrixResult>(Of(a), Of(b), null, y, s);
    }

    public void Run(Conv2dCall call)
    {
        Conv2dGeometry g = call.Geometry;
        ProductSizes s = SizesOf(g, g.K, g.N * g.OutH * g.OutW, g.C * g.R * g.S);
        if (!IsOfWholeTiles(g.C) || call.Y.Count == 0)
        {
            Multiply<AlongDepth, ByChannel<Patch>, OutputResult>(Of(call.W), Of(call.X), call.Bias, call.Y, s);
            return;
        }
        using GpuScratch<T> weights = InOrderOfTaps(call.W, new TapOrder
        {
            Inner = g.R * g.S, OuterStride = g.C * g.R * g.S, InnerStride = 1, Channels = g.C, Pitch = g.C,
        });
        Multiply<WholeAlongDepth, ByTap<Patch>, OutputResult>(new(weights.View, 0), Of(call.X), call.Bias, call.Y, s);
    }

    public void Run(Conv2dInputGradientCall call)
    {
        Conv2dGeometry g = call.Geometry;
        ProductSizes s = SizesOf(g, g.C, g.N * g.H * g.W, g.K * g.R * g.S);
        if (!IsOfWholeTiles(g.K) || call.Dx.Count == 0)
        {
            Multiply<WeightsOfInput, ByChannel<Receivers>, InputResult>(Of(call.W), Of(call.Dy), null, call.Dx, s);
            return;
        }
        s.LeftPitch = (g.C + 3) / 4 * 4;
        using GpuScratch<T> weights = InOrderOfTaps(call.W, new TapOrder
        {
            Inner = g.K, OuterStride = 1, InnerStride = g.C * g.R * g.S, Channels = g.C, Pitch = s.LeftPitch,
        });
        Multiply<WholeAcrossRows, ByTap<Receivers>, InputResult>(new(weights.View, 0), Of(call.Dy), null, call.Dx, s);
    }

    public void Run(Conv2dWeightGradientCall call)
    {
        Conv2dGeometry g = call.Geometry;
        ProductSizes s = SizesOf(g, g.K, g.C * g.R * g.S, g.N * g.OutH * g.OutW);
        if (g.OutW % 4 == 0 && g.OutH * g.OutW >= CutMultiple && call.Dy.Offset % 4 == 0)
            Multiply<OutputsInFours, PatchesInFours, MatrixResult>(Of(call.Dy), Of(call.X), null, call.Dw, s);
        else
            Multiply<OutputsOfChannel, PatchesOfWeight, MatrixResult>(Of(call.Dy), Of(call.X), null, call.Dw, s);
    }

    // Whether the depths of one tap are a whole number of tiles of either kernel.
    private static bool IsOfWholeTiles(int channels) => channels % CutMultiple == 0;

    // A copy of weights whose product with patches is taken tap by tap.
    private GpuScratch<T> InOrderOfTaps(Tensor w, TapOrder order)
    {
        order.Taps = w.Shape[2] * w.Shape[3];
        order.Count = w.Shape[0] * order.Taps * order.Pitch;
        (order.ByInner, order.ByPitch) = (new Divisor(order.Inner), new Divisor(order.Pitch));
        var weights = new GpuScratch<T>(memory, order.Count);
        launcher.Launch(Groups(order.Count), Threads, ProductKernels.InOrderOfTaps<T>, View(w), weights.View, order);
        return weights;
    }

    private static ProductSizes SizesOf(Conv2dGeometry g, int rows, int columns, int depth) => new()
    {
        Rows = rows, Columns = columns, Depth = depth, C = g.C, H = g.H, W = g.W, K = g.K, R = g.R, S = g.S,
        Stride = g.Stride, Padding = g.Padding, OutH = g.OutH, OutW = g.OutW,
        ByR = By(g.R), ByS = By(g.S), ByArea = By(g.R * g.S), ByStride = By(g.Stride), ByOutH = By(g.OutH), ByOutW = By(g.OutW),
        ByOutPlane = By(g.OutH * g.OutW), ByH = By(g.H), ByW = By(g.W), ByPlane = By(g.H * g.W), ByC = By(g.C), ByK = By(g.K),
    };

    private Operand Of(Tensor tensor) => new(View(tensor), tensor.Offset);

    // A factor, and where in its memory it begins.
    private readonly record struct Operand(ArrayView<T> View, int Offset);

    // A result that does not fill the device is cut along the depth; a second kernel adds the parts in order.
    private void Multiply<A, B, Y>(Operand a, Operand b, Tensor? bias, Tensor y, ProductSizes s)
        where A : struct, IFactor<A> where B : struct, IFactor<B> where Y : struct, IResult
    {
        (ArrayView<T> left, ArrayView<T> right, ArrayView<T> to) = (a.View, b.View, View(y));
        if (y.Count == 0)
            return;
        s.HasBias = bias is null ? 0 : 1;
        bool isWide = y.DType == DType.Float32 && backend.Tiling != ProductTiling.Narrow
            && (backend.Tiling == ProductTiling.Wide || FillsTheDevice(s));
        int splits = Cut(ref s, isWide ? WideProductKernels.Tile : ProductKernels.Tile);
        int depth = isWide ? WideProductKernels.Depth : ProductKernels.Depth;
        (s.RowsOfTile, s.ColumnsOfTile) = (depth / Math.Max(1, s.OutW), depth % Math.Max(1, s.OutW));
        using GpuScratch<T>? partial = splits > 1 ? new GpuScratch<T>(memory, checked(splits * y.Count)) : null;
        ArrayView<T> parts = partial?.View ?? to;
        if (isWide)
        {
            s.IsWideLeft = A.RunOf(s) % 4 == 0 && a.Offset % 4 == 0 ? 1 : 0;
            s.IsWideRight = B.RunOf(s) % 4 == 0 && b.Offset % 4 == 0 ? 1 : 0;
            s.IsWideResult = Y.RowStride(s) % 4 == 0 && (splits > 1 || y.Offset % 4 == 0) ? 1 : 0;
            MultiplyWide<A, B, Y>(
                left.Cast<float>(), right.Cast<float>(), View(bias, left).Cast<float>(), parts.Cast<float>(), s,
                s.Tiles * splits);
        }
        else
        {
            launcher.Launch(
                s.Tiles * splits, ProductKernels.Threads, ProductKernels.Multiply<T, A, B, Y>, left, right,
                View(bias, left), parts, s);
        }
        if (splits > 1)
        {
            int strands = splits > FewSlices ? Strands : 1, outputs = Threads / strands;
            launcher.Launch(
                (y.Count + outputs - 1) / outputs, Threads, ReductionKernels.FinishSlices<T, X>, parts, to, y.Count, splits,
                strands);
        }
    }

    // Differences of gradients take three products of TF32 numbers, whose error is that of float32, but never one.
    private void MultiplyWide<A, B, Y>(
        ArrayView<float> left, ArrayView<float> right, ArrayView<float> bias, ArrayView<float> to, ProductSizes s,
        int groups)
        where A : struct, IFactor<A> where B : struct, IFactor<B> where Y : struct, IResult
    {
        if (backend.Precision == Precision.Float32 || (backend.Precision == Precision.Tf32 && FullPrecision.IsRequired))
            launcher.Launch(
                groups, WideProductKernels.Threads, WideProductKernels.Multiply<A, B, Y>, left, right, bias, to, s);
        else if (backend.Precision == Precision.Tf32)
            Launch(TensorCoreKernels.Multiply<A, B, Y, OneTf32>);
        else
            Launch(TensorCoreKernels.Multiply<A, B, Y, SplitTf32>);

        void Launch(Action<ArrayView<float>, ArrayView<float>, ArrayView<float>, long, ProductSizes> kernel) =>
            launcher.Launch(
                groups, WideProductKernels.Threads, kernel, left, right, bias,
                to.LoadEffectiveAddressAsPtr().ToInt64(), s);
    }

    // The number of parts along the depth; each but the last is a multiple of a tile's depth.
    private static int Cut(ref ProductSizes s, int tile)
    {
        s.TilesOfColumns = (s.Columns + tile - 1) / tile;
        s.Tiles = s.TilesOfColumns * ((s.Rows + tile - 1) / tile);
        // Of the groups of narrow tiles, which take fewer registers, a multiprocessor holds twice as many.
        int wanted = tile == ProductKernels.Tile ? 2 * WantedGroups : WantedGroups;
        int splits = Math.Clamp(Math.Min(wanted / s.Tiles, s.Depth / 256), 1, MostSplits);
        s.DepthOfSplit = Math.Max(1, ((s.Depth + splits - 1) / splits + CutMultiple - 1) / CutMultiple) * CutMultiple;
        return Math.Max(1, (s.Depth + s.DepthOfSplit - 1) / s.DepthOfSplit);
    }

    // Below this the narrow tiles, four times as many, keep more of the device busy, or waste less of it at the edges.
    private static bool FillsTheDevice(ProductSizes s)
    {
        int splits = Cut(ref s, WideProductKernels.Tile);
        return s.Rows >= LeastWideSide && s.Columns >= LeastWideSide && s.Tiles * splits >= LeastWideGroups;
    }
}

/// <summary>The kernel of matrix products and convolutions.</summary>
internal enum ProductTiling
{
    /// <summary>The one that suits the shape.</summary>
    ByShape,

    /// <summary><see cref="ProductKernels"/>.</summary>
    Narrow,

    /// <summary><see cref="WideProductKernels"/> in float32, or <see cref="TensorCoreKernels"/> where the precision
    /// says so.</summary>
    Wide,
}
