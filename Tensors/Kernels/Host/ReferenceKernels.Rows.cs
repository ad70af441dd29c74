namespace InfMatch.Tensors;

internal sealed partial class ReferenceKernels<T>
    : IKernel<LogSoftmaxCall>, IKernel<CrossEntropyCall>, IKernel<CrossEntropyGradientCall>, IKernel<GatherRowsCall>,
        IKernel<ScatterRowsCall>, IKernel<AffineSampleCall>, IKernel<AffineSampleGradientCall>
{
    public void Run(LogSoftmaxCall call)
    {
        (int rows, int columns) = (call.X.Shape[0], call.X.Shape[1]);
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        for (int r = 0; r < rows; r++)
        {
            double[] log = LogSoftmax(xs.Slice(r * columns, columns));
            for (int c = 0; c < columns; c++)
                ys[r * columns + c] = T.CreateTruncating(log[c]);
        }
    }

    public void Run(CrossEntropyCall call)
    {
        (int rows, int columns) = (call.Logits.Shape[0], call.Logits.Shape[1]);
        Span<T> logits = Block(call.Logits).Span, labels = Block(call.Labels).Span;
        double sum = 0;
        for (int r = 0; r < rows; r++)
        {
            Span<T> q = labels.Slice(r * columns, columns);
            double[] log = LogSoftmax(logits.Slice(r * columns, columns));
            for (int c = 0; c < columns; c++)
                sum -= Weighted(double.CreateTruncating(q[c]), log[c]);
        }
        Block(call.Y).Span[0] = T.CreateTruncating(sum / rows);
    }

    public void Run(CrossEntropyGradientCall call)
    {
        (int rows, int columns) = (call.Logits.Shape[0], call.Logits.Shape[1]);
        Span<T> logits = Block(call.Logits).Span, labels = Block(call.Labels).Span;
        HostBlock<T>? dlogits = Optional(call.DLogits), dlabels = Optional(call.DLabels);
        double slopeOfRow = double.CreateTruncating(Block(call.Dy).Span[0]) / rows;
        for (int r = 0; r < rows; r++)
        {
            Span<T> q = labels.Slice(r * columns, columns);
            double[] log = LogSoftmax(logits.Slice(r * columns, columns));
            double sumOfLabels = 0;
            foreach (T label in q)
                sumOfLabels += double.CreateTruncating(label);
            for (int c = 0; c < columns; c++)
            {
                double slope = sumOfLabels * Math.Exp(log[c]) - double.CreateTruncating(q[c]);
                if (dlogits is { } dz)
                    dz.Span[r * columns + c] = T.CreateTruncating(slopeOfRow * slope);
                if (dlabels is { } dq)
                    dq.Span[r * columns + c] = T.CreateTruncating(-Weighted(slopeOfRow, log[c]));
            }
        }
    }

    // 0·log 0 is 0.
    private static double Weighted(double weight, double log) =>
        weight == 0 && double.IsNegativeInfinity(log) ? 0 : weight * log;

    private static double[] LogSoftmax(Span<T> z)
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

    public void Run(GatherRowsCall call)
    {
        int row = call.X.Count / Math.Max(1, call.X.Shape[0]);
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        ReadOnlySpan<int> indices = call.Indices.Span;
        for (int i = 0; i < indices.Length; i++)
            xs.Slice(indices[i] * row, row).CopyTo(ys.Slice(i * row, row));
    }

    public void Run(ScatterRowsCall call)
    {
        int row = call.Dx.Count / Math.Max(1, call.Dx.Shape[0]);
        Span<T> dys = Block(call.Dy).Span, dxs = Block(call.Dx).Span;
        ReadOnlySpan<int> indices = call.Indices.Span;
        dxs.Clear();
        for (int i = 0; i < indices.Length; i++)
        {
            Span<T> from = dys.Slice(i * row, row), to = dxs.Slice(indices[i] * row, row);
            for (int j = 0; j < row; j++)
                to[j] += from[j];
        }
    }

    public void Run(AffineSampleCall call)
    {
        Span<T> xs = Block(call.X).Span, ys = Block(call.Y).Span;
        var sums = new double[ys.Length];
        foreach ((int i, int o, double weight) in Samples(call.X.Shape, Block(call.Transforms)))
            sums[o] += weight * double.CreateTruncating(xs[i]);
        Store(sums, ys);
    }

    public void Run(AffineSampleGradientCall call)
    {
        Span<T> dys = Block(call.Dy).Span, dxs = Block(call.Dx).Span;
        var sums = new double[dxs.Length];
        foreach ((int i, int o, double weight) in Samples(call.Dx.Shape, Block(call.Transforms)))
            sums[i] += weight * double.CreateTruncating(dys[o]);
        Store(sums, dxs);
    }

    // The up to four source elements of every output element, with their bilinear weights.
    private static IEnumerable<(int Input, int Output, double Weight)> Samples(Shape shape, HostBlock<T> transforms)
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
}
