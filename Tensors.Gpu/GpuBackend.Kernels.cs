namespace InfMatch.Tensors;

/// <summary>The step from a call's number type to the kernels of that type.</summary>
public sealed partial class GpuBackend
{
    private readonly GpuKernels<float, Float32Numbers> _float32;
    private readonly GpuKernels<double, Float64Numbers> _float64;

    private GpuKernels Of(DType dtype) => dtype == DType.Float32 ? _float32 : _float64;

    /// <inheritdoc/>
    public override void Run<K>(K call)
    {
        KernelOf<K>(Of(call.DType)).Run(call);
        KeepAlive(in call);
    }

    /// <inheritdoc/>
    public override void Map<F>(Tensor x, Tensor y) => Of(y.DType).Map<F>(x, y);

    /// <inheritdoc/>
    public override void Zip<F>(Tensor a, Tensor b, Tensor y) => Of(y.DType).Zip<F>(a, b, y);

    /// <inheritdoc/>
    public override void Fill(Tensor y, double value) => Of(y.DType).Fill(y, value);

    /// <inheritdoc/>
    public override void Uniform(RandomKey key, double low, double high, Tensor y)
    {
        CapturedGraph.Refuse("A draw of random numbers");
        Of(y.DType).Uniform(key, low, high, y);
    }

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y) => Of(y.DType).Copy(x, y);

    /// <inheritdoc/>
    public override void Concat(ReadOnlySpan<Tensor> parts, Tensor y) => Of(y.DType).Concat(parts, y);

    /// <inheritdoc/>
    public override void Convert(Tensor x, Tensor y)
    {
        if (x.DType == y.DType)
        {
            Copy(x, y);
            return;
        }
        if (y.Count == 0)
            return;
        int groups = Groups(y.Count);
        if (x.DType == DType.Float32)
            _launcher.Launch(groups, Threads, ElementwiseKernels.Widen, View<float>(x), View<double>(y), y.Count);
        else
            _launcher.Launch(groups, Threads, ElementwiseKernels.Narrow, View<double>(x), View<float>(y), y.Count);
        GC.KeepAlive((x, y));
    }
}
