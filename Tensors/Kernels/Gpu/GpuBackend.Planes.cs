using System.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

public sealed partial class GpuBackend
{
    private static PlaneSizes SizesOf(Pool2dGeometry g, double epsilon = 0) => new()
    {
        Planes = g.N * g.C, C = g.C, H = g.H, W = g.W, Window = g.Window, OutH = g.OutH, OutW = g.OutW, Epsilon = epsilon,
        Share = 1.0 / (g.Window * g.Window), ByH = By(g.H), ByW = By(g.W), ByWindow = By(g.Window), ByOutH = By(g.OutH),
        ByOutW = By(g.OutW),
    };

    // A size of 0 leaves nothing to divide.
    private static Divisor By(int size) => new(Math.Max(1, size));

    /// <inheritdoc/>
    public override void AvgPool2d(Pool2dGeometry g, Tensor x, Tensor y)
    {
        if (y.Count == 0)
            return;
        if (y.DType == DType.Float32)
        {
            _launcher.Launch(
                Groups(y.Count), Threads, PlaneKernels.AvgPool<float, Float32Numbers>, View<float>(x), View<float>(y),
                SizesOf(g));
        }
        else
        {
            _launcher.Launch(
                Groups(y.Count), Threads, PlaneKernels.AvgPool<double, Float64Numbers>, View<double>(x), View<double>(y),
                SizesOf(g));
        }
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void AvgPool2dGradient(Pool2dGeometry g, Tensor dy, Tensor dx)
    {
        if (dx.Count == 0)
            return;
        if (dx.DType == DType.Float32)
        {
            _launcher.Launch(
                Groups(dx.Count), Threads, PlaneKernels.AvgPoolGradient<float, Float32Numbers>, View<float>(dy),
                View<float>(dx), SizesOf(g));
        }
        else
        {
            _launcher.Launch(
                Groups(dx.Count), Threads, PlaneKernels.AvgPoolGradient<double, Float64Numbers>, View<double>(dy),
                View<double>(dx), SizesOf(g));
        }
        GC.KeepAlive((dy, dx));
    }

    /// <inheritdoc/>
    public override void NormReluPool(Pool2dGeometry g, double epsilon, Tensor x, Tensor gamma, Tensor beta, Tensor y)
    {
        if (y.Count == 0)
            return;
        int threads = ThreadsFor(g.H * g.W);
        if (y.DType == DType.Float32)
        {
            _launcher.Launch(
                g.N * g.C, threads, PlaneKernels.NormReluPool<float, Float32Numbers>, View<float>(x), View<float>(gamma),
                View<float>(beta), View<float>(y), SizesOf(g, epsilon));
        }
        else
        {
            _launcher.Launch(
                g.N * g.C, threads, PlaneKernels.NormReluPool<double, Float64Numbers>, View<double>(x),
                View<double>(gamma), View<double>(beta), View<double>(y), SizesOf(g, epsilon));
        }
        GC.KeepAlive((x, gamma, beta, y));
    }

    /// <inheritdoc/>
    public override void NormReluPoolGradient(
        Pool2dGeometry g, double epsilon, Tensor x, Tensor gamma, Tensor beta, Tensor dy,
        Tensor? dx, Tensor? dgamma, Tensor? dbeta)
    {
        if (x.DType == DType.Float32)
            NormReluPoolGradient<float, Float32Numbers>(g, epsilon, x, gamma, beta, dy, dx, dgamma, dbeta);
        else
            NormReluPoolGradient<double, Float64Numbers>(g, epsilon, x, gamma, beta, dy, dx, dgamma, dbeta);
    }

    private void NormReluPoolGradient<T, N>(
        Pool2dGeometry g, double epsilon, Tensor x, Tensor gamma, Tensor beta, Tensor dy,
        Tensor? dx, Tensor? dgamma, Tensor? dbeta)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int planes = g.N * g.C;
        using var shares = new GpuScratch<double>(_memory, 2 * planes);
        if (x.Count > 0)
        {
            _launcher.Launch(
                planes, ThreadsFor(g.H * g.W), PlaneKernels.NormReluPoolGradient<T, N>, View<T>(x), View<T>(gamma),
                View<T>(beta), View<T>(dy), View(dx, View<T>(x)), shares.View.SubView(0, planes),
                shares.View.SubView(planes, planes), SizesOf(g, epsilon), dx is null ? 0 : 1);
        }
        if (g.C > 0 && (dgamma is not null || dbeta is not null))
        {
            var wanted = new WantedSums { Gamma = dgamma is null ? 0 : 1, Beta = dbeta is null ? 0 : 1 };
            _launcher.Launch(
                g.C, ThreadsFor(g.N), PlaneKernels.SumOfPlanes<T, N>, shares.View, View(dgamma, View<T>(x)),
                View(dbeta, View<T>(x)), g.C, g.N, wanted);
        }
        GC.KeepAlive((x, gamma, beta, dy, dx, dgamma, dbeta));
    }

    /// <inheritdoc/>
    public override void LogSoftmax(Tensor x, Tensor y)
    {
        if (y.Count == 0)
            return;
        (int rows, int columns) = (y.Shape[0], y.Shape[1]);
        if (y.DType == DType.Float32)
        {
            _launcher.Launch(
                rows, ThreadsFor(columns), DeviceRowKernels.LogSoftmax<float, Float32Numbers>, View<float>(x),
                View<float>(y), columns);
        }
        else
        {
            _launcher.Launch(
                rows, ThreadsFor(columns), DeviceRowKernels.LogSoftmax<double, Float64Numbers>, View<double>(x),
                View<double>(y), columns);
        }
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void CrossEntropy(Tensor logits, Tensor labels, Tensor y)
    {
        if (y.DType == DType.Float32)
            CrossEntropy<float, Float32Numbers>(logits, labels, y);
        else
            CrossEntropy<double, Float64Numbers>(logits, labels, y);
    }

    private void CrossEntropy<T, N>(Tensor logits, Tensor labels, Tensor y)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        (int rows, int columns) = (logits.Shape[0], logits.Shape[1]);
        using var partial = new GpuScratch<double>(_memory, rows);
        _launcher.Launch(
            rows, ThreadsFor(columns), DeviceRowKernels.CrossEntropy<T, N>, View<T>(logits), View<T>(labels),
            partial.View, columns);
        _launcher.Launch(
            1, ThreadsFor(rows), ReductionKernels.Total<T, N>, partial.View, View<T>(y), rows, (double)rows);
        GC.KeepAlive((logits, labels, y));
    }

    /// <inheritdoc/>
    public override void CrossEntropyGradient(
        Tensor logits, Tensor labels, Tensor dy, Tensor? dlogits, Tensor? dlabels)
    {
        if (logits.DType == DType.Float32)
            CrossEntropyGradient<float, Float32Numbers>(logits, labels, dy, dlogits, dlabels);
        else
            CrossEntropyGradient<double, Float64Numbers>(logits, labels, dy, dlogits, dlabels);
    }

    private void CrossEntropyGradient<T, N>(
        Tensor logits, Tensor labels, Tensor dy, Tensor? dlogits, Tensor? dlabels)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        (int rows, int columns) = (logits.Shape[0], logits.Shape[1]);
        ArrayView<T> z = View<T>(logits);
        _launcher.Launch(
            rows, ThreadsFor(columns), DeviceRowKernels.CrossEntropyGradient<T, N>, z, View<T>(labels), View<T>(dy),
            View(dlogits, z), View(dlabels, z), rows, columns, dlogits is null ? 0 : 1, dlabels is null ? 0 : 1);
        GC.KeepAlive((logits, labels, dy, dlogits, dlabels));
    }

    /// <inheritdoc/>
    public override void GatherRows(Tensor x, ReadOnlySpan<int> indices, Tensor y)
    {
        if (y.Count == 0)
            return;
        using var chosen = new GpuScratch<int>(_memory, indices.Length);
        _staging.Upload(indices, chosen.View);
        int row = y.Count / indices.Length;
        if (y.DType == DType.Float32)
        {
            _launcher.Launch(
                Groups(y.Count), Threads, DeviceRowKernels.GatherRows<float>, View<float>(x), chosen.View, View<float>(y),
                row, y.Count);
        }
        else
        {
            _launcher.Launch(
                Groups(y.Count), Threads, DeviceRowKernels.GatherRows<double>, View<double>(x), chosen.View,
                View<double>(y), row, y.Count);
        }
        GC.KeepAlive((x, y));
    }

    /// <inheritdoc/>
    public override void ScatterRows(Tensor dy, ReadOnlySpan<int> indices, Tensor dx)
    {
        if (dx.Count == 0)
            return;
        int rows = dx.Shape[0], row = dx.Count / rows;
        var starts = new int[rows + 1];
        foreach (int index in indices)
            starts[index + 1]++;
        for (int r = 0; r < rows; r++)
            starts[r + 1] += starts[r];
        int[] next = starts[..rows], sources = new int[indices.Length];
        for (int i = 0; i < indices.Length; i++)
            sources[next[indices[i]]++] = i;
        using var from = new GpuScratch<int>(_memory, starts.Length);
        using var order = new GpuScratch<int>(_memory, Math.Max(1, sources.Length));
        _staging.Upload<int>(starts, from.View);
        _staging.Upload<int>(sources, order.View);
        if (dx.DType == DType.Float32)
        {
            _launcher.Launch(
                Groups(dx.Count), Threads, DeviceRowKernels.ScatterRows<float>, View<float>(dy), from.View, order.View,
                View<float>(dx), row, dx.Count);
        }
        else
        {
            _launcher.Launch(
                Groups(dx.Count), Threads, DeviceRowKernels.ScatterRows<double>, View<double>(dy), from.View, order.View,
                View<double>(dx), row, dx.Count);
        }
        GC.KeepAlive((dy, dx));
    }

    private static ImageSizes SizesOf(Shape images) => new()
    {
        Count = images.Count, C = images[1], H = images[2], W = images[3],
        CentreX = (images[3] - 1) / 2.0, CentreY = (images[2] - 1) / 2.0,
    };

    /// <inheritdoc/>
    public override void AffineSample(Tensor x, Tensor transforms, Tensor y)
    {
        if (y.Count == 0)
            return;
        if (y.DType == DType.Float32)
        {
            _launcher.Launch(
                Groups(y.Count), Threads, DeviceRowKernels.AffineSample<float, Float32Numbers>, View<float>(x),
                View<float>(transforms), View<float>(y), SizesOf(y.Shape));
        }
        else
        {
            _launcher.Launch(
                Groups(y.Count), Threads, DeviceRowKernels.AffineSample<double, Float64Numbers>, View<double>(x),
                View<double>(transforms), View<double>(y), SizesOf(y.Shape));
        }
        GC.KeepAlive((x, transforms, y));
    }

    /// <inheritdoc/>
    public override void AffineSampleGradient(Tensor dy, Tensor transforms, Tensor dx)
    {
        if (dx.Count == 0)
            return;
        if (dx.DType == DType.Float32)
        {
            _launcher.Launch(
                Groups(dx.Count), Threads, DeviceRowKernels.AffineSampleGradient<float, Float32Numbers>, View<float>(dy),
                View<float>(transforms), View<float>(dx), SizesOf(dx.Shape));
        }
        else
        {
            _launcher.Launch(
                Groups(dx.Count), Threads, DeviceRowKernels.AffineSampleGradient<double, Float64Numbers>,
                View<double>(dy), View<double>(transforms), View<double>(dx), SizesOf(dx.Shape));
        }
        GC.KeepAlive((dy, transforms, dx));
    }
}
