using System.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

public sealed partial class GpuBackend
{
    private const int FewTerms = 32, DotChunk = 4096, MostSplits = 64, WantedGroups = 256;
    private const int CutMultiple = 16, LeastWideSide = 96, LeastWideGroups = 64;

    /// <inheritdoc/>
    public override void Dot(Tensor x, Tensor y, Tensor result)
    {
        if (x.DType == DType.Float32)
            Dot<float, Float32Numbers>(x, y, result);
        else
            Dot<double, Float64Numbers>(x, y, result);
    }

    private void Dot<T, N>(Tensor x, Tensor y, Tensor result)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int parts = Math.Clamp(x.Count / DotChunk, 1, WantedGroups), chunk = (x.Count + parts - 1) / parts;
        using var partial = new GpuScratch<double>(_memory, parts);
        _launcher.Launch(parts, Threads, ReductionKernels.Dot<T, N>, View<T>(x), View<T>(y), partial.View, x.Count, chunk);
        _launcher.Launch(
            1, ThreadsFor(parts), ReductionKernels.Total<double, Float64Numbers>, partial.View, View<double>(result),
            parts, 1.0);
        GC.KeepAlive((x, y, result));
    }

    /// <inheritdoc/>
    public override void SumTo(Tensor x, Tensor y)
    {
        if (y.DType == DType.Float32)
            SumTo<float, Float32Numbers>(x, y);
        else
            SumTo<double, Float64Numbers>(x, y);
    }

    private void SumTo<T, N>(Tensor x, Tensor y) where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        (ArrayView<T> from, ArrayView<T> to) = (View<T>(x), View<T>(y));
        if (y.Count == 0)
            return;
        Sum sum = Merged.SumOf(y.Shape, x.Shape);
        if (x.Count == 0)
        {
            Fill(y, 0);
        }
        else if (sum.Terms <= FewTerms)
        {
            _launcher.Launch(Groups(y.Count), Threads, ReductionKernels.SumFew<T, N>, from, to, sum);
        }
        else
        {
            int parts = sum.Outputs * sum.Splits;
            using var partial = new GpuScratch<double>(_memory, parts);
            _launcher.Launch(parts, ThreadsFor(sum.Chunk), ReductionKernels.SumTo<T, N>, from, partial.View, sum);
            _launcher.Launch(
                Groups(y.Count), Threads, ReductionKernels.Finish<T, N>, partial.View, to, sum.Outputs, sum.Splits);
        }
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void MatMul(Tensor a, bool transposeA, Tensor b, bool transposeB, Tensor y)
    {
        if (y.DType == DType.Float32)
            MatMul<float, Float32Numbers>(a, transposeA, b, transposeB, y);
        else
            MatMul<double, Float64Numbers>(a, transposeA, b, transposeB, y);
    }

    private void MatMul<T, N>(Tensor a, bool transposeA, Tensor b, bool transposeB, Tensor y)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ProductSizes s = SizesOf(
            new Conv2dGeometry(0, 1, 1, 1, 1, 1, 1, 1, 0), y.Shape[0], y.Shape[1], transposeA ? a.Shape[0] : a.Shape[1]);
        if (transposeA && transposeB)
            Multiply<T, N, AcrossRows, AlongDepth, MatrixResult>(a, b, null, y, s);
        else if (transposeA)
            Multiply<T, N, AcrossRows, AcrossColumns, MatrixResult>(a, b, null, y, s);
        else if (transposeB)
            Multiply<T, N, AlongDepth, AlongDepth, MatrixResult>(a, b, null, y, s);
        else
            Multiply<T, N, AlongDepth, AcrossColumns, MatrixResult>(a, b, null, y, s);
    }

    /// <inheritdoc/>
    public override void Conv2d(Conv2dGeometry g, Tensor x, Tensor w, Tensor? bias, Tensor y)
    {
        ProductSizes s = SizesOf(g, g.K, g.N * g.OutH * g.OutW, g.C * g.R * g.S);
        if (y.DType == DType.Float32)
            Multiply<float, Float32Numbers, AlongDepth, Patches, OutputResult>(w, x, bias, y, s);
        else
            Multiply<double, Float64Numbers, AlongDepth, Patches, OutputResult>(w, x, bias, y, s);
    }

    /// <inheritdoc/>
    public override void Conv2dInputGradient(Conv2dGeometry g, Tensor dy, Tensor w, Tensor dx)
    {
        ProductSizes s = SizesOf(g, g.C, g.N * g.H * g.W, g.K * g.R * g.S);
        if (dx.DType == DType.Float32)
            Multiply<float, Float32Numbers, WeightsOfInput, Receivers, InputResult>(w, dy, null, dx, s);
        else
            Multiply<double, Float64Numbers, WeightsOfInput, Receivers, InputResult>(w, dy, null, dx, s);
    }

    /// <inheritdoc/>
    public override void Conv2dWeightGradient(Conv2dGeometry g, Tensor x, Tensor dy, Tensor dw)
    {
        ProductSizes s = SizesOf(g, g.K, g.C * g.R * g.S, g.N * g.OutH * g.OutW);
        if (dw.DType == DType.Float32)
            Multiply<float, Float32Numbers, OutputsOfChannel, PatchesOfWeight, MatrixResult>(dy, x, null, dw, s);
        else
            Multiply<double, Float64Numbers, OutputsOfChannel, PatchesOfWeight, MatrixResult>(dy, x, null, dw, s);
    }

    private static ProductSizes SizesOf(Conv2dGeometry g, int rows, int columns, int depth) => new()
    {
        Rows = rows, Columns = columns, Depth = depth, C = g.C, H = g.H, W = g.W, K = g.K, R = g.R, S = g.S,
        Stride = g.Stride, Padding = g.Padding, OutH = g.OutH, OutW = g.OutW,
        ByR = new Divisor(g.R), ByS = new Divisor(g.S), ByArea = new Divisor(g.R * g.S),
        ByStride = new Divisor(g.Stride), ByOutH = new Divisor(g.OutH), ByOutW = new Divisor(g.OutW), ByOutPlane = new Divisor(g.OutH * g.OutW),
        ByPlane = new Divisor(g.H * g.W),
    };

    /// <summary>Which kernel multiplies; for tests of each on shapes that would get the other.</summary>
    internal ProductTiling Tiling { get; set; }

    // A result that does not fill the device is cut along the depth; a second kernel adds the parts in order.
    private void Multiply<T, N, A, B, Y>(Tensor a, Tensor b, Tensor? bias, Tensor y, ProductSizes s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
        where A : struct, IFactor where B : struct, IFactor where Y : struct, IResult
    {
        (ArrayView<T> left, ArrayView<T> right, ArrayView<T> to) = (View<T>(a), View<T>(b), View<T>(y));
        if (y.Count == 0)
            return;
        s.HasBias = bias is null ? 0 : 1;
        bool isWide = y.DType == DType.Float32 && Tiling != ProductTiling.Narrow
            && (Tiling == ProductTiling.Wide || FillsTheDevice(s));
        int splits = Cut(ref s, isWide ? WideProductKernels.Tile : ProductKernels.Tile);
        using GpuScratch<T>? partial = splits > 1 ? new GpuScratch<T>(_memory, checked(splits * y.Count)) : null;
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
            _launcher.Launch(
                s.Tiles * splits, ProductKernels.Threads, ProductKernels.Multiply<T, A, B, Y>, left, right,
                View(bias, left), parts, s);
        }
        if (splits > 1)
        {
            _launcher.Launch(
                Groups(y.Count), Threads, ReductionKernels.FinishSlices<T, N>, parts, to, y.Count, splits);
        }
        GC.KeepAlive((a, b, bias, y));
    }

    // Differences of gradients take three products of TF32 numbers, whose error is that of float32, but never one.
    private void MultiplyWide<A, B, Y>(
        ArrayView<float> left, ArrayView<float> right, ArrayView<float> bias, ArrayView<float> to, ProductSizes s,
        int groups)
        where A : struct, IFactor where B : struct, IFactor where Y : struct, IResult
    {
        if (Precision == Precision.Float32 || (Precision == Precision.Tf32 && FullPrecision.IsRequired))
            _launcher.Launch(
                groups, WideProductKernels.Threads, WideProductKernels.Multiply<A, B, Y>, left, right, bias, to, s);
        else if (Precision == Precision.Tf32)
            Launch(TensorCoreKernels.Multiply<A, B, Y, OneTf32>);
        else
            Launch(TensorCoreKernels.Multiply<A, B, Y, SplitTf32>);

        void Launch(Action<ArrayView<float>, ArrayView<float>, ArrayView<float>, long, ProductSizes> kernel) =>
            _launcher.Launch(
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

    /// <summary><see cref="WideProductKernels"/> in float32, or <see cref="TensorCoreKernels"/> where the precision says
    /// so.</summary>
    Wide,
}
