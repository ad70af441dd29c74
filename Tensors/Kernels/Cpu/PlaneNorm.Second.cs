using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// What the adjoint of the gradient of a plane is made of, with d = x − Shift: x̄ = OfU·u + OfSlope·slope + OfDeviation·d + Rest, and
/// of each slope SlopeOfU·u + SlopeOfDeviation·d + SlopeRest where the ReLU is open. Share is what the
/// plane adds to the derivative in γ.
/// </summary>
internal readonly record struct SecondFactors(
    double OfU, double OfSlope, double OfDeviation, double Rest, double SlopeOfU, double SlopeOfDeviation, double SlopeRest, double Share)
{
    /// <summary>The factors. Derived in docs/design.md, "Autograd".</summary>
    /// <param name="area">The elements of the plane.</param>
    /// <param name="of">Its statistics.</param>
    /// <param name="gamma">γ.</param>
    /// <param name="slopes">Σ slope and Σ slope·x̂.</param>
    /// <param name="products">Σ u, Σ u·x̂ and Σ u·slope.</param>
    /// <param name="cotangents">Those of dγ and dβ.</param>
    public static unsafe SecondFactors Of(
        int area, PlaneStatistics of, double gamma, double* slopes, double* products, (double Gamma, double Beta) cotangents)
    {
        double s = of.InverseDeviation, a = slopes[0] / area, b = slopes[1] / area, u = products[0] / area, n = products[1] / area;
        double t = products[2] - area * (u * a + n * b), scale = gamma * s, v = cotangents.Gamma - scale * n;
        // e = −γ/σ·b·u + v·slope is the slope in x̂; this is what multiplies x̂ in x̄.
        double normal = -s * (b * v - scale * b * n) - scale * s * t / area;
        return new SecondFactors(
            -s * scale * b, s * v, normal * s, -s * (v * a - scale * b * u) - normal * s * of.Correction,
            scale, v * s, cotangents.Beta - scale * u - v * s * of.Correction, s * t);
    }
}

internal static unsafe partial class PlaneNorm<T, V, S>
{
    // products = (Σ u, Σ u·x̂, Σ u·slope).
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Products(T* x, T* u, T* slope, int area, PlaneStatistics statistics, double* products)
    {
        int w = S.Width;
        T mean = T.CreateTruncating(statistics.Shift);
        V m = S.Broadcast(mean);
        double sum = 0, moment = 0, product = 0;
        for (int start = 0; start < area; start += Segment)
        {
            int end = Math.Min(area, start + Segment), i = start;
            V s0 = S.Broadcast(T.Zero), p0 = s0, q0 = s0, s1 = s0, p1 = s0, q1 = s0;
            for (; i + 2 * w <= end; i += 2 * w)
            {
                V a = S.Load(u + i), b = S.Load(u + i + w);
                s0 = S.Add(s0, a);
                s1 = S.Add(s1, b);
                p0 = S.MultiplyAdd(a, S.Subtract(S.Load(x + i), m), p0);
                p1 = S.MultiplyAdd(b, S.Subtract(S.Load(x + i + w), m), p1);
                q0 = S.MultiplyAdd(a, S.Load(slope + i), q0);
                q1 = S.MultiplyAdd(b, S.Load(slope + i + w), q1);
            }
            for (; i + w <= end; i += w)
            {
                V a = S.Load(u + i);
                s0 = S.Add(s0, a);
                p0 = S.MultiplyAdd(a, S.Subtract(S.Load(x + i), m), p0);
                q0 = S.MultiplyAdd(a, S.Load(slope + i), q0);
            }
            sum += S.Sum(S.Add(s0, s1));
            moment += S.Sum(S.Add(p0, p1));
            product += S.Sum(S.Add(q0, q1));
            for (; i < end; i++)
            {
                double a = double.CreateTruncating(u[i]);
                sum += a;
                moment += a * double.CreateTruncating(x[i] - mean);
                product += a * double.CreateTruncating(slope[i]);
            }
        }
        products[0] = sum;
        products[1] = (moment - statistics.Correction * sum) * statistics.InverseDeviation;
        products[2] = product;
    }

    // ofX = x̄ where it is asked for; the slopes give way to their own cotangents, of which the windows take the means.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Second(
        T* x, T* u, T* slope, int area, PlaneStatistics statistics, (double Gamma, double Beta) affine, SecondFactors f, T* ofX)
    {
        int w = S.Width, i = 0;
        double scale = affine.Gamma * statistics.InverseDeviation;
        T mean = T.CreateTruncating(statistics.Shift), zs = T.CreateTruncating(scale);
        T zr = T.CreateTruncating(affine.Beta - statistics.Correction * scale);
        T xu = T.CreateTruncating(f.OfU), xs = T.CreateTruncating(f.OfSlope), xd = T.CreateTruncating(f.OfDeviation), xr = T.CreateTruncating(f.Rest);
        T su = T.CreateTruncating(f.SlopeOfU), sd = T.CreateTruncating(f.SlopeOfDeviation), sr = T.CreateTruncating(f.SlopeRest);
        V m = S.Broadcast(mean), zsv = S.Broadcast(zs), zrv = S.Broadcast(zr);
        V xuv = S.Broadcast(xu), xsv = S.Broadcast(xs), xdv = S.Broadcast(xd), xrv = S.Broadcast(xr);
        V suv = S.Broadcast(su), sdv = S.Broadcast(sd), srv = S.Broadcast(sr);
        for (; i + w <= area; i += w)
        {
            V d = S.Subtract(S.Load(x + i), m), a = S.Load(u + i);
            if (ofX != null)
                S.Store(S.MultiplyAdd(a, xuv, S.MultiplyAdd(S.Load(slope + i), xsv, S.MultiplyAdd(d, xdv, xrv))), ofX + i);
            V z = S.MultiplyAdd(d, zsv, zrv);
            S.Store(S.WherePositive(z, S.MultiplyAdd(a, suv, S.MultiplyAdd(d, sdv, srv))), slope + i);
        }
        for (; i < area; i++)
        {
            T d = x[i] - mean;
            if (ofX != null)
                ofX[i] = FusedArithmetic.MultiplyAdd(u[i], xu, FusedArithmetic.MultiplyAdd(slope[i], xs, FusedArithmetic.MultiplyAdd(d, xd, xr)));
            slope[i] = FusedArithmetic.MultiplyAdd(d, zs, zr) > T.Zero
                ? FusedArithmetic.MultiplyAdd(u[i], su, FusedArithmetic.MultiplyAdd(d, sd, sr))
                : T.Zero;
        }
    }
}
