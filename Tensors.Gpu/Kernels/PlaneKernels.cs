using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>The sizes of pooled planes and of the norm in front of them; Share is one over the elements of a window.</summary>
internal struct PlaneSizes<T> where T : unmanaged
{
    public int Planes, C, H, W, Window, OutH, OutW;
    public T Epsilon, Share;
    public Divisor ByH, ByW, ByWindow, ByOutH, ByOutW;
}

/// <summary>Which sums over planes are asked for, as 0 or 1.</summary>
internal struct WantedSums
{
    public int Gamma, Beta;
}

/// <summary>The mean of a plane as Mean + Rest, and one over its deviation.</summary>
internal struct PlaneMoments<T> where T : unmanaged
{
    public T Mean, Rest, Scale;
}

/// <summary>What the adjoint of a gradient reads: x, γ, β and dy, and the cotangents of dx, dγ and dβ.</summary>
internal struct SecondInputs<T> where T : unmanaged
{
    public ArrayView<T> X, Gamma, Beta, Dy, U, OfGamma, OfBeta;
}

/// <summary>Which of its results are asked for, as 0 or 1.</summary>
internal struct WantedSecond
{
    public int X, Dy;
}

/// <summary>Pooling, and the block of instance norm, ReLU and pooling in one pass.</summary>
internal static class PlaneKernels
{
    public static void AvgPool<T>(ArrayView<T> x, ArrayView<T> y, PlaneSizes<T> s)
        where T : unmanaged, INumber<T>
    {
        int o = Grid.GlobalIndex.X;
        if ((uint)o >= (uint)(s.Planes * s.OutH * s.OutW))
            return;
        int row = s.ByOutW.Quotient(o), plane = s.ByOutH.Quotient(row);
        int start = (plane * s.H + (row - plane * s.OutH) * s.Window) * s.W + (o - row * s.OutW) * s.Window;
        T sum = T.Zero;
        for (int i = 0; i < s.Window; i++)
        {
            for (int j = 0; j < s.Window; j++)
                sum += x[start + i * s.W + j];
        }
        y[o] = sum * s.Share;
    }

    public static void AvgPoolGradient<T>(ArrayView<T> dy, ArrayView<T> dx, PlaneSizes<T> s)
        where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)(s.Planes * s.H * s.W))
            return;
        int row = s.ByW.Quotient(i), plane = s.ByH.Quotient(row);
        int h = s.ByWindow.Quotient(row - plane * s.H), w = s.ByWindow.Quotient(i - row * s.W);
        T value = T.Zero;
        if (h < s.OutH && w < s.OutW)
            value = dy[(plane * s.OutH + h) * s.OutW + w] * s.Share;
        dx[i] = value;
    }

    /// <summary>A thread an output: the element of v where its window of x is largest.</summary>
    public static void MaxPool<T>(ArrayView<T> x, ArrayView<T> v, ArrayView<T> y, PlaneSizes<T> s)
        where T : unmanaged, INumber<T>
    {
        int o = Grid.GlobalIndex.X;
        if ((uint)o >= (uint)(s.Planes * s.OutH * s.OutW))
            return;
        int row = s.ByOutW.Quotient(o), plane = s.ByOutH.Quotient(row);
        y[o] = v[Largest(x, s, plane, row - plane * s.OutH, o - row * s.OutW)];
    }

    /// <summary>A thread an input, which looks whether it is the largest of its window: nothing is added up.</summary>
    public static void MaxPoolGradient<T>(ArrayView<T> x, ArrayView<T> dy, ArrayView<T> dx, PlaneSizes<T> s)
        where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)(s.Planes * s.H * s.W))
            return;
        int row = s.ByW.Quotient(i), plane = s.ByH.Quotient(row);
        int h = s.ByWindow.Quotient(row - plane * s.H), w = s.ByWindow.Quotient(i - row * s.W);
        T value = T.Zero;
        if (h < s.OutH && w < s.OutW && Largest(x, s, plane, h, w) == i)
            value = dy[(plane * s.OutH + h) * s.OutW + w];
        dx[i] = value;
    }

    // Where window (h, w) of a plane of x is largest: the first of equal ones, or the first NaN.
    private static int Largest<T>(ArrayView<T> x, PlaneSizes<T> s, int plane, int h, int w) where T : unmanaged, INumber<T>
    {
        int start = (plane * s.H + h * s.Window) * s.W + w * s.Window, best = start;
        for (int i = 0; i < s.Window; i++)
        {
            for (int j = 0; j < s.Window; j++)
            {
                int at = start + i * s.W + j;
                T candidate = x[at], largest = x[best];
                if (candidate > largest || (T.IsNaN(candidate) && !T.IsNaN(largest)))
                    best = at;
            }
        }
        return best;
    }

    /// <summary>A group a plane: mean, variance, then each window's mean of what the ReLU lets through.</summary>
    public static void NormReluPool<T, N>(
        ArrayView<T> x, ArrayView<T> gamma, ArrayView<T> beta, ArrayView<T> y, PlaneSizes<T> s)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<T> shared = SharedMemory.Allocate<T>(ReductionKernels.MostThreads);
        int plane = Grid.IdxX, size = s.H * s.W, start = plane * size, c = plane % s.C;
        PlaneMoments<T> m = Moments<T, N>(shared, x, start, size, s.Epsilon);
        T slope = DeviceIntrinsics.Here(gamma[c] * m.Scale), shift = beta[c];
        for (int o = Group.IdxX; o < s.OutH * s.OutW; o += Group.DimX)
        {
            int row = s.ByOutW.Quotient(o), corner = start + row * s.Window * s.W + (o - row * s.OutW) * s.Window;
            T sum = T.Zero;
            for (int i = 0; i < s.Window; i++)
            {
                for (int j = 0; j < s.Window; j++)
                {
                    T z = DeviceIntrinsics.MultiplyAdd(slope, x[corner + i * s.W + j] - m.Mean - m.Rest, shift);
                    sum += z < T.Zero ? T.Zero : z;
                }
            }
            y[plane * s.OutH * s.OutW + o] = sum * s.Share;
        }
    }

    /// <summary>
    /// A group a plane: dx = γ/σ·(dz − mean(dz) − x̂·mean(dz·x̂)) where dx is asked for, and the plane's share of dγ
    /// and dβ.
    /// </summary>
    public static void NormReluPoolGradient<T, N>(
        ArrayView<T> x, ArrayView<T> gamma, ArrayView<T> beta, ArrayView<T> dy, ArrayView<T> dx,
        ArrayView<T> dgamma, ArrayView<T> dbeta, PlaneSizes<T> s, int needsInput)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<T> shared = SharedMemory.Allocate<T>(ReductionKernels.MostThreads);
        int plane = Grid.IdxX, size = s.H * s.W, start = plane * size, from = plane * s.OutH * s.OutW, c = plane % s.C;
        PlaneMoments<T> m = Moments<T, N>(shared, x, start, size, s.Epsilon);
        T g = gamma[c], b = beta[c], sum = T.Zero, sumNormal = T.Zero;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            T normal = (x[start + i] - m.Mean - m.Rest) * m.Scale;
            T dz = Received(dy, s, from, i, DeviceIntrinsics.MultiplyAdd(g, normal, b));
            sum += dz;
            sumNormal = DeviceIntrinsics.MultiplyAdd(dz, normal, sumNormal);
        }
        sum = ReductionKernels.GroupSum(shared, sum);
        sumNormal = ReductionKernels.GroupSum(shared, sumNormal);
        if (Group.IdxX == 0)
        {
            dgamma[plane] = sumNormal;
            dbeta[plane] = sum;
        }
        if (needsInput == 0)
            return;
        T share = DeviceIntrinsics.Here(sum / N.Of(size)), normalShare = DeviceIntrinsics.Here(sumNormal / N.Of(size));
        T factor = DeviceIntrinsics.Here(g * m.Scale);
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            T normal = (x[start + i] - m.Mean - m.Rest) * m.Scale;
            T dz = Received(dy, s, from, i, DeviceIntrinsics.MultiplyAdd(g, normal, b));
            dx[start + i] = factor * DeviceIntrinsics.MultiplyAdd(-normal, normalShare, dz - share);
        }
    }

    /// <summary>
    /// A group a plane: the adjoint of the gradient. With e, the slope of ⟨u, dx⟩ + ⟨v, dγ⟩ in x̂, and t = ⟨u, dx⟩·σ/γ it is
    /// x̄ = (e − mean(e) − x̂·(mean(e·x̂) + γ·t/(σ·size)))/σ. The plane's share of γ̄ is t/σ, that of β̄ is 0.
    /// </summary>
    public static void NormReluPoolSecond<T, N>(
        SecondInputs<T> at, ArrayView<T> ofX, ArrayView<T> shares, ArrayView<T> ofDy, PlaneSizes<T> s, WantedSecond wanted)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<T> shared = SharedMemory.Allocate<T>(ReductionKernels.MostThreads);
        int plane = Grid.IdxX, size = s.H * s.W, start = plane * size, from = plane * s.OutH * s.OutW, c = plane % s.C;
        PlaneMoments<T> m = Moments<T, N>(shared, at.X, start, size, s.Epsilon);
        T gamma = at.Gamma[c], beta = at.Beta[c], count = N.Of(size);
        T z1 = T.Zero, zn = T.Zero, u1 = T.Zero, un = T.Zero, uz = T.Zero;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            T normal = (at.X[start + i] - m.Mean - m.Rest) * m.Scale, u = at.U[start + i];
            T dz = Received(at.Dy, s, from, i, DeviceIntrinsics.MultiplyAdd(gamma, normal, beta));
            z1 += dz;
            zn = DeviceIntrinsics.MultiplyAdd(dz, normal, zn);
            u1 += u;
            un = DeviceIntrinsics.MultiplyAdd(u, normal, un);
            uz = DeviceIntrinsics.MultiplyAdd(u, dz, uz);
        }
        z1 = DeviceIntrinsics.Here(ReductionKernels.GroupSum(shared, z1) / count);
        zn = DeviceIntrinsics.Here(ReductionKernels.GroupSum(shared, zn) / count);
        u1 = DeviceIntrinsics.Here(ReductionKernels.GroupSum(shared, u1) / count);
        un = DeviceIntrinsics.Here(ReductionKernels.GroupSum(shared, un) / count);
        uz = DeviceIntrinsics.Here(ReductionKernels.GroupSum(shared, uz) / count);
        T scale = DeviceIntrinsics.Here(gamma * m.Scale), t = uz - u1 * z1 - un * zn; // over the size
        if (Group.IdxX == 0)
        {
            shares[plane] = m.Scale * t * count;
            shares[s.Planes + plane] = T.Zero;
        }
        T ofU = DeviceIntrinsics.Here(-scale * zn), v = DeviceIntrinsics.Here(at.OfGamma[c] - scale * un);
        T e1 = DeviceIntrinsics.Here(ofU * u1 + v * z1), en = DeviceIntrinsics.Here(ofU * un + v * zn + scale * t);
        for (int i = Group.IdxX; i < size && wanted.X != 0; i += Group.DimX)
        {
            T normal = (at.X[start + i] - m.Mean - m.Rest) * m.Scale;
            T dz = Received(at.Dy, s, from, i, DeviceIntrinsics.MultiplyAdd(gamma, normal, beta));
            T e = DeviceIntrinsics.MultiplyAdd(ofU, at.U[start + i], v * dz) - e1;
            ofX[start + i] = m.Scale * DeviceIntrinsics.MultiplyAdd(-normal, en, e);
        }
        if (wanted.Dy == 0)
            return;
        T rest = DeviceIntrinsics.Here(at.OfBeta[c] - scale * u1);
        for (int o = Group.IdxX; o < s.OutH * s.OutW; o += Group.DimX)
        {
            int row = s.ByOutW.Quotient(o), corner = start + row * s.Window * s.W + (o - row * s.OutW) * s.Window;
            T sum = T.Zero;
            for (int i = 0; i < s.Window; i++)
            {
                for (int j = 0; j < s.Window; j++)
                {
                    int k = corner + i * s.W + j;
                    T normal = (at.X[k] - m.Mean - m.Rest) * m.Scale;
                    T slope = DeviceIntrinsics.MultiplyAdd(scale, at.U[k], DeviceIntrinsics.MultiplyAdd(v, normal, rest));
                    sum += DeviceIntrinsics.MultiplyAdd(gamma, normal, beta) > T.Zero ? slope : T.Zero;
                }
            }
            ofDy[from + o] = sum * s.Share;
        }
    }

    /// <summary>A group a channel: dγ[c] and dβ[c], each where it is asked for, are the sums over the images of their
    /// shares, first those of γ [N, C], then those of β.</summary>
    public static void SumOfPlanes<T, X>(
        ArrayView<T> shares, ArrayView<T> dgamma, ArrayView<T> dbeta, int channels, int images, WantedSums wanted)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        ArrayView<X> shared = SharedMemory.Allocate<X>(ReductionKernels.MostThreads);
        int c = Grid.IdxX;
        X ofGamma = X.Of(T.Zero), ofBeta = X.Of(T.Zero);
        for (int n = Group.IdxX; n < images; n += Group.DimX)
        {
            ofGamma = X.Plus(ofGamma, shares[n * channels + c]);
            ofBeta = X.Plus(ofBeta, shares[(images + n) * channels + c]);
        }
        ofGamma = ReductionKernels.GroupSum(shared, ofGamma);
        ofBeta = ReductionKernels.GroupSum(shared, ofBeta);
        if (Group.IdxX == 0 && wanted.Gamma != 0)
            dgamma[c] = X.Round(ofGamma);
        if (Group.IdxX == 0 && wanted.Beta != 0)
            dbeta[c] = X.Round(ofBeta);
    }

    // dz of element i of the plane: its window's cotangent, where the ReLU saw z > 0 and a window reaches.
    private static T Received<T>(ArrayView<T> dy, PlaneSizes<T> s, int from, int i, T z)
        where T : unmanaged, INumber<T>
    {
        int row = s.ByW.Quotient(i), h = s.ByWindow.Quotient(row), w = s.ByWindow.Quotient(i - row * s.W);
        T value = T.Zero;
        if (z > T.Zero && h < s.OutH && w < s.OutW)
            value = dy[from + h * s.OutW + w] * s.Share;
        return value;
    }

    // Each thread adds few numbers, then a tree adds those of the threads. The second pass corrects the first (Chan, Golub
    // and LeVeque, "Algorithms for computing the sample variance", 1983): its sum of deviations is what rounding took from
    // the mean, so that a mean far from 0 costs the deviations nothing.
    private static PlaneMoments<T> Moments<T, N>(
        ArrayView<T> shared, ArrayView<T> x, int start, int size, T epsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    {
        T sum = T.Zero;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
            sum += x[start + i];
        T mean = DeviceIntrinsics.Here(ReductionKernels.GroupSum(shared, sum) / N.Of(size)), deviations = T.Zero, squares = T.Zero;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            T d = x[start + i] - mean;
            deviations += d;
            squares = DeviceIntrinsics.MultiplyAdd(d, d, squares);
        }
        T rest = DeviceIntrinsics.Here(ReductionKernels.GroupSum(shared, deviations) / N.Of(size));
        T variance = DeviceIntrinsics.MultiplyAdd(-rest, rest, ReductionKernels.GroupSum(shared, squares) / N.Of(size));
        variance = variance < T.Zero ? T.Zero : variance;
        return new PlaneMoments<T>
        {
            Mean = mean, Rest = rest, Scale = DeviceIntrinsics.Here(T.One / N.Sqrt(variance + epsilon)),
        };
    }
}
