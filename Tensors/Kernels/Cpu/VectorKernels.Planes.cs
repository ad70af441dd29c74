namespace InfMatch.Tensors;

internal sealed unsafe partial class VectorKernels<T, V, S>
    : IKernel<AvgPool2dCall>, IKernel<AvgPool2dGradientCall>, IKernel<NormReluPoolCall>,
        IKernel<NormReluPoolGradientCall>, IKernel<NormReluPoolSecondCall>
{
    public void Run(AvgPool2dCall call)
    {
        Pool2dGeometry g = call.Geometry;
        (HostBlock<T> x, HostBlock<T> y) = (Block(call.X), Block(call.Y));
        int area = g.H * g.W, pooled = g.OutH * g.OutW;
        Pool.RunChunks(g.N * g.C, PlanesPerChunk(area), (begin, end) =>
        {
            T* plane = Scratch.Get<T>(ScratchUse.Image, area);
            for (int p = begin; p < end; p++)
            {
                new ReadOnlySpan<T>(x.Pointer + (nint)p * area, area).CopyTo(new Span<T>(plane, area));
                PlanePool<T, V, S>.Mean(g, plane, y.Pointer + (nint)p * pooled);
            }
        });
    }

    public void Run(AvgPool2dGradientCall call)
    {
        Pool2dGeometry g = call.Geometry;
        (HostBlock<T> dy, HostBlock<T> dx) = (Block(call.Dy), Block(call.Dx));
        int area = g.H * g.W, pooled = g.OutH * g.OutW;
        Pool.RunChunks(g.N * g.C, PlanesPerChunk(area), (begin, end) =>
        {
            for (int p = begin; p < end; p++)
                PlanePool<T, V, S>.Spread(g, dy.Pointer + (nint)p * pooled, dx.Pointer + (nint)p * area);
        });
    }

    public void Run(NormReluPoolCall call)
    {
        (Pool2dGeometry g, double epsilon) = (call.Of.Geometry, call.Of.Epsilon);
        HostBlock<T> x = Block(call.Of.X), gamma = Block(call.Of.Gamma), beta = Block(call.Of.Beta), y = Block(call.Y);
        int area = g.H * g.W, pooled = g.OutH * g.OutW;
        Pool.RunChunks(g.N * g.C, PlanesPerChunk(area), (begin, end) =>
        {
            T* active = Scratch.Get<T>(ScratchUse.Image, area + 2 * S.Width);
            for (int p = begin; p < end; p++)
            {
                T* plane = x.Pointer + (nint)p * area, to = y.Pointer + (nint)p * pooled;
                PlaneStatistics s = PlaneNorm<T, V, S>.Statistics(plane, area, epsilon);
                double scale = double.CreateTruncating(gamma.Pointer[p % g.C]) * s.InverseDeviation;
                double shift = double.CreateTruncating(beta.Pointer[p % g.C]) - s.Correction * scale;
                T a = T.CreateTruncating(scale), b = T.CreateTruncating(shift), m = T.CreateTruncating(s.Shift);
                bool whole = g.Window == 1 && pooled == area;
                PlaneNorm<T, V, S>.Activate(plane, area, m, a, b, whole ? to : active);
                if (!whole)
                    PlanePool<T, V, S>.Mean(g, active, to);
            }
        });
    }

    public void Run(NormReluPoolGradientCall call)
    {
        (Pool2dGeometry g, double epsilon) = (call.At.Geometry, call.At.Epsilon);
        HostBlock<T> x = Block(call.At.X), gamma = Block(call.At.Gamma), beta = Block(call.At.Beta);
        HostBlock<T> dy = Block(call.Dy);
        HostBlock<T>? dx = Optional(call.Dx), dgamma = Optional(call.DGamma), dbeta = Optional(call.DBeta);
        int area = g.H * g.W, pooled = g.OutH * g.OutW, planes = g.N * g.C;
        // Two sums for each plane; afterwards each channel adds its planes in the order of the batch.
        double* sums = Scratch.Get<double>(ScratchUse.Partials, 2L * planes);
        Pool.RunChunks(planes, PlanesPerChunk(area), (begin, end) =>
        {
            T* slope = Scratch.Get<T>(ScratchUse.Image, area + 2 * S.Width);
            for (int p = begin; p < end; p++)
            {
                T* plane = x.Pointer + (nint)p * area;
                PlaneStatistics s = PlaneNorm<T, V, S>.Statistics(plane, area, epsilon);
                PlanePool<T, V, S>.Spread(g, dy.Pointer + (nint)p * pooled, slope);
                double scale = double.CreateTruncating(gamma.Pointer[p % g.C]);
                double shift = double.CreateTruncating(beta.Pointer[p % g.C]);
                PlaneNorm<T, V, S>.Slopes(plane, slope, area, s, scale, shift, sums + 2 * p);
                if (dx is { } to)
                    PlaneNorm<T, V, S>.Differential(plane, slope, area, s, scale, sums + 2 * p, to.Pointer + (nint)p * area);
            }
        });
        WorkerPool.RunOnce(() =>
        {
            if (dgamma is { } a)
                AddPlanes(g, sums + 1, a.Span);
            if (dbeta is { } b)
                AddPlanes(g, sums, b.Span);
        });
    }

    public void Run(NormReluPoolSecondCall call)
    {
        (Pool2dGeometry g, double epsilon) = (call.At.Geometry, call.At.Epsilon);
        HostBlock<T> x = Block(call.At.X), gamma = Block(call.At.Gamma), beta = Block(call.At.Beta), dy = Block(call.Dy);
        HostBlock<T> u = Block(call.Of.U), ofDGamma = Block(call.Of.Gamma), ofDBeta = Block(call.Of.Beta);
        HostBlock<T>? ofX = Optional(call.OfX), ofGamma = Optional(call.OfGamma), ofDy = Optional(call.OfDy);
        int area = g.H * g.W, pooled = g.OutH * g.OutW, planes = g.N * g.C;
        double* shares = Scratch.Get<double>(ScratchUse.Partials, 2L * planes);
        Pool.RunChunks(planes, PlanesPerChunk(area), (begin, end) =>
        {
            T* slope = Scratch.Get<T>(ScratchUse.Image, area + 2 * S.Width);
            double* slopes = stackalloc double[2], products = stackalloc double[3];
            for (int p = begin; p < end; p++)
            {
                T* plane = x.Pointer + (nint)p * area, along = u.Pointer + (nint)p * area;
                PlaneStatistics s = PlaneNorm<T, V, S>.Statistics(plane, area, epsilon);
                PlanePool<T, V, S>.Spread(g, dy.Pointer + (nint)p * pooled, slope);
                (double Gamma, double Beta) affine = At(gamma, beta, p % g.C);
                PlaneNorm<T, V, S>.Slopes(plane, slope, area, s, affine.Gamma, affine.Beta, slopes);
                PlaneNorm<T, V, S>.Products(plane, along, slope, area, s, products);
                var factors = SecondFactors.Of(
                    area, s, affine.Gamma, slopes, products, At(ofDGamma, ofDBeta, p % g.C));
                shares[2 * p] = factors.Share;
                PlaneNorm<T, V, S>.Second(
                    plane, along, slope, area, s, affine, factors, ofX is { } to ? to.Pointer + (nint)p * area : null);
                if (ofDy is { } windows)
                    PlanePool<T, V, S>.Mean(g, slope, windows.Pointer + (nint)p * pooled);
            }
        });
        WorkerPool.RunOnce(() =>
        {
            if (ofGamma is { } sums)
                AddPlanes(g, shares, sums.Span);
        });

        static (double, double) At(HostBlock<T> a, HostBlock<T> b, int c) =>
            (double.CreateTruncating(a.Pointer[c]), double.CreateTruncating(b.Pointer[c]));
    }

    private static int PlanesPerChunk(int area) => Math.Max(1, 16384 / Math.Max(1, area));

    private static void AddPlanes(Pool2dGeometry g, double* sums, Span<T> destination)
    {
        for (int c = 0; c < g.C; c++)
        {
            double sum = 0;
            for (int n = 0; n < g.N; n++)
                sum += sums[2 * (n * g.C + c)];
            destination[c] = T.CreateTruncating(sum);
        }
    }
}
