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
}
