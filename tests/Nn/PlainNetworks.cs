namespace InfMatch.Tests.Nn;

/// <summary>Networks in plain loops over arrays, without tensors and without automatic differentiation.</summary>
internal static class PlainNetworks
{
    /// <summary>Logits [N, M] of a ConvNet under θ.</summary>
    public static double[] ConvNet(
        double[] theta, double[] images, int n, (int C, int H, int W) image, int filters, int depth, int classes,
        int firstPadding, Func<double, double> activation)
    {
        int at = 0;
        double[] Take(int count)
        {
            at += count;
            return theta[(at - count)..at];
        }
        (int c, int h, int w) = image;
        double[] x = images;
        for (int block = 0; block < depth; block++)
        {
            double[] weight = Take(filters * c * 9), bias = Take(filters), gamma = Take(filters), beta = Take(filters);
            int padding = block == 0 ? firstPadding : 1;
            double[] y = Convolve(x, weight, bias, n, c, h, w, filters, padding);
            (c, h, w) = (filters, h + 2 * padding - 2, w + 2 * padding - 2);
            Normalise(y, gamma, beta, n, c, h * w);
            x = Pool([.. y.Select(activation)], n * c, h, w);
            (h, w) = (h / 2, w / 2);
        }
        int features = c * h * w;
        double[] logits = Linear(x, Take(classes * features), Take(classes), n, features, classes);
        Assert.Equal(theta.Length, at);
        return logits;
    }

    /// <summary>The mean over the rows of −Σ q·log softmax(logits).</summary>
    public static double CrossEntropy(double[] logits, double[] labels, int n)
    {
        int classes = logits.Length / n;
        double sum = 0;
        for (int i = 0; i < n; i++)
        {
            double[] row = logits[(i * classes)..((i + 1) * classes)];
            double log = Math.Log(row.Sum(Math.Exp));
            for (int k = 0; k < classes; k++)
                sum -= labels[i * classes + k] * (row[k] - log);
        }
        return sum / n;
    }

    /// <summary>The loss of a perceptron with one hidden tanh layer, and its gradient by hand.</summary>
    public static (double Loss, double[] Gradient) Perceptron(
        double[] theta, double[] images, double[] labels, int n, int features, int hidden, int classes)
    {
        int b1 = hidden * features, w2 = b1 + hidden, b2 = w2 + classes * hidden;
        Assert.Equal(b2 + classes, theta.Length);
        double[] z = Linear(images, theta[..b1], theta[b1..w2], n, features, hidden);
        double[] a = [.. z.Select(Math.Tanh)];
        double[] logits = Linear(a, theta[w2..b2], theta[b2..], n, hidden, classes);
        var gradient = new double[theta.Length];
        for (int i = 0; i < n; i++)
        {
            double total = Enumerable.Range(0, classes).Sum(k => Math.Exp(logits[i * classes + k]));
            for (int k = 0; k < classes; k++)
            {
                double error = (Math.Exp(logits[i * classes + k]) / total - labels[i * classes + k]) / n;
                gradient[b2 + k] += error;
                for (int j = 0; j < hidden; j++)
                {
                    gradient[w2 + k * hidden + j] += error * a[i * hidden + j];
                    double back = error * theta[w2 + k * hidden + j] * (1 - a[i * hidden + j] * a[i * hidden + j]);
                    gradient[b1 + j] += back;
                    for (int f = 0; f < features; f++)
                        gradient[j * features + f] += back * images[i * features + f];
                }
            }
        }
        return (CrossEntropy(logits, labels, n), gradient);
    }

    public static double[] Linear(double[] x, double[] weight, double[] bias, int n, int features, int outputs)
    {
        var y = new double[n * outputs];
        for (int i = 0; i < n; i++)
        for (int o = 0; o < outputs; o++)
        {
            y[i * outputs + o] = bias[o];
            for (int f = 0; f < features; f++)
                y[i * outputs + o] += weight[o * features + f] * x[i * features + f];
        }
        return y;
    }

    private static double[] Convolve(
        double[] x, double[] weight, double[] bias, int n, int c, int h, int w, int filters, int padding)
    {
        int oh = h + 2 * padding - 2, ow = w + 2 * padding - 2;
        var y = new double[n * filters * oh * ow];
        for (int i = 0; i < n; i++)
        for (int k = 0; k < filters; k++)
        for (int row = 0; row < oh; row++)
        for (int column = 0; column < ow; column++)
        {
            double sum = bias[k];
            for (int channel = 0; channel < c; channel++)
            for (int r = 0; r < 3; r++)
            for (int s = 0; s < 3; s++)
            {
                (int u, int v) = (row + r - padding, column + s - padding);
                if (u >= 0 && u < h && v >= 0 && v < w)
                    sum += weight[((k * c + channel) * 3 + r) * 3 + s] * x[((i * c + channel) * h + u) * w + v];
            }
            y[((i * filters + k) * oh + row) * ow + column] = sum;
        }
        return y;
    }

    private static void Normalise(double[] y, double[] gamma, double[] beta, int n, int c, int area)
    {
        for (int plane = 0; plane < n * c; plane++)
        {
            Span<double> values = y.AsSpan(plane * area, area);
            double mean = 0, variance = 0;
            foreach (double value in values)
                mean += value / area;
            foreach (double value in values)
                variance += (value - mean) * (value - mean) / area;
            foreach (ref double value in values)
                value = gamma[plane % c] * (value - mean) / Math.Sqrt(variance + 1e-5) + beta[plane % c];
        }
    }

    private static double[] Pool(double[] x, int planes, int h, int w)
    {
        int oh = h / 2, ow = w / 2;
        var y = new double[planes * oh * ow];
        for (int plane = 0; plane < planes; plane++)
        for (int row = 0; row < 2 * oh; row++)
        for (int column = 0; column < 2 * ow; column++)
            y[(plane * oh + row / 2) * ow + column / 2] += x[(plane * h + row) * w + column] / 4;
        return y;
    }
}
