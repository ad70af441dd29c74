using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Kernels on rows of matrices, on chosen rows, and on images seen through affine maps.</summary>
internal static class DeviceRowKernels
{
    /// <summary>A group a row.</summary>
    public static void LogSoftmax<T, N>(ArrayView<T> x, ArrayView<T> y, int columns)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(ReductionKernels.MostThreads);
        int start = Grid.IdxX * columns;
        double most = Largest<T, N>(shared, x, start, columns), log = LogOfSum<T, N>(shared, x, start, columns, most);
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
            y[start + i] = N.Narrow(N.Wide(x[start + i]) - most - log);
    }

    /// <summary>A group a row: partial[row] = −Σ q·log softmax(z), 0·log 0 being 0.</summary>
    public static void CrossEntropy<T, N>(
        ArrayView<T> logits, ArrayView<T> labels, ArrayView<double> partial, int columns)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(ReductionKernels.MostThreads);
        int start = Grid.IdxX * columns;
        double most = Largest<T, N>(shared, logits, start, columns);
        double log = LogOfSum<T, N>(shared, logits, start, columns, most), sum = 0;
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
            sum -= Weighted(N.Wide(labels[start + i]), N.Wide(logits[start + i]) - most - log);
        sum = ReductionKernels.GroupSum(shared, sum);
        if (Group.IdxX == 0)
            partial[Grid.IdxX] = sum;
    }

    /// <summary>A group a row: dlogits = dy/rows·((Σ q)·softmax(z) − q) and dlabels = −dy/rows·log softmax(z), each
    /// where it is asked for.</summary>
    public static void CrossEntropyGradient<T, N>(
        ArrayView<T> logits, ArrayView<T> labels, ArrayView<T> dy, ArrayView<T> dlogits, ArrayView<T> dlabels,
        int rows, int columns, int needsLogits, int needsLabels)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        ArrayView<double> shared = SharedMemory.Allocate<double>(ReductionKernels.MostThreads);
        int start = Grid.IdxX * columns;
        double most = Largest<T, N>(shared, logits, start, columns);
        double log = LogOfSum<T, N>(shared, logits, start, columns, most), mass = 0;
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
            mass += N.Wide(labels[start + i]);
        mass = ReductionKernels.GroupSum(shared, mass);
        double scale = N.Wide(dy[0]) / rows;
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
        {
            double logP = N.Wide(logits[start + i]) - most - log;
            if (needsLogits != 0)
                dlogits[start + i] = N.Narrow(scale * (mass * Float64Numbers.Exp(logP) - N.Wide(labels[start + i])));
            if (needsLabels != 0)
                dlabels[start + i] = N.Narrow(-Weighted(scale, logP));
        }
    }

    // weight·log p; 0·log 0 is 0.
    private static double Weighted(double weight, double logP)
    {
        double product = 0;
        if (weight != 0 || logP != double.NegativeInfinity)
            product = weight * logP;
        return product;
    }

    // The largest number of a row, found in the same order as a sum.
    private static double Largest<T, N>(ArrayView<double> shared, ArrayView<T> x, int start, int columns)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int t = Group.IdxX;
        double most = double.NegativeInfinity;
        for (int i = t; i < columns; i += Group.DimX)
        {
            double v = N.Wide(x[start + i]);
            most = v > most ? v : most;
        }
        shared[t] = most;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (t < half && shared[t + half] > shared[t])
                shared[t] = shared[t + half];
            Group.Barrier();
        }
        most = shared[0];
        Group.Barrier();
        return most;
    }

    // log Σ exp(x − most).
    private static double LogOfSum<T, N>(ArrayView<double> shared, ArrayView<T> x, int start, int columns, double most)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        double sum = 0;
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
            sum += Float64Numbers.Exp(N.Wide(x[start + i]) - most);
        return Float64Numbers.Log(ReductionKernels.GroupSum(shared, sum));
    }

    public static void GatherRows<T>(ArrayView<T> x, ArrayView<int> indices, ArrayView<T> y, int row, int count)
        where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)count)
            return;
        int to = i / row;
        y[i] = x[indices[to] * row + i - to * row];
    }

    /// <summary>
    /// Each element of dx adds up the rows that were gathered from its row: sources[starts[r] .. starts[r + 1]], in
    /// order.
    /// </summary>
    public static void ScatterRows<T>(
        ArrayView<T> dy, ArrayView<int> starts, ArrayView<int> sources, ArrayView<T> dx, int row, int count)
        where T : unmanaged, INumber<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)count)
            return;
        int to = i / row, last = starts[to + 1];
        T sum = T.Zero;
        for (int k = starts[to]; k < last; k++)
            sum += dy[sources[k] * row + i - to * row];
        dx[i] = sum;
    }

    public static void AffineSample<T, N>(ArrayView<T> x, ArrayView<T> transforms, ArrayView<T> y, ImageSizes s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int o = Grid.GlobalIndex.X;
        if ((uint)o >= (uint)s.Count)
            return;
        int line = o / s.W, plane = line / s.H, n = plane / s.C;
        double u = o - line * s.W - s.CentreX, v = line - plane * s.H - s.CentreY;
        double sourceX = Along<T, N>(transforms, n * 6, u, v) + s.CentreX;
        double sourceY = Along<T, N>(transforms, n * 6 + 3, u, v) + s.CentreY;
        int left = Floor(sourceX), top = Floor(sourceY);
        double fx = sourceX - left, fy = sourceY - top;
        int start = plane * s.H * s.W;
        double sum = Corner<T, N>(x, s, start, top, left, (1 - fy) * (1 - fx));
        sum += Corner<T, N>(x, s, start, top, left + 1, (1 - fy) * fx);
        sum += Corner<T, N>(x, s, start, top + 1, left, fy * (1 - fx));
        sum += Corner<T, N>(x, s, start, top + 1, left + 1, fy * fx);
        y[o] = N.Narrow(sum);
    }

    /// <summary>
    /// Each element of dx asks the outputs that may have sampled it, which lie in the image of its neighbourhood under
    /// the inverse map; in all outputs where the map has no inverse.
    /// </summary>
    public static void AffineSampleGradient<T, N>(
        ArrayView<T> dy, ArrayView<T> transforms, ArrayView<T> dx, ImageSizes s)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)s.Count)
            return;
        int line = i / s.W, plane = line / s.H, a = plane / s.C * 6;
        int column = i - line * s.W, row = line - plane * s.H;
        double xx = N.Wide(transforms[a]), xy = N.Wide(transforms[a + 1]), dxShift = N.Wide(transforms[a + 2]);
        double yx = N.Wide(transforms[a + 3]), yy = N.Wide(transforms[a + 4]), dyShift = N.Wide(transforms[a + 5]);
        double determinant = xx * yy - xy * yx, size = determinant < 0 ? -determinant : determinant;
        int firstX = 0, lastX = s.W - 1, firstY = 0, lastY = s.H - 1;
        if (size > 1e-6)
        {
            double p = column - s.CentreX - dxShift, q = row - s.CentreY - dyShift;
            double middleX = (yy * p - xy * q) / determinant + s.CentreX;
            double middleY = (xx * q - yx * p) / determinant + s.CentreY;
            double reachX = (Abs(yy) + Abs(xy)) / size + 1, reachY = (Abs(xx) + Abs(yx)) / size + 1;
            firstX = Largest(firstX, Floor(middleX - reachX));
            lastX = Smallest(lastX, Floor(middleX + reachX) + 1);
            firstY = Largest(firstY, Floor(middleY - reachY));
            lastY = Smallest(lastY, Floor(middleY + reachY) + 1);
        }
        double sum = 0;
        for (int h = firstY; h <= lastY; h++)
        {
            for (int w = firstX; w <= lastX; w++)
            {
                double u = w - s.CentreX, v = h - s.CentreY;
                double wx = 1 - Abs(xx * u + xy * v + dxShift + s.CentreX - column);
                double wy = 1 - Abs(yx * u + yy * v + dyShift + s.CentreY - row);
                if (wx > 0 && wy > 0)
                    sum += wx * wy * N.Wide(dy[(plane * s.H + h) * s.W + w]);
            }
        }
        dx[i] = N.Narrow(sum);
    }

    private static double Along<T, N>(ArrayView<T> transforms, int at, double u, double v)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T> =>
        N.Wide(transforms[at]) * u + N.Wide(transforms[at + 1]) * v + N.Wide(transforms[at + 2]);

    // A weight of 0 takes nothing, not even from an infinity.
    private static double Corner<T, N>(ArrayView<T> x, ImageSizes s, int start, int row, int column, double weight)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        double value = 0;
        if ((uint)row < (uint)s.H && (uint)column < (uint)s.W && weight != 0)
            value = weight * N.Wide(x[start + row * s.W + column]);
        return value;
    }

    // Bounded before the conversion: what a device makes of a number beyond the integers is its own affair.
    private static int Floor(double x)
    {
        double bounded = x > 1e9 ? 1e9 : x < -1e9 ? -1e9 : x;
        int whole = (int)bounded;
        return whole > bounded ? whole - 1 : whole;
    }

    private static double Abs(double x) => x < 0 ? -x : x;

    private static int Largest(int a, int b) => a > b ? a : b;

    private static int Smallest(int a, int b) => a < b ? a : b;
}

/// <summary>The sizes of images that are sampled.</summary>
internal struct ImageSizes
{
    public int Count, C, H, W;
    public double CentreX, CentreY;
}
