using System.Numerics;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>The statistics of one plane: x̂ = (x − Shift − Correction)·InverseDeviation.</summary>
/// <param name="Shift">The mean, rounded to the number type of the data.</param>
/// <param name="Correction">What that rounding and the summation lost.</param>
/// <param name="InverseDeviation">1/√(variance + ε).</param>
internal readonly record struct PlaneStatistics(double Shift, double Correction, double InverseDeviation);

/// <summary>
/// The parts of NormReluPool on one [H, W] plane, while it is in the L1 cache. Vector lanes hold partial sums of at
/// most 1024 elements before they go to float64. The variance is summed around the mean and corrected by the sum of the
/// deviations, so a plane with a large mean loses nothing.
/// </summary>
internal static unsafe partial class PlaneNorm<T, V, S>
    where T : unmanaged, IBinaryFloatingPointIeee754<T> where V : struct where S : struct, ISimd<T, V>
{
    private const int Segment = 1024;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static PlaneStatistics Statistics(T* x, int area, double epsilon)
    {
        int w = S.Width;
        double total = 0;
        for (int start = 0; start < area; start += Segment)
        {
            int end = Math.Min(area, start + Segment), i = start;
            V s0 = S.Broadcast(T.Zero), s1 = s0, s2 = s0, s3 = s0;
            for (; i + 4 * w <= end; i += 4 * w)
            {
                s0 = S.Add(s0, S.Load(x + i));
                s1 = S.Add(s1, S.Load(x + i + w));
                s2 = S.Add(s2, S.Load(x + i + 2 * w));
                s3 = S.Add(s3, S.Load(x + i + 3 * w));
            }
            for (; i + w <= end; i += w)
                s0 = S.Add(s0, S.Load(x + i));
            total += S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
            for (; i < end; i++)
                total += double.CreateTruncating(x[i]);
        }
        T mean = T.CreateTruncating(total / area);
        V m = S.Broadcast(mean);
        double sum = 0, squares = 0;
        for (int start = 0; start < area; start += Segment)
        {
            int end = Math.Min(area, start + Segment), i = start;
            V s0 = S.Broadcast(T.Zero), s1 = s0, q0 = s0, q1 = s0;
            for (; i + 2 * w <= end; i += 2 * w)
            {
                Prefetch.Near(x + area + i);
                Prefetch.Near(x + area + i + w);
                V d = S.Subtract(S.Load(x + i), m), e = S.Subtract(S.Load(x + i + w), m);
                s0 = S.Add(s0, d);
                q0 = S.MultiplyAdd(d, d, q0);
                s1 = S.Add(s1, e);
                q1 = S.MultiplyAdd(e, e, q1);
            }
            for (; i + w <= end; i += w)
            {
                V d = S.Subtract(S.Load(x + i), m);
                s0 = S.Add(s0, d);
                q0 = S.MultiplyAdd(d, d, q0);
            }
            sum += S.Sum(S.Add(s0, s1));
            squares += S.Sum(S.Add(q0, q1));
            for (; i < end; i++)
            {
                double d = double.CreateTruncating(x[i] - mean);
                sum += d;
                squares += d * d;
            }
        }
        double correction = sum / area, variance = squares / area - correction * correction;
        // Math.Max keeps NaN: a NaN in the plane must not turn into numbers.
        return new PlaneStatistics(
            double.CreateTruncating(mean), correction, 1 / Math.Sqrt(Math.Max(variance, 0) + epsilon));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Activate(T* x, int area, T mean, T scale, T shift, T* y)
    {
        int w = S.Width, i = 0;
        V m = S.Broadcast(mean), a = S.Broadcast(scale), b = S.Broadcast(shift);
        for (; i + w <= area; i += w)
            S.Store(S.Relu(S.MultiplyAdd(S.Subtract(S.Load(x + i), m), a, b)), y + i);
        for (; i < area; i++)
        {
            T z = FusedArithmetic.MultiplyAdd(x[i] - mean, scale, shift);
            y[i] = z < T.Zero ? T.Zero : z;
        }
    }

    // slope = the gradient behind the pool, cut where ReLU is closed; sums = (Σ slope, Σ slope·x̂).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Slopes(
        T* x, T* slope, int area, PlaneStatistics statistics, double gamma, double beta, double* sums)
    {
        int w = S.Width;
        double scale = gamma * statistics.InverseDeviation;
        T mean = T.CreateTruncating(statistics.Shift), factor = T.CreateTruncating(scale);
        T shift = T.CreateTruncating(beta - statistics.Correction * scale);
        V m = S.Broadcast(mean), a = S.Broadcast(factor), b = S.Broadcast(shift);
        double sum = 0, moment = 0;
        for (int start = 0; start < area; start += Segment)
        {
            int end = Math.Min(area, start + Segment), i = start;
            V s0 = S.Broadcast(T.Zero), s1 = s0, p0 = s0, p1 = s0;
            for (; i + 2 * w <= end; i += 2 * w)
            {
                V d = S.Subtract(S.Load(x + i), m), e = S.Subtract(S.Load(x + i + w), m);
                V u = S.WherePositive(S.MultiplyAdd(d, a, b), S.Load(slope + i));
                V v = S.WherePositive(S.MultiplyAdd(e, a, b), S.Load(slope + i + w));
                S.Store(u, slope + i);
                S.Store(v, slope + i + w);
                s0 = S.Add(s0, u);
                p0 = S.MultiplyAdd(u, d, p0);
                s1 = S.Add(s1, v);
                p1 = S.MultiplyAdd(v, e, p1);
            }
            for (; i + w <= end; i += w)
            {
                V d = S.Subtract(S.Load(x + i), m);
                V u = S.WherePositive(S.MultiplyAdd(d, a, b), S.Load(slope + i));
                S.Store(u, slope + i);
                s0 = S.Add(s0, u);
                p0 = S.MultiplyAdd(u, d, p0);
            }
            sum += S.Sum(S.Add(s0, s1));
            moment += S.Sum(S.Add(p0, p1));
            for (; i < end; i++)
            {
                T d = x[i] - mean;
                if (!(FusedArithmetic.MultiplyAdd(d, factor, shift) > T.Zero))
                    slope[i] = T.Zero;
                sum += double.CreateTruncating(slope[i]);
                moment += double.CreateTruncating(slope[i]) * double.CreateTruncating(d);
            }
        }
        sums[0] = sum;
        sums[1] = (moment - statistics.Correction * sum) * statistics.InverseDeviation;
    }

    // dx = γ/σ·(slope − mean(slope) − x̂·mean(slope·x̂)) = slope·p + (x − shift)·q + r, where p, q and r are constants
    // of the plane.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Differential(
        T* x, T* slope, int area, PlaneStatistics statistics, double gamma, double* sums, T* dx)
    {
        int w = S.Width, i = 0;
        double p = gamma * statistics.InverseDeviation, q = -p * statistics.InverseDeviation * sums[1] / area;
        double r = -p * sums[0] / area - q * statistics.Correction;
        T mean = T.CreateTruncating(statistics.Shift);
        T ps = T.CreateTruncating(p), qs = T.CreateTruncating(q), rs = T.CreateTruncating(r);
        V m = S.Broadcast(mean), pv = S.Broadcast(ps), qv = S.Broadcast(qs), rv = S.Broadcast(rs);
        for (; i + w <= area; i += w)
        {
            V d = S.Subtract(S.Load(x + i), m);
            S.Store(S.MultiplyAdd(S.Load(slope + i), pv, S.MultiplyAdd(d, qv, rv)), dx + i);
        }
        for (; i < area; i++)
            dx[i] = FusedArithmetic.MultiplyAdd(slope[i], ps, FusedArithmetic.MultiplyAdd(x[i] - mean, qs, rs));
    }
}
