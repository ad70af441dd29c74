namespace InfMatch.Tensors;

/// <summary>The backend that is the definition: plain loops on one thread, for checking. It is slow, has no bound of
/// memory and captures no graphs; its loops are <c>ReferenceKernels</c>.</summary>
public sealed class ReferenceBackend : HostBackend
{
    /// <summary>A backend of its own memory.</summary>
    public ReferenceBackend() : base("reference", long.MaxValue) =>
        (Float32Kernels, Float64Kernels) = (new ReferenceKernels<float>(this), new ReferenceKernels<double>(this));

    /// <inheritdoc/>
    public override string Name => "reference";

    /// <inheritdoc/>
    public override string Description => "plain loops on one thread";

    private protected override HostKernels<float> Float32Kernels { get; }

    private protected override HostKernels<double> Float64Kernels { get; }
}
