namespace InfMatch.Tensors;

internal sealed partial class GpuKernels<T, N, X> : IKernel<CholeskySolveCall>
{
    // One group makes the factor: each of its columns needs all before it, and a system of a thousand rows is small.
    public void Run(CholeskySolveCall call)
    {
        (int n, int columns) = (call.X.Shape[0], call.X.Shape[1]);
        if (call.X.Count == 0)
            return;
        using var factor = new GpuScratch<X>(memory, checked((n + 1) * n));
        using var work = new GpuScratch<X>(memory, checked(2 * call.X.Count));
        launcher.Launch(1, ThreadsFor(n), SolveKernels.Factorise<T, X>, View(call.K), factor.View, n,
            X.OfFloat64(call.Shift));
        launcher.Launch(
            columns, ThreadsFor(n), SolveKernels.Substitute<T, X>, factor.View, View(call.Y), work.View, View(call.X), n,
            columns);
    }
}
