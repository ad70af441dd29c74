using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

internal sealed partial class GpuKernels<T, N, X>
    : IKernel<LogSoftmaxCall>, IKernel<CrossEntropyCall>, IKernel<CrossEntropyGradientCall>, IKernel<GatherRowsCall>,
        IKernel<ScatterRowsCall>
{
    public void Run(LogSoftmaxCall call)
    {
        if (call.Y.Count == 0)
            return;
        (int rows, int columns) = (call.Y.Shape[0], call.Y.Shape[1]);
        launcher.Launch(rows, ThreadsFor(columns), DeviceRowKernels.LogSoftmax<T, X>, View(call.X), View(call.Y), columns);
    }

    public void Run(CrossEntropyCall call)
    {
        (int rows, int columns) = (call.Logits.Shape[0], call.Logits.Shape[1]);
        using var partial = new GpuScratch<X>(memory, rows);
        launcher.Launch(
            rows, ThreadsFor(columns), DeviceRowKernels.CrossEntropy<T, X>, View(call.Logits), View(call.Labels),
            partial.View, columns);
        launcher.Launch(
            1, ThreadsFor(rows), ReductionKernels.Total<T, X>, partial.View, View(call.Y), rows, X.OfWhole(rows));
    }

    public void Run(CrossEntropyGradientCall call)
    {
        (int rows, int columns) = (call.Logits.Shape[0], call.Logits.Shape[1]);
        ArrayView<T> z = View(call.Logits);
        launcher.Launch(
            rows, ThreadsFor(columns), DeviceRowKernels.CrossEntropyGradient<T, X>, z, View(call.Labels), View(call.Dy),
            View(call.DLogits, z), View(call.DLabels, z), rows, columns, call.DLogits is null ? 0 : 1,
            call.DLabels is null ? 0 : 1);
    }

    public void Run(GatherRowsCall call)
    {
        int count = call.Y.Count;
        if (count == 0)
            return;
        using var chosen = GpuScratch<int>.Of(call.Indices.Span, backend, memory, staging);
        launcher.Launch(
            Groups(count), Threads, DeviceRowKernels.GatherRows<T>, View(call.X), chosen.View, View(call.Y),
            count / call.Indices.Length, count);
    }

    public void Run(ScatterRowsCall call)
    {
        int count = call.Dx.Count;
        if (count == 0)
            return;
        ReadOnlySpan<int> indices = call.Indices.Span;
        int rows = call.Dx.Shape[0], row = count / rows;
        var starts = new int[rows + 1];
        foreach (int index in indices)
            starts[index + 1]++;
        for (int r = 0; r < rows; r++)
            starts[r + 1] += starts[r];
        int[] next = starts[..rows], sources = new int[indices.Length];
        for (int i = 0; i < indices.Length; i++)
            sources[next[indices[i]]++] = i;
        using var from = GpuScratch<int>.Of(starts, backend, memory, staging);
        using var order = GpuScratch<int>.Of(sources, backend, memory, staging);
        launcher.Launch(
            Groups(count), Threads, DeviceRowKernels.ScatterRows<T>, View(call.Dy), from.View, order.View, View(call.Dx), row,
            count);
    }
}
