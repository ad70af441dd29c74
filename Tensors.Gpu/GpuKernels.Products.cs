using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

internal sealed partial class GpuKernels<T, N, X>
    : IKernel<DotCall>, IKernel<SumToCall>, IKernel<MatMulCall>, IKernel<Conv2dCall>, IKernel<Conv2dInputGradientCall>,
        IKernel<Conv2dWeightGradientCall>
{
    private const int FewTerms = 32, DotChunk = 4096, MostSplits = 64, WantedGroups = 256;
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
            int parts = sum.Outputs * sum.Splits;
            using var partial = new GpuScratch<X>(memory, parts);
            launcher.Launch(parts, ThreadsFor(sum.Chunk), ReductionKernels.SumTo<T, X>, from, partial.View, sum);
            launcher.Launch(
                Groups(count), Threads, ReductionKernels.Finish<T, X>, partial.View, to, sum.Outputs, sum.Splits);
        }
    }

    public void Run(MatMulCall call)
    {
        (Tensor a, Tensor b, Tensor y) = (call.A, call.B, call.Y);
        ProductSizes s = SizesOf(
            new Conv2dGeometry(0, 1, 1, 1, new Conv2dFilter(1, 1, 1)), y.Shape[0], y.Shape[1], call.TransposeA ? a.Shape[0] : a.Shape[1]);
        if (call.TransposeA && call.TransposeB)
            Multiply<AcrossRows, AlongDepth, MatrixResult>(a, b, null, y, s);
        else if (call.TransposeA)
            Multiply<AcrossRows, AcrossColumns, MatrixResult>(a, b, null, y, s);
        else if (call.TransposeB)
            Multiply<AlongDepth, AlongDepth, MatrixResult>(a, b, null, y, s);
        else
            Multiply<AlongDepth, AcrossColumns, MatrixResult>(a, b, null, y, s);
    }

    public void Run(Conv2dCall call)
    {
        Conv2dGeometry g = call.Geometry;
        ProductSizes s = SizesOf(g, g.K, g.N * g.OutH * g.OutW, g.C * g.R * g.S);
        Multiply<AlongDepth, Patches, OutputResult>(call.W, call.X, call.Bias, call.Y, s);
    }

    public void Run(Conv2dInputGradientCall call)
    {
        Conv2dGeometry g = call.Geometry;
        ProductSizes s = SizesOf(g, g.C, g.N * g.H * g.W, g.K * g.R * g.S);
        Multiply<WeightsOfInput, Receivers, InputResult>(call.W, call.Dy, null, call.Dx, s);
    }

    public void Run(Conv2dWeightGradientCall call)
    {
        Conv2dGeometry g = call.Geometry;
        ProductSizes s = SizesOf(g, g.K, g.C * g.R * g.S, g.N * g.OutH * g.OutW);
        Multiply<OutputsOfChannel, PatchesOfWeight, MatrixResult>(call.Dy, call.X, null, call.Dw, s);
    }

    private static ProductSizes SizesOf(Conv2dGeometry g, int rows, int columns, int depth) => new()
    {
        Rows = rows, Columns = columns, Depth = depth, C = g.C, H = g.H, W = g.W, K = g.K, R = g.R, S = g.S,
        Stride = g.Stride, Padding = g.Padding, OutH = g.OutH, OutW = g.OutW,
        ByR = new Divisor(g.R), ByS = new Divisor(g.S), ByArea = new Divisor(g.R * g.S),
        ByStride = new Divisor(g.Stride), ByOutH = new Divisor(g.OutH), ByOutW = new Divisor(g.OutW), ByOutPlane = new Divisor(g.OutH * g.OutW),
        ByPlane = new Divisor(g.H * g.W),
    };

    // A result that does not fill the device is cut along the depth; a second kernel adds the parts in order.
    private void Multiply<A, B, Y>(Tensor a, Tensor b, Tensor? bias, Tensor y, ProductSizes s)
        where A : struct, IFactor where B : struct, IFactor where Y : struct, IResult
    {
        (ArrayView<T> left, ArrayView<T> right, ArrayView<T> to) = (View(a), View(b), View(y));
        if (y.Count == 0)
            return;
        s.HasBias = bias is null ? 0 : 1;
        bool isWide = y.DType == DType.Float32 && backend.Tiling != ProductTiling.Narrow
            && (backend.Tiling == ProductTiling.Wide || FillsTheDevice(s));
        int splits = Cut(ref s, isWide ? WideProductKernels.Tile : ProductKernels.Tile);
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
            launcher.Launch(
                Groups(y.Count), Threads, ReductionKernels.FinishSlices<T, X>, parts, to, y.Count, splits);
        }
    }

    // Differences of gradients take three products of TF32 numbers, whose error is that of float32, but never one.
    private void MultiplyWide<A, B, Y>(
        ArrayView<float> left, ArrayView<float> right, ArrayView<float> bias, ArrayView<float> to, ProductSizes s,
        int groups)
        where A : struct, IFactor where B : struct, IFactor where Y : struct, IResult
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
        int splits = Math.Clamp(Math.Min(WantedGroups / s.Tiles, s.Depth / 256), 1, MostSplits);
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
