using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>Kernels on rows of matrices, on chosen rows, and on images seen through affine maps.</summary>
internal static class DeviceRowKernels
{
    /// <summary>A group a row.</summary>
    public static void LogSoftmax<T, X>(ArrayView<T> x, ArrayView<T> y, int columns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        int start = Grid.IdxX * columns;
        T most = Largest(SharedMemory.Allocate<T>(ReductionKernels.MostThreads), x, start, columns);
        T log = DeviceIntrinsics.Here(
            X.Log(Exponentials<T, X>(SharedMemory.Allocate<X>(ReductionKernels.MostThreads), x, start, columns, most)));
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
            y[start + i] = LogP<T, X>(x[start + i], most, log);
    }

    /// <summary>A group a row: partial[row] = −Σ q·log softmax(z), 0·log 0 being 0.</summary>
    public static void CrossEntropy<T, X>(ArrayView<T> logits, ArrayView<T> labels, ArrayView<X> partial, int columns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        ArrayView<X> shared = SharedMemory.Allocate<X>(ReductionKernels.MostThreads);
        int start = Grid.IdxX * columns;
        T most = Largest(SharedMemory.Allocate<T>(ReductionKernels.MostThreads), logits, start, columns);
        T log = DeviceIntrinsics.Here(X.Log(Exponentials<T, X>(shared, logits, start, columns, most)));
        X sum = X.Of(T.Zero);
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
        {
            T weight = labels[start + i], logP = LogP<T, X>(logits[start + i], most, log);
            sum = X.PlusProduct(sum, -weight, Finite(weight, logP));
        }
        sum = ReductionKernels.GroupSum(shared, sum);
        if (Group.IdxX == 0)
            partial[Grid.IdxX] = sum;
    }

    /// <summary>A group a row: dlogits = dy/rows·((Σ q)·softmax(z) − q) and dlabels = −dy/rows·log softmax(z), each
    /// where it is asked for.</summary>
    public static void CrossEntropyGradient<T, X>(
        ArrayView<T> logits, ArrayView<T> labels, ArrayView<T> dy, ArrayView<T> dlogits, ArrayView<T> dlabels,
        int rows, int columns, int needsLogits, int needsLabels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        ArrayView<X> shared = SharedMemory.Allocate<X>(ReductionKernels.MostThreads);
        int start = Grid.IdxX * columns;
        T most = Largest(SharedMemory.Allocate<T>(ReductionKernels.MostThreads), logits, start, columns);
        X total = Exponentials<T, X>(shared, logits, start, columns, most), mass = X.Of(T.Zero);
        T log = DeviceIntrinsics.Here(X.Log(total));
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
            mass = X.Plus(mass, labels[start + i]);
        mass = ReductionKernels.GroupSum(shared, mass);
        T scale = DeviceIntrinsics.Here(X.Round(X.Quotient(X.Of(dy[0]), X.OfWhole(rows))));
        T share = DeviceIntrinsics.Here(scale / X.Round(total));
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
        {
            // (Σ q)·e − q·Σ e before it is divided: what is left of nearly equal numbers keeps its bits.
            X product = X.Product(mass, X.Of(Exponential<T, X>(logits[start + i], most)));
            X rest = product + X.Negative(X.Product(X.Of(labels[start + i]), total));
            T logP = LogP<T, X>(logits[start + i], most, log);
            if (needsLogits != 0)
                dlogits[start + i] = share * X.Round(rest);
            if (needsLabels != 0)
                dlabels[start + i] = -scale * Finite(scale, logP);
        }
    }

    // log p, or 0 where the weight before it is 0 and p, too: 0·log 0 is 0.
    private static T Finite<T>(T weight, T logP) where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        weight == T.Zero && logP == T.NegativeInfinity ? T.Zero : logP;

    private static T LogP<T, X>(T x, T most, T log)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T> =>
        X.Round(X.Plus(X.Difference(x, most), -log));

    private static T Exponential<T, X>(T x, T most)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T> =>
        X.Exp(X.Difference(x, most));

    // The largest number of a row, found in the same order as a sum.
    private static T Largest<T>(ArrayView<T> shared, ArrayView<T> x, int start, int columns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int t = Group.IdxX;
        T most = T.NegativeInfinity;
        for (int i = t; i < columns; i += Group.DimX)
        {
            T v = x[start + i];
            most = v > most ? v : most;
        }
        shared[t] = most;
        Group.Barrier();
        for (int half = Group.DimX >> 1; half > 0; half >>= 1)
        {
            if (t < half && shared[t + half] > shared[t])
                shared[t] = shared[t + half];
            Group.Barrier();
        }
        most = shared[0];
        Group.Barrier();
        return most;
    }

    // Σ exp(x − most).
    private static X Exponentials<T, X>(ArrayView<X> shared, ArrayView<T> x, int start, int columns, T most)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        X sum = X.Of(T.Zero);
        for (int i = Group.IdxX; i < columns; i += Group.DimX)
            sum = X.Plus(sum, Exponential<T, X>(x[start + i], most));
        return ReductionKernels.GroupSum(shared, sum);
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
        int to = i / row, within = DeviceIntrinsics.Here(i - to * row), last = starts[to + 1];
        T sum = T.Zero;
        for (int k = starts[to]; k < last; k++)
            sum += dy[sources[k] * row + within];
        dx[i] = sum;
    }

    public static void AffineSample<T, N>(ArrayView<T> x, ArrayView<T> transforms, ArrayView<T> y, ImageSizes<T> s)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    {
        int o = Grid.GlobalIndex.X;
        if ((uint)o >= (uint)s.Count)
            return;
        int line = o / s.W, plane = line / s.H, n = plane / s.C;
        T u = N.Of(o - line * s.W) - s.CentreX, v = N.Of(line - plane * s.H) - s.CentreY;
        T sourceX = Along(transforms, n * 6, u, v) + s.CentreX;
        T sourceY = Along(transforms, n * 6 + 3, u, v) + s.CentreY;
        int left = N.Floor(sourceX), top = N.Floor(sourceY);
        T fx = sourceX - N.Of(left), fy = sourceY - N.Of(top);
        int start = plane * s.H * s.W;
        T sum = Corner(x, s, start, top, left, (T.One - fy) * (T.One - fx));
        sum += Corner(x, s, start, top, left + 1, (T.One - fy) * fx);
        sum += Corner(x, s, start, top + 1, left, fy * (T.One - fx));
        sum += Corner(x, s, start, top + 1, left + 1, fy * fx);
        y[o] = sum;
    }

    /// <summary>
    /// Each element of dx asks the outputs that may have sampled it, which lie in the image of its neighbourhood under
    /// the inverse map; in all outputs where the map has no inverse.
    /// </summary>
    public static void AffineSampleGradient<T, N>(
        ArrayView<T> dy, ArrayView<T> transforms, ArrayView<T> dx, ImageSizes<T> s)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where N : struct, IDeviceNumbers<T>
    {
        int i = Grid.GlobalIndex.X;
        if ((uint)i >= (uint)s.Count)
            return;
        int line = i / s.W, plane = line / s.H, a = plane / s.C * 6;
        int column = i - line * s.W, row = line - plane * s.H;
        T xx = transforms[a], xy = transforms[a + 1], dxShift = transforms[a + 2];
        T yx = transforms[a + 3], yy = transforms[a + 4], dyShift = transforms[a + 5];
        T determinant = xx * yy - xy * yx, size = Abs(determinant);
        int firstX = 0, lastX = s.W - 1, firstY = 0, lastY = s.H - 1;
        if (size * N.Of(1000000) > T.One)
        {
            T p = N.Of(column) - s.CentreX - dxShift, q = N.Of(row) - s.CentreY - dyShift;
            T middleX = (yy * p - xy * q) / determinant + s.CentreX;
            T middleY = (xx * q - yx * p) / determinant + s.CentreY;
            T reachX = (Abs(yy) + Abs(xy)) / size + T.One, reachY = (Abs(xx) + Abs(yx)) / size + T.One;
            firstX = Largest(firstX, N.Floor(middleX - reachX));
            lastX = Smallest(lastX, N.Floor(middleX + reachX) + 1);
            firstY = Largest(firstY, N.Floor(middleY - reachY));
            lastY = Smallest(lastY, N.Floor(middleY + reachY) + 1);
        }
        (firstX, lastX) = (DeviceIntrinsics.Here(firstX), DeviceIntrinsics.Here(lastX));
        (firstY, lastY) = (DeviceIntrinsics.Here(firstY), DeviceIntrinsics.Here(lastY));
        int image = DeviceIntrinsics.Here(plane * s.H), ofColumn = DeviceIntrinsics.Here(column), ofRow = DeviceIntrinsics.Here(row);
        T sum = T.Zero;
        for (int h = firstY; h <= lastY; h++)
        {
            for (int w = firstX; w <= lastX; w++)
            {
                T u = N.Of(w) - s.CentreX, v = N.Of(h) - s.CentreY;
                T wx = T.One - Abs(Along(xx, xy, dxShift, u, v) + s.CentreX - N.Of(ofColumn));
                T wy = T.One - Abs(Along(yx, yy, dyShift, u, v) + s.CentreY - N.Of(ofRow));
                if (wx > T.Zero && wy > T.Zero)
                    sum += wx * wy * dy[(image + h) * s.W + w];
            }
        }
        dx[i] = sum;
    }

    private static T Along<T>(ArrayView<T> transforms, int at, T u, T v)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Along(transforms[at], transforms[at + 1], transforms[at + 2], u, v);

    private static T Along<T>(T ofX, T ofY, T shift, T u, T v) where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        DeviceIntrinsics.MultiplyAdd(ofX, u, DeviceIntrinsics.MultiplyAdd(ofY, v, shift));

    // A weight of 0 takes nothing, not even from an infinity.
    private static T Corner<T>(ArrayView<T> x, ImageSizes<T> s, int start, int row, int column, T weight)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T value = T.Zero;
        if ((uint)row < (uint)s.H && (uint)column < (uint)s.W && weight != T.Zero)
            value = weight * x[start + row * s.W + column];
        return value;
    }

    private static T Abs<T>(T x) where T : unmanaged, INumber<T> => x < T.Zero ? -x : x;

    private static int Largest(int a, int b) => a > b ? a : b;

    private static int Smallest(int a, int b) => a < b ? a : b;
}

/// <summary>The sizes of images that are sampled.</summary>
internal struct ImageSizes<T> where T : unmanaged
{
    public int Count, C, H, W;
    public T CentreX, CentreY;
}
