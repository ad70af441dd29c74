namespace InfMatch.Tensors;

internal sealed partial class ReferenceKernels<T>
    : IKernel<AvgPool2dCall>, IKernel<AvgPool2dGradientCall>, IKernel<NormReluPoolCall>,
        IKernel<NormReluPoolGradientCall>, IKernel<NormReluPoolSecondCall>, IKernel<MaxPool2dCall>,
        IKernel<MaxPool2dGradientCall>
{
    public void Run(AvgPool2dCall call)
    {
        Pool2dGeometry g = call.Geometry;
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        var sums = new double[ys.Length];
        foreach ((int i, int o) in Windows(g))
            sums[o] += double.CreateTruncating(xs[i]) / (g.Window * g.Window);
        Store(sums, ys);
    }

    public void Run(AvgPool2dGradientCall call)
    {
        Pool2dGeometry g = call.Geometry;
        Span<T> dys = Block(call.Dy).Span, dxs = Block(call.Dx).Span;
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

    public void Run(NormReluPoolCall call)
    {
        Pool2dGeometry g = call.Of.Geometry;
        Span<T> gamma = Block(call.Of.Gamma).Span, beta = Block(call.Of.Beta).Span, ys = Block(call.Y).Span;
        double[] normal = Normalised(call.Of, out _);
        var sums = new double[ys.Length];
        foreach ((int i, int o) in Windows(g))
        {
            int c = i / (g.H * g.W) % g.C;
            double z = double.CreateTruncating(gamma[c]) * normal[i] + double.CreateTruncating(beta[c]);
            sums[o] += (z < 0 ? 0 : z) / (g.Window * g.Window);
        }
        Store(sums, ys);
    }

    public void Run(NormReluPoolGradientCall call)
    {
        Pool2dGeometry g = call.At.Geometry;
        Span<T> gamma = Block(call.At.Gamma).Span;
        int plane = g.H * g.W;
        double[] normal = Normalised(call.At, out double[] inverseDeviation), dz = Received(call.At, call.Dy, normal, out _);
        var dGamma = new double[g.C];
        var dBeta = new double[g.C];
        var dX = new double[normal.Length];
        for (int p = 0; p < g.N * g.C; p++)
        {
            double sum = 0, sumNormal = 0, scale = double.CreateTruncating(gamma[p % g.C]);
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
        if (Optional(call.Dx) is { } ofX)
            Store(dX, ofX.Span);
        if (Optional(call.DGamma) is { } ofGamma)
            Store(dGamma, ofGamma.Span);
        if (Optional(call.DBeta) is { } ofBeta)
            Store(dBeta, ofBeta.Span);
    }

    public void Run(NormReluPoolSecondCall call)
    {
        Pool2dGeometry g = call.At.Geometry;
        Span<T> gamma = Block(call.At.Gamma).Span, us = Block(call.Of.U).Span;
        Span<T> ofGamma = Block(call.Of.Gamma).Span, ofBeta = Block(call.Of.Beta).Span;
        int plane = g.H * g.W;
        double[] normal = Normalised(call.At, out double[] inverseDeviation), dz = Received(call.At, call.Dy, normal, out bool[] isOpen);
        double[] x = new double[normal.Length], slopes = new double[normal.Length], scales = new double[g.C];
        for (int p = 0; p < g.N * g.C; p++)
        {
            int c = p % g.C;
            (double scale, double s) = (double.CreateTruncating(gamma[c]), inverseDeviation[p]);
            (double v, double w) = (double.CreateTruncating(ofGamma[c]), double.CreateTruncating(ofBeta[c]));
            double u1 = 0, un = 0, z1 = 0, zn = 0, uz = 0;
            for (int i = p * plane; i < (p + 1) * plane; i++)
            {
                double u = double.CreateTruncating(us[i]);
                (u1, un, uz) = (u1 + u / plane, un + u * normal[i] / plane, uz + u * dz[i] / plane);
                (z1, zn) = (z1 + dz[i] / plane, zn + dz[i] * normal[i] / plane);
            }
            // ⟨u, dx⟩ = γ·t/σ. What follows is its slope, and that of ⟨v, dγ⟩ + ⟨w, dβ⟩, in x̂ (e), 1/σ, γ and dz.
            double t = plane * (uz - u1 * z1 - un * zn), e1 = 0, en = 0;
            scales[c] += s * t;
            var e = new double[plane];
            for (int k = 0, i = p * plane; k < plane; k++, i++)
            {
                double u = double.CreateTruncating(us[i]);
                e[k] = -scale * s * (u * zn + un * dz[i]) + v * dz[i];
                slopes[i] = isOpen[i] ? scale * s * (u - u1 - normal[i] * un) + v * normal[i] + w : 0;
                (e1, en) = (e1 + e[k] / plane, en + e[k] * normal[i] / plane);
            }
            for (int k = 0, i = p * plane; k < plane; k++, i++)
                x[i] = s * (e[k] - e1 - normal[i] * en) - scale * t * s * s * normal[i] / plane;
        }
        if (Optional(call.OfX) is { } ofX)
            Store(x, ofX.Span);
        if (Optional(call.OfGamma) is { } toGamma)
            Store(scales, toGamma.Span);
        if (Optional(call.OfDy) is { } ofDy)
        {
            var means = new double[ofDy.Span.Length];
            foreach ((int i, int o) in Windows(g))
                means[o] += slopes[i] / (g.Window * g.Window);
            Store(means, ofDy.Span);
        }
    }

    // The cotangent of what the ReLU sees, and where it is open.
    private double[] Received(NormReluPoolInputs at, Tensor of, double[] normal, out bool[] isOpen)
    {
        Pool2dGeometry g = at.Geometry;
        Span<T> gamma = Block(at.Gamma).Span, beta = Block(at.Beta).Span, dy = Block(of).Span;
        var dz = new double[normal.Length];
        isOpen = new bool[normal.Length];
        foreach ((int i, int o) in Windows(g))
        {
            int c = i / (g.H * g.W) % g.C;
            double z = double.CreateTruncating(gamma[c]) * normal[i] + double.CreateTruncating(beta[c]);
            isOpen[i] = z > 0;
            if (z > 0)
                dz[i] = double.CreateTruncating(dy[o]) / (g.Window * g.Window);
        }
        return dz;
    }

    private double[] Normalised(NormReluPoolInputs of, out double[] inverseDeviation)
    {
        Pool2dGeometry g = of.Geometry;
        Span<T> x = Block(of.X).Span;
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
            inverseDeviation[p] = 1 / Math.Sqrt(variance + of.Epsilon);
            for (int i = p * plane; i < (p + 1) * plane; i++)
                normal[i] = (double.CreateTruncating(x[i]) - mean) * inverseDeviation[p];
        }
        return normal;
    }

    public void Run(MaxPool2dCall call)
    {
        Span<T> vs = Block(call.V).Span, ys = Block(call.Y).Span;
        int[] largest = Largest(call.Geometry, Block(call.X).Span);
        for (int o = 0; o < largest.Length; o++)
            ys[o] = vs[largest[o]];
    }

    public void Run(MaxPool2dGradientCall call)
    {
        Span<T> dys = Block(call.Dy).Span, dxs = Block(call.Dx).Span;
        int[] largest = Largest(call.Geometry, Block(call.X).Span);
        dxs.Clear();
        for (int o = 0; o < largest.Length; o++)
            dxs[largest[o]] = dys[o];
    }

    // For each window where x is largest in it: the first of equal elements, and the first NaN where there is one.
    private static int[] Largest(Pool2dGeometry g, Span<T> x)
    {
        var largest = new int[g.Output.Count];
        Array.Fill(largest, -1);
        foreach ((int i, int o) in Windows(g))
        {
            int best = largest[o];
            if (best < 0 || (!T.IsNaN(x[best]) && (T.IsNaN(x[i]) || x[i] > x[best])))
                largest[o] = i;
        }
        return largest;
    }
}
