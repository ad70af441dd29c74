using System.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

public sealed partial class GpuBackend
{
    private const int FewTerms = 32, DotChunk = 4096, MostSplits = 64, WantedGroups = 256;

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
            1, Threads, ReductionKernels.Finish<double, Float64Numbers>, partial.View, View<double>(result), 1, parts);
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
        var s = new ProductSizes
        {
            Rows = y.Shape[0], Columns = y.Shape[1], Depth = transposeA ? a.Shape[0] : a.Shape[1],
        };
        if (transposeA && transposeB)
            Multiply<T, N, AcrossRows, AlongDepth, MatrixResult>(a, b, null, y, s, mayCut: true);
        else if (transposeA)
            Multiply<T, N, AcrossRows, AcrossColumns, MatrixResult>(a, b, null, y, s, mayCut: true);
        else if (transposeB)
            Multiply<T, N, AlongDepth, AlongDepth, MatrixResult>(a, b, null, y, s, mayCut: true);
        else
            Multiply<T, N, AlongDepth, AcrossColumns, MatrixResult>(a, b, null, y, s, mayCut: true);
    }

    /// <inheritdoc/>
    public override void Conv2d(Conv2dGeometry g, Tensor x, Tensor w, Tensor? bias, Tensor y)
    {
        ProductSizes s = SizesOf(g, g.K, g.N * g.OutH * g.OutW, g.C * g.R * g.S);
        if (y.DType == DType.Float32)
            Multiply<float, Float32Numbers, AlongDepth, Patches, OutputResult>(w, x, bias, y, s, mayCut: false);
        else
            Multiply<double, Float64Numbers, AlongDepth, Patches, OutputResult>(w, x, bias, y, s, mayCut: false);
    }

    /// <inheritdoc/>
    public override void Conv2dInputGradient(Conv2dGeometry g, Tensor dy, Tensor w, Tensor dx)
    {
        ProductSizes s = SizesOf(g, g.C, g.N * g.H * g.W, g.K * g.R * g.S);
        if (dx.DType == DType.Float32)
            Multiply<float, Float32Numbers, WeightsOfInput, Receivers, InputResult>(w, dy, null, dx, s, mayCut: false);
        else
            Multiply<double, Float64Numbers, WeightsOfInput, Receivers, InputResult>(w, dy, null, dx, s, mayCut: false);
    }

    /// <inheritdoc/>
    public override void Conv2dWeightGradient(Conv2dGeometry g, Tensor x, Tensor dy, Tensor dw)
    {
        ProductSizes s = SizesOf(g, g.K, g.C * g.R * g.S, g.N * g.OutH * g.OutW);
        if (dw.DType == DType.Float32)
            Multiply<float, Float32Numbers, OutputsOfChannel, PatchesOfWeight, MatrixResult>(dy, x, null, dw, s, mayCut: true);
        else
            Multiply<double, Float64Numbers, OutputsOfChannel, PatchesOfWeight, MatrixResult>(dy, x, null, dw, s, mayCut: true);
    }

    private static ProductSizes SizesOf(Conv2dGeometry g, int rows, int columns, int depth) => new()
    {
        Rows = rows, Columns = columns, Depth = depth, C = g.C, H = g.H, W = g.W, K = g.K, R = g.R, S = g.S,
        Stride = g.Stride, Padding = g.Padding, OutH = g.OutH, OutW = g.OutW,
    };

    // A small result of a long sum is cut along the depth, and the parts are added in order by a second kernel.
    private void Multiply<T, N, A, B, Y>(Tensor a, Tensor b, Tensor? bias, Tensor y, ProductSizes s, bool mayCut)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
        where A : struct, IFactor where B : struct, IFactor where Y : struct, IResult
    {
        (ArrayView<T> left, ArrayView<T> right, ArrayView<T> to) = (View<T>(a), View<T>(b), View<T>(y));
        if (y.Count == 0)
            return;
        s.TilesOfColumns = (s.Columns + ProductKernels.Tile - 1) / ProductKernels.Tile;
        s.Tiles = s.TilesOfColumns * ((s.Rows + ProductKernels.Tile - 1) / ProductKernels.Tile);
        s.HasBias = bias is null ? 0 : 1;
        int splits = mayCut ? Math.Clamp(Math.Min(WantedGroups / s.Tiles, s.Depth / 256), 1, MostSplits) : 1;
        s.DepthOfSplit = (s.Depth + splits - 1) / splits;
        if (splits == 1)
        {
            _launcher.Launch(
                s.Tiles, ProductKernels.Threads, ProductKernels.Multiply<T, A, B, Y>, left, right, View(bias, left), to, s);
        }
        else
        {
            using var partial = new GpuScratch<T>(_memory, checked(splits * y.Count));
            _launcher.Launch(
                s.Tiles * splits, ProductKernels.Threads, ProductKernels.Multiply<T, A, B, Y>, left, right, left,
                partial.View, s);
            _launcher.Launch(
                Groups(y.Count), Threads, ReductionKernels.FinishSlices<T, N>, partial.View, to, y.Count, splits);
        }
        GC.KeepAlive((a, b, bias, y));
    }
}
