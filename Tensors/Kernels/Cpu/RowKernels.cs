using System.Numerics;

namespace InfMatch.Tensors;

/// <summary>Kernels on one row of a matrix.</summary>
internal static class RowKernels
{
    /// <summary>y = x − log Σ exp x, in float64 inside, around the largest element so that nothing overflows. A row
    /// with NaN or +∞ gives NaN everywhere.</summary>
    public static void LogSoftmax<T>(Span<T> x, Span<T> y) where T : INumberBase<T>
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (T v in x)
            max = Math.Max(max, double.CreateTruncating(v));
        foreach (T v in x)
            sum += Math.Exp(double.CreateTruncating(v) - max);
        double log = Math.Log(sum);
        for (int i = 0; i < x.Length; i++)
            y[i] = T.CreateTruncating(double.CreateTruncating(x[i]) - max - log);
    }

    /// <summary>−Σ q·log softmax(z), 0·log 0 being 0. The exponentials lie in <paramref name="work"/>, as long as a
    /// row.</summary>
    public static double CrossEntropy<T>(ReadOnlySpan<T> z, ReadOnlySpan<T> q, Span<double> work)
        where T : INumberBase<T>
    {
        (double max, double sum) = Exponentials(z, work);
        double log = Math.Log(sum), loss = 0;
        for (int i = 0; i < z.Length; i++)
            loss -= Weighted(double.CreateTruncating(q[i]), double.CreateTruncating(z[i]) - max - log);
        return loss;
    }

    /// <summary>dz = scale·((Σ q)·softmax(z) − q) and dq = −scale·log softmax(z), 0·log 0 being 0; an empty destination
    /// is not computed.</summary>
    public static void CrossEntropyGradient<T>(
        ReadOnlySpan<T> z, ReadOnlySpan<T> q, double scale, Span<double> work, Span<T> dz, Span<T> dq)
        where T : INumberBase<T>
    {
        (double max, double sum) = Exponentials(z, work);
        double log = Math.Log(sum), mass = 0;
        foreach (T label in q)
            mass += double.CreateTruncating(label);
        for (int i = 0; i < dz.Length; i++)
            dz[i] = T.CreateTruncating(scale * (mass * (work[i] / sum) - double.CreateTruncating(q[i])));
        for (int i = 0; i < dq.Length; i++)
            dq[i] = T.CreateTruncating(-Weighted(scale, double.CreateTruncating(z[i]) - max - log));
    }

    /// <summary>weight·log p, which is 0 where the weight is 0 and p is 0.</summary>
    public static double Weighted(double weight, double logP) =>
        weight == 0 && double.IsNegativeInfinity(logP) ? 0 : weight * logP;

    // work = exp(z − max), vectorised; its sum in order.
    private static (double Max, double Sum) Exponentials<T>(ReadOnlySpan<T> z, Span<double> work)
        where T : INumberBase<T>
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (T v in z)
            max = Math.Max(max, double.CreateTruncating(v));
        for (int i = 0; i < z.Length; i++)
            work[i] = double.CreateTruncating(z[i]) - max;
        System.Numerics.Tensors.TensorPrimitives.Exp(work, work);
        foreach (double e in work)
            sum += e;
        return (max, sum);
    }
}
