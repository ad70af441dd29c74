using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// The definition of every kernel: plain loops on one thread, read like the formula, meant to be obviously right and
/// not fast. Sums run in float64. Other backends are tested against it.
/// </summary>
internal sealed partial class ReferenceKernels<T>(HostBackend backend)
    : HostKernels<T>(backend), IKernel<AffineCall>, IKernel<AxpyCall>, IKernel<DotCall>, IKernel<BroadcastToCall>,
        IKernel<SumToCall>, IKernel<SgdStepCall>, IKernel<MatMulCall>, IKernel<Conv2dCall>, IKernel<Conv2dInputGradientCall>,
        IKernel<Conv2dWeightGradientCall>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override void Map<F>(HostBlock<T> x, HostBlock<T> y)
    {
        Span<T> xs = x.Span, ys = y.Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = F.Apply<T, HostMath<T>>(xs[i]);
    }

    public override void Zip<F>(HostBlock<T> a, HostBlock<T> b, HostBlock<T> y)
    {
        Span<T> p = a.Span, q = b.Span, ys = y.Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = F.Apply<T, HostMath<T>>(p[i], q[i]);
    }

    public void Run(AffineCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        T scale = T.CreateTruncating(call.Scale), shift = T.CreateTruncating(call.Shift);
        for (int i = 0; i < ys.Length; i++)
            ys[i] = scale * xs[i] + shift;
    }

    public void Run(AxpyCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span, zs = Block(call.Z).Span;
        T a = T.CreateTruncating(call.A);
        for (int i = 0; i < zs.Length; i++)
            zs[i] = a * xs[i] + ys[i];
    }

    public void Run(DotCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        double sum = 0;
        for (int i = 0; i < xs.Length; i++)
            sum += double.CreateTruncating(xs[i]) * double.CreateTruncating(ys[i]);
        Float64(call.Result).Span[0] = sum;
    }

    public void Run(BroadcastToCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = xs[SourceOf(i, call.Y.Shape, call.X.Shape)];
    }

    public void Run(SumToCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        (Shape from, Shape to) = (call.X.Shape, call.Y.Shape);
        var sums = new double[to.Count];
        for (int i = 0; i < xs.Length; i++)
            sums[SourceOf(i, from, to)] += double.CreateTruncating(xs[i]);
        for (int i = 0; i < ys.Length; i++)
            ys[i] = T.CreateTruncating(sums[i]);
    }

    // The element of the smaller shape that stands under element i of the larger one.
    private static int SourceOf(int i, Shape large, Shape small)
    {
        int source = 0, stride = 1;
        for (int d = 1; d <= large.Rank; d++)
        {
            int index = i % large[^d];
            i /= large[^d];
            if (d > small.Rank)
                continue;
            if (small[^d] > 1)
                source += index * stride;
            stride *= small[^d];
        }
        return source;
    }

    public void Run(SgdStepCall call)
    {
        Span<T> theta = Block(call.From.Theta).Span, velocity = Block(call.From.Velocity).Span;
        Span<T> gradient = Block(call.Gradient).Span;
        Span<T> newTheta = Block(call.To.Theta).Span, newVelocity = Block(call.To.Velocity).Span;
        T rate = T.CreateTruncating(call.Rates.Rate), momentum = T.CreateTruncating(call.Rates.Momentum);
        T weightDecay = T.CreateTruncating(call.Rates.WeightDecay);
        for (int i = 0; i < theta.Length; i++)
        {
            T v = momentum * velocity[i] + gradient[i] + weightDecay * theta[i];
            newVelocity[i] = v;
            newTheta[i] = theta[i] - rate * v;
        }
    }

    public void Run(MatMulCall call)
    {
        int m = call.Y.Shape[0], n = call.Y.Shape[1], k = call.TransposeA ? call.A.Shape[0] : call.A.Shape[1];
        Span<T> p = Block(call.A).Span, q = Block(call.B).Span, ys = Block(call.Y).Span;
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = 0;
                for (int l = 0; l < k; l++)
                {
                    sum += double.CreateTruncating(p[call.TransposeA ? l * m + i : i * k + l])
                        * double.CreateTruncating(q[call.TransposeB ? j * k + l : l * n + j]);
                }
                ys[i * n + j] = T.CreateTruncating(sum);
            }
        }
    }

    public void Run(Conv2dCall call)
    {
        Conv2dGeometry g = call.Geometry;
        Span<T> xs = Block(call.X).Span, ws = Block(call.W).Span, ys = Block(call.Y).Span;
        var sums = new double[ys.Length];
        if (Optional(call.Bias) is { } bias)
        {
            for (int i = 0; i < sums.Length; i++)
                sums[i] = double.CreateTruncating(bias.Span[i / (g.OutH * g.OutW) % g.K]);
        }
        foreach ((int i, int j, int l, int count) in Products(g))
        {
            for (int q = 0; q < count; q++)
                sums[l + q] += double.CreateTruncating(xs[i + q * g.Stride]) * double.CreateTruncating(ws[j]);
        }
        Store(sums, ys);
    }

    public void Run(Conv2dInputGradientCall call)
    {
        Span<T> dys = Block(call.Dy).Span, ws = Block(call.W).Span, dxs = Block(call.Dx).Span;
        var sums = new double[dxs.Length];
        foreach ((int i, int j, int l, int count) in Products(call.Geometry))
        {
            for (int q = 0; q < count; q++)
                sums[i + q * call.Geometry.Stride] += double.CreateTruncating(dys[l + q]) * double.CreateTruncating(ws[j]);
        }
        Store(sums, dxs);
    }

    public void Run(Conv2dWeightGradientCall call)
    {
        Span<T> xs = Block(call.X).Span, dys = Block(call.Dy).Span, dws = Block(call.Dw).Span;
        var sums = new double[dws.Length];
        foreach ((int i, int j, int l, int count) in Products(call.Geometry))
        {
            for (int q = 0; q < count; q++)
                sums[j] += double.CreateTruncating(xs[i + q * call.Geometry.Stride]) * double.CreateTruncating(dys[l + q]);
        }
        Store(sums, dws);
    }

    // A convolution is the trilinear form Σ x_i·w_j·z_l over triples; its three forms leave out one factor each. The triples of a
    // row of the output and one weight follow each other: the first of them and their number, with x in steps of the stride.
    private static IEnumerable<(int X, int W, int Y, int Count)> Products(Conv2dGeometry g)
    {
        for (int n = 0; n < g.N; n++)
        for (int k = 0; k < g.K; k++)
        for (int oh = 0; oh < g.OutH; oh++)
        for (int c = 0; c < g.C; c++)
        for (int r = 0; r < g.R; r++)
        {
            int h = oh * g.Stride + r - g.Padding;
            if (h < 0 || h >= g.H)
                continue;
            for (int s = 0; s < g.S; s++)
            {
                int first = 0, end = g.OutW;
                while (first < end && first * g.Stride + s < g.Padding)
                    first++;
                while (first < end && (end - 1) * g.Stride + s - g.Padding >= g.W)
                    end--;
                yield return (
                    ((n * g.C + c) * g.H + h) * g.W + first * g.Stride + s - g.Padding,
                    ((k * g.C + c) * g.R + r) * g.S + s,
                    ((n * g.K + k) * g.OutH + oh) * g.OutW + first,
                    end - first);
            }
        }
    }

    private static void Store(double[] sums, Span<T> destination)
    {
        for (int i = 0; i < sums.Length; i++)
            destination[i] = T.CreateTruncating(sums[i]);
    }
}
