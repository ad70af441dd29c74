using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>
/// The definition of every kernel: plain loops on one thread, read like the formula, meant to be obviously right and
/// not fast. Sums run in float64. Other backends are tested against it.
/// </summary>
public sealed partial class ReferenceBackend() : HostBackend("reference", long.MaxValue)
{
    /// <inheritdoc/>
    public override string Name => "reference";

    /// <inheritdoc/>
    public override string Description => "plain loops on one thread";

    /// <inheritdoc/>
    protected override void Map<F, T>(HostBlock<T> x, HostBlock<T> y)
    {
        Span<T> xs = x.Span, ys = y.Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = F.Apply<T, HostMath<T>>(xs[i]);
    }

    /// <inheritdoc/>
    protected override void Zip<F, T>(HostBlock<T> a, HostBlock<T> b, HostBlock<T> y)
    {
        Span<T> p = a.Span, q = b.Span, ys = y.Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = F.Apply<T, HostMath<T>>(p[i], q[i]);
    }

    /// <inheritdoc/>
    protected override void Affine<T>(HostBlock<T> x, T scale, T shift, HostBlock<T> y)
    {
        Span<T> xs = x.Span, ys = y.Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = scale * xs[i] + shift;
    }

    /// <inheritdoc/>
    protected override void Axpy<T>(T a, HostBlock<T> x, HostBlock<T> y, HostBlock<T> z)
    {
        Span<T> xs = x.Span, ys = y.Span, zs = z.Span;
        for (int i = 0; i < zs.Length; i++)
            zs[i] = a * xs[i] + ys[i];
    }

    /// <inheritdoc/>
    protected override void Dot<T>(HostBlock<T> x, HostBlock<T> y, HostBlock<double> result)
    {
        Span<T> xs = x.Span, ys = y.Span;
        double sum = 0;
        for (int i = 0; i < xs.Length; i++)
            sum += double.CreateTruncating(xs[i]) * double.CreateTruncating(ys[i]);
        result.Span[0] = sum;
    }

    /// <inheritdoc/>
    protected override void BroadcastTo<T>(HostBlock<T> x, Shape from, HostBlock<T> y, Shape to)
    {
        Span<T> xs = x.Span, ys = y.Span;
        for (int i = 0; i < ys.Length; i++)
            ys[i] = xs[SourceOf(i, to, from)];
    }

    /// <inheritdoc/>
    protected override void SumTo<T>(HostBlock<T> x, Shape from, HostBlock<T> y, Shape to)
    {
        Span<T> xs = x.Span, ys = y.Span;
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

    /// <inheritdoc/>
    protected override void MatMul<T>(
        int m, int n, int k, HostBlock<T> a, bool transposeA, HostBlock<T> b, bool transposeB, HostBlock<T> y)
    {
        Span<T> p = a.Span, q = b.Span, ys = y.Span;
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double sum = 0;
                for (int l = 0; l < k; l++)
                {
                    sum += double.CreateTruncating(p[transposeA ? l * m + i : i * k + l])
                        * double.CreateTruncating(q[transposeB ? j * k + l : l * n + j]);
                }
                ys[i * n + j] = T.CreateTruncating(sum);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Conv2d<T>(
        Conv2dGeometry g, HostBlock<T> x, HostBlock<T> w, HostBlock<T>? bias, HostBlock<T> y)
    {
        Span<T> xs = x.Span, ws = w.Span, ys = y.Span;
        var sums = new double[ys.Length];
        if (bias is { } given)
        {
            for (int i = 0; i < sums.Length; i++)
                sums[i] = double.CreateTruncating(given.Span[i / (g.OutH * g.OutW) % g.K]);
        }
        foreach ((int i, int j, int l) in Products(g))
            sums[l] += double.CreateTruncating(xs[i]) * double.CreateTruncating(ws[j]);
        Store(sums, ys);
    }

    /// <inheritdoc/>
    protected override void Conv2dInputGradient<T>(Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx)
    {
        Span<T> dys = dy.Span, ws = w.Span, dxs = dx.Span;
        var sums = new double[dxs.Length];
        foreach ((int i, int j, int l) in Products(g))
            sums[i] += double.CreateTruncating(dys[l]) * double.CreateTruncating(ws[j]);
        Store(sums, dxs);
    }

    /// <inheritdoc/>
    protected override void Conv2dWeightGradient<T>(Conv2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dw)
    {
        Span<T> xs = x.Span, dys = dy.Span, dws = dw.Span;
        var sums = new double[dws.Length];
        foreach ((int i, int j, int l) in Products(g))
            sums[j] += double.CreateTruncating(xs[i]) * double.CreateTruncating(dys[l]);
        Store(sums, dws);
    }

    // A convolution is the trilinear form Σ x_i·w_j·z_l over these triples; its three forms leave out one factor each.
    private static IEnumerable<(int X, int W, int Y)> Products(Conv2dGeometry g)
    {
        for (int n = 0; n < g.N; n++)
        for (int k = 0; k < g.K; k++)
        for (int oh = 0; oh < g.OutH; oh++)
        for (int ow = 0; ow < g.OutW; ow++)
        for (int c = 0; c < g.C; c++)
        for (int r = 0; r < g.R; r++)
        for (int s = 0; s < g.S; s++)
        {
            int h = oh * g.Stride + r - g.Padding, w = ow * g.Stride + s - g.Padding;
            if (h >= 0 && h < g.H && w >= 0 && w < g.W)
            {
                yield return (
                    ((n * g.C + c) * g.H + h) * g.W + w,
                    ((k * g.C + c) * g.R + r) * g.S + s,
                    ((n * g.K + k) * g.OutH + oh) * g.OutW + ow);
            }
        }
    }

    private static void Store<T>(double[] sums, Span<T> destination) where T : INumberBase<T>
    {
        for (int i = 0; i < sums.Length; i++)
            destination[i] = T.CreateTruncating(sums[i]);
    }

    /// <inheritdoc/>
    protected override void AvgPool2d<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> y)
    {
        Span<T> xs = x.Span, ys = y.Span;
        var sums = new double[ys.Length];
        foreach ((int i, int o) in Windows(g))
            sums[o] += double.CreateTruncating(xs[i]) / (g.Window * g.Window);
        Store(sums, ys);
    }

    /// <inheritdoc/>
    protected override void AvgPool2dGradient<T>(Pool2dGeometry g, HostBlock<T> dy, HostBlock<T> dx)
    {
        Span<T> dys = dy.Span, dxs = dx.Span;
        dxs.Clear();
        foreach ((int i, int o) in Windows(g))
            dxs[i] = dys[o] / T.CreateTruncating(g.Window * g.Window);
    }

    // Each input element that lies in a window, with the output element of that window.
    private static IEnumerable<(int Input, int Output)> Windows(Pool2dGeometry g)
    {
        for (int plane = 0; plane < g.N * g.C; plane++)
        for (int h = 0; h < g.OutH * g.Window; h++)
        for (int w = 0; w < g.OutW * g.Window; w++)
            yield return ((plane * g.H + h) * g.W + w, (plane * g.OutH + h / g.Window) * g.OutW + w / g.Window);
    }

    /// <inheritdoc/>
    protected override void NormReluPool<T>(
        Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta, HostBlock<T> y)
    {
        Span<T> ys = y.Span;
        double[] normal = Normalised(g, epsilon, x.Span, out _);
        var sums = new double[ys.Length];
        foreach ((int i, int o) in Windows(g))
        {
            int c = i / (g.H * g.W) % g.C;
            double z = double.CreateTruncating(gamma.Span[c]) * normal[i] + double.CreateTruncating(beta.Span[c]);
            sums[o] += (z < 0 ? 0 : z) / (g.Window * g.Window);
        }
        Store(sums, ys);
    }

    /// <inheritdoc/>
    protected override void NormReluPoolGradient<T>(
        Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta, HostBlock<T> dy,
        HostBlock<T>? dx, HostBlock<T>? dgamma, HostBlock<T>? dbeta)
    {
        int plane = g.H * g.W;
        double[] normal = Normalised(g, epsilon, x.Span, out double[] inverseDeviation);
        var dz = new double[normal.Length];
        foreach ((int i, int o) in Windows(g))
        {
            int c = i / plane % g.C;
            double z = double.CreateTruncating(gamma.Span[c]) * normal[i] + double.CreateTruncating(beta.Span[c]);
            if (z > 0)
                dz[i] = double.CreateTruncating(dy.Span[o]) / (g.Window * g.Window);
        }
        var dGamma = new double[g.C];
        var dBeta = new double[g.C];
        var dX = new double[normal.Length];
        for (int p = 0; p < g.N * g.C; p++)
        {
            double sum = 0, sumNormal = 0, scale = double.CreateTruncating(gamma.Span[p % g.C]);
            for (int i = p * plane; i < (p + 1) * plane; i++)
            {
                sum += dz[i];
                sumNormal += dz[i] * normal[i];
            }
            dBeta[p % g.C] += sum;
            dGamma[p % g.C] += sumNormal;
            // dx = γ/σ·(dz − mean(dz) − x̂·mean(dz·x̂)): x̂ does not move along 1 and along itself.
            for (int i = p * plane; i < (p + 1) * plane; i++)
                dX[i] = scale * inverseDeviation[p] * (dz[i] - sum / plane - normal[i] * sumNormal / plane);
        }
        if (dx is { } a)
            Store(dX, a.Span);
        if (dgamma is { } b)
            Store(dGamma, b.Span);
        if (dbeta is { } c2)
            Store(dBeta, c2.Span);
    }

    private static double[] Normalised<T>(Pool2dGeometry g, double epsilon, Span<T> x, out double[] inverseDeviation)
        where T : INumberBase<T>
    {
        int plane = g.H * g.W;
        var normal = new double[x.Length];
        inverseDeviation = new double[g.N * g.C];
        for (int p = 0; p < g.N * g.C; p++)
        {
            double mean = 0, variance = 0;
            for (int i = p * plane; i < (p + 1) * plane; i++)
                mean += double.CreateTruncating(x[i]) / plane;
            for (int i = p * plane; i < (p + 1) * plane; i++)
                variance += Math.Pow(double.CreateTruncating(x[i]) - mean, 2) / plane;
            inverseDeviation[p] = 1 / Math.Sqrt(variance + epsilon);
            for (int i = p * plane; i < (p + 1) * plane; i++)
                normal[i] = (double.CreateTruncating(x[i]) - mean) * inverseDeviation[p];
        }
        return normal;
    }

    /// <inheritdoc/>
    protected override void LogSoftmax<T>(int rows, int columns, HostBlock<T> x, HostBlock<T> y)
    {
        for (int r = 0; r < rows; r++)
        {
            double[] log = LogSoftmax(x.Span.Slice(r * columns, columns));
            for (int c = 0; c < columns; c++)
                y.Span[r * columns + c] = T.CreateTruncating(log[c]);
        }
    }

    /// <inheritdoc/>
    protected override void CrossEntropy<T>(
        int rows, int columns, HostBlock<T> logits, HostBlock<T> labels, HostBlock<T> y)
    {
        double sum = 0;
        for (int r = 0; r < rows; r++)
        {
            Span<T> q = labels.Span.Slice(r * columns, columns);
            double[] log = LogSoftmax(logits.Span.Slice(r * columns, columns));
            for (int c = 0; c < columns; c++)
                sum -= RowKernels.Weighted(double.CreateTruncating(q[c]), log[c]);
        }
        y.Span[0] = T.CreateTruncating(sum / rows);
    }

    /// <inheritdoc/>
    protected override void CrossEntropyGradient<T>(
        int rows, int columns, HostBlock<T> logits, HostBlock<T> labels, HostBlock<T> dy, HostBlock<T>? dlogits,
        HostBlock<T>? dlabels)
    {
        double slopeOfRow = double.CreateTruncating(dy.Span[0]) / rows;
        for (int r = 0; r < rows; r++)
        {
            Span<T> q = labels.Span.Slice(r * columns, columns);
            double[] log = LogSoftmax(logits.Span.Slice(r * columns, columns));
            double mass = 0;
            foreach (T label in q)
                mass += double.CreateTruncating(label);
            for (int c = 0; c < columns; c++)
            {
                double slope = mass * Math.Exp(log[c]) - double.CreateTruncating(q[c]);
                if (dlogits is { } dz)
                    dz.Span[r * columns + c] = T.CreateTruncating(slopeOfRow * slope);
                if (dlabels is { } dq)
                    dq.Span[r * columns + c] = T.CreateTruncating(-RowKernels.Weighted(slopeOfRow, log[c]));
            }
        }
    }

    private static double[] LogSoftmax<T>(Span<T> z) where T : INumberBase<T>
    {
        var log = new double[z.Length];
        double max = double.NegativeInfinity, sum = 0;
        foreach (T v in z)
            max = Math.Max(max, double.CreateTruncating(v));
        foreach (T v in z)
            sum += Math.Exp(double.CreateTruncating(v) - max);
        for (int c = 0; c < z.Length; c++)
            log[c] = double.CreateTruncating(z[c]) - max - Math.Log(sum);
        return log;
    }

    /// <inheritdoc/>
    protected override void GatherRows<T>(int row, HostBlock<T> x, ReadOnlySpan<int> indices, HostBlock<T> y)
    {
        for (int i = 0; i < indices.Length; i++)
            x.Span.Slice(indices[i] * row, row).CopyTo(y.Span.Slice(i * row, row));
    }

    /// <inheritdoc/>
    protected override void ScatterRows<T>(int row, HostBlock<T> dy, ReadOnlySpan<int> indices, HostBlock<T> dx)
    {
        dx.Span.Clear();
        for (int i = 0; i < indices.Length; i++)
        {
            Span<T> from = dy.Span.Slice(i * row, row), to = dx.Span.Slice(indices[i] * row, row);
            for (int j = 0; j < row; j++)
                to[j] += from[j];
        }
    }

    /// <inheritdoc/>
    protected override void AffineSample<T>(Shape shape, HostBlock<T> x, HostBlock<T> transforms, HostBlock<T> y)
    {
        Span<T> xs = x.Span, ys = y.Span;
        var sums = new double[ys.Length];
        foreach ((int i, int o, double weight) in Samples(shape, transforms))
            sums[o] += weight * double.CreateTruncating(xs[i]);
        Store(sums, ys);
    }

    /// <inheritdoc/>
    protected override void AffineSampleGradient<T>(
        Shape shape, HostBlock<T> dy, HostBlock<T> transforms, HostBlock<T> dx)
    {
        Span<T> dys = dy.Span, dxs = dx.Span;
        var sums = new double[dxs.Length];
        foreach ((int i, int o, double weight) in Samples(shape, transforms))
            sums[i] += weight * double.CreateTruncating(dys[o]);
        Store(sums, dxs);
    }

    // The up to four source elements of every output element, with their bilinear weights.
    private static IEnumerable<(int Input, int Output, double Weight)> Samples<T>(Shape shape, HostBlock<T> transforms)
        where T : unmanaged, INumberBase<T>
    {
        int channels = shape[1], height = shape[2], width = shape[3];
        double centreX = (width - 1) / 2.0, centreY = (height - 1) / 2.0;
        for (int n = 0; n < shape[0]; n++)
        {
            var a = new double[6];
            for (int i = 0; i < 6; i++)
                a[i] = double.CreateTruncating(transforms.Span[n * 6 + i]);
            for (int h = 0; h < height; h++)
            for (int w = 0; w < width; w++)
            {
                double u = w - centreX, v = h - centreY;
                double sourceX = a[0] * u + a[1] * v + a[2] + centreX, sourceY = a[3] * u + a[4] * v + a[5] + centreY;
                int left = (int)Math.Floor(sourceX), top = (int)Math.Floor(sourceY);
                double fx = sourceX - left, fy = sourceY - top;
                for (int corner = 0; corner < 4; corner++)
                {
                    int row = top + corner / 2, column = left + corner % 2;
                    if (row < 0 || row >= height || column < 0 || column >= width)
                        continue;
                    double weight = (corner / 2 == 0 ? 1 - fy : fy) * (corner % 2 == 0 ? 1 - fx : fx);
                    for (int c = 0; c < channels; c++)
                    {
                        int image = (n * channels + c) * height;
                        yield return ((image + row) * width + column, (image + h) * width + w, weight);
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override void SgdStep<T>(
        HostBlock<T> theta, HostBlock<T> velocity, HostBlock<T> gradient, T rate, T momentum, T weightDecay,
        HostBlock<T> newTheta, HostBlock<T> newVelocity)
    {
        for (int i = 0; i < theta.Length; i++)
        {
            T v = momentum * velocity.Span[i] + gradient.Span[i] + weightDecay * theta.Span[i];
            newVelocity.Span[i] = v;
            newTheta.Span[i] = theta.Span[i] - rate * v;
        }
    }
}
