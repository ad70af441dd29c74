using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>The sizes of pooled planes and of the norm in front of them; Share is one over the elements of a window.</summary>
internal struct PlaneSizes
{
    public int Planes, C, H, W, Window, OutH, OutW;
    public double Epsilon, Share;
    public Divisor ByH, ByW, ByWindow, ByOutH, ByOutW;
}

/// <summary>Which sums over planes are asked for, as 0 or 1.</summary>
internal struct WantedSums
{
    public int Gamma, Beta;
}

/// <summary>Pooling, and the block of instance norm, ReLU and pooling in one pass.</summary>
internal static class PlaneKernels
{
    public static void AvgPool<T, N>(ArrayView<T> x, ArrayView<T> y, PlaneSizes s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int o = Grid.GlobalIndex.X;
        if ((uint)o >= (uint)(s.Planes * s.OutH * s.OutW))
            return;
        int row = s.ByOutW.Quotient(o), plane = s.ByOutH.Quotient(row);
        int start = (plane * s.H + (row - plane * s.OutH) * s.Window) * s.W + (o - row * s.OutW) * s.Window;
        double sum = 0;
        for (int i = 0; i < s.Window; i++)
        {
            for (int j = 0; j < s.Window; j++)
                sum += N.Wide(x[start + i * s.W + j]);
        }
        y[o] = N.Narrow(sum * s.Share);
    }

    public static void AvgPoolGradient<T, N>(ArrayView<T> dy, ArrayView<T> dx, PlaneSizes s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)(s.Planes * s.H * s.W))
            return;
        int row = s.ByW.Quotient(i), plane = s.ByH.Quotient(row);
        int h = s.ByWindow.Quotient(row - plane * s.H), w = s.ByWindow.Quotient(i - row * s.W);
        T value = T.Zero;
        if (h < s.OutH && w < s.OutW)
            value = dy[(plane * s.OutH + h) * s.OutW + w] * N.Narrow(s.Share);
        dx[i] = value;
    }

    /// <summary>A thread an output: the element of v where its window of x is largest.</summary>
    public static void MaxPool<T>(ArrayView<T> x, ArrayView<T> v, ArrayView<T> y, PlaneSizes s)
        where T : unmanaged, INumber<T>
    {
        int o = Grid.GlobalIndex.X;
        if ((uint)o >= (uint)(s.Planes * s.OutH * s.OutW))
            return;
        int row = s.ByOutW.Quotient(o), plane = s.ByOutH.Quotient(row);
        y[o] = v[Largest(x, s, plane, row - plane * s.OutH, o - row * s.OutW)];
    }

    /// <summary>A thread an input, which looks whether it is the largest of its window: nothing is added up.</summary>
    public static void MaxPoolGradient<T>(ArrayView<T> x, ArrayView<T> dy, ArrayView<T> dx, PlaneSizes s)
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
    private static int Largest<T>(ArrayView<T> x, PlaneSizes s, int plane, int h, int w) where T : unmanaged, INumber<T>
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
        ArrayView<T> x, ArrayView<T> gamma, ArrayView<T> beta, ArrayView<T> y, PlaneSizes s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(ReductionKernels.MostThreads);
        int plane = Grid.IdxX, size = s.H * s.W, start = plane * size;
        double mean = Mean<T, N>(shared, x, start, size);
        double scale = InverseDeviation<T, N>(shared, x, start, size, mean, s.Epsilon);
        double slope = N.Wide(gamma[plane % s.C]) * scale, shift = N.Wide(beta[plane % s.C]);
        for (int o = Group.IdxX; o < s.OutH * s.OutW; o += Group.DimX)
        {
            int row = s.ByOutW.Quotient(o), corner = start + row * s.Window * s.W + (o - row * s.OutW) * s.Window;
            double sum = 0;
            for (int i = 0; i < s.Window; i++)
            {
                for (int j = 0; j < s.Window; j++)
                {
                    double z = slope * (N.Wide(x[corner + i * s.W + j]) - mean) + shift;
                    sum += z < 0 ? 0 : z;
                }
            }
            y[plane * s.OutH * s.OutW + o] = N.Narrow(sum * s.Share);
        }
    }

    /// <summary>
    /// A group a plane: dx = γ/σ·(dz − mean(dz) − x̂·mean(dz·x̂)) where dx is asked for, and the plane's share of dγ
    /// and dβ.
    /// </summary>
    public static void NormReluPoolGradient<T, N>(
        ArrayView<T> x, ArrayView<T> gamma, ArrayView<T> beta, ArrayView<T> dy, ArrayView<T> dx,
        ArrayView<double> dgamma, ArrayView<double> dbeta, PlaneSizes s, int needsInput)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(ReductionKernels.MostThreads);
        int plane = Grid.IdxX, size = s.H * s.W, start = plane * size, from = plane * s.OutH * s.OutW;
        double mean = Mean<T, N>(shared, x, start, size);
        double scale = InverseDeviation<T, N>(shared, x, start, size, mean, s.Epsilon);
        double g = N.Wide(gamma[plane % s.C]), b = N.Wide(beta[plane % s.C]);
        double sum = 0, sumNormal = 0;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            double normal = (N.Wide(x[start + i]) - mean) * scale;
            double dz = Received<T, N>(dy, s, from, i, g * normal + b);
            sum += dz;
            sumNormal += dz * normal;
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
        double share = sum / size, normalShare = sumNormal / size;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            double normal = (N.Wide(x[start + i]) - mean) * scale;
            double dz = Received<T, N>(dy, s, from, i, g * normal + b);
            dx[start + i] = N.Narrow(g * scale * (dz - share - normal * normalShare));
        }
    }

    /// <summary>A group a channel: dγ[c] and dβ[c], each where it is asked for, are the sums over the images of their
    /// shares, first those of γ [N, C], then those of β.</summary>
    public static void SumOfPlanes<T, N>(
        ArrayView<double> shares, ArrayView<T> dgamma, ArrayView<T> dbeta, int channels, int images, WantedSums wanted)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(ReductionKernels.MostThreads);
        int c = Grid.IdxX;
        double ofGamma = 0, ofBeta = 0;
        for (int n = Group.IdxX; n < images; n += Group.DimX)
        {
            ofGamma += shares[n * channels + c];
            ofBeta += shares[(images + n) * channels + c];
        }
        ofGamma = ReductionKernels.GroupSum(shared, ofGamma);
        ofBeta = ReductionKernels.GroupSum(shared, ofBeta);
        if (Group.IdxX == 0 && wanted.Gamma != 0)
            dgamma[c] = N.Narrow(ofGamma);
        if (Group.IdxX == 0 && wanted.Beta != 0)
            dbeta[c] = N.Narrow(ofBeta);
    }

    // dz of element i of the plane: its window's cotangent, where the ReLU saw z > 0 and a window reaches.
    private static double Received<T, N>(ArrayView<T> dy, PlaneSizes s, int from, int i, double z)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int row = s.ByW.Quotient(i), h = s.ByWindow.Quotient(row), w = s.ByWindow.Quotient(i - row * s.W);
        double value = 0;
        if (z > 0 && h < s.OutH && w < s.OutW)
            value = N.Wide(dy[from + h * s.OutW + w]) * s.Share;
        return value;
    }

    private static double Mean<T, N>(ArrayView<double> shared, ArrayView<T> x, int start, int size)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        double sum = 0;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
            sum += N.Wide(x[start + i]);
        return ReductionKernels.GroupSum(shared, sum) / size;
    }

    private static double InverseDeviation<T, N>(
        ArrayView<double> shared, ArrayView<T> x, int start, int size, double mean, double epsilon)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        double sum = 0;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            double d = N.Wide(x[start + i]) - mean;
            sum += d * d;
        }
        return 1 / Math.Sqrt(ReductionKernels.GroupSum(shared, sum) / size + epsilon);
    }
}
