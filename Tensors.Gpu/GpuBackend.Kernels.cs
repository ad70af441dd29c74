using ILGPU;

namespace InfMatch.Tensors;

/// <summary>The step from a call's number type to the kernels of that type.</summary>
public sealed partial class GpuBackend
{
    private readonly GpuKernels<float, Float32Numbers, Float32Pair> _float32;
    private readonly GpuKernels<double, Float64Numbers, PlainFloat64> _float64;
    private readonly GpuMoves _moves32, _moves64;

    private GpuKernels Of(DType dtype, string what) =>
        dtype == DType.Float32 ? _float32
        : _hasFloat64 ? _float64
        : throw new DeviceException(
            $"{Name} ({_model}) has no float64, and {what} of float64 tensors was asked for. Compute in float32 there " +
            "(--number-type float32, where a command has it), or use --device cpu.");

    private GpuMoves MovesOf(DType dtype) => dtype == DType.Float32 ? _moves32 : _moves64;

    /// <inheritdoc/>
    public override bool Computes(DType dtype) => dtype == DType.Float32 || _hasFloat64;

    /// <inheritdoc/>
    public override void Run<K>(K call)
    {
        KernelOf<K>(Of(call.DType, typeof(K).Name)).Run(call);
        KeepAlive(in call);
    }

    /// <inheritdoc/>
    public override void Map<F>(Tensor x, Tensor y) => Of(y.DType, typeof(F).Name).Map<F>(x, y);

    /// <inheritdoc/>
    public override void Zip<F>(Tensor a, Tensor b, Tensor y) => Of(y.DType, typeof(F).Name).Zip<F>(a, b, y);

    /// <inheritdoc/>
    public override void Fill(Tensor y, double value) => MovesOf(y.DType).Fill(y, value);

    /// <inheritdoc/>
    public override void Uniform(RandomKey key, double low, double high, Tensor y)
    {
        CapturedGraph.Refuse("A draw of random numbers");
        Of(y.DType, nameof(Uniform)).Uniform(key, low, high, y);
    }

    /// <inheritdoc/>
    public override void Copy(Tensor x, Tensor y) => MovesOf(y.DType).Copy(x, y);

    /// <inheritdoc/>
    public override void Concat(ReadOnlySpan<Tensor> parts, Tensor y) => MovesOf(y.DType).Concat(parts, y);

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
        {
            _launcher.Launch(
                groups, Threads, ElementwiseKernels.Widen, View<float>(x), View<double>(y).Cast<long>(), y.Count);
        }
        else
        {
            _launcher.Launch(
                groups, Threads, ElementwiseKernels.Narrow, View<double>(x).Cast<long>(), View<float>(y), y.Count);
        }
        GC.KeepAlive((x, y));
    }
}
