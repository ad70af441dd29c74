namespace InfMatch.Tensors;

/// <summary>The processor, to which auto falls back.</summary>
public sealed class CpuDeviceKind : DeviceKind
{
    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <summary>Of all of this machine's processor: the number of threads shall not choose the device.</summary>
    public override string Fallback =>
        $"{Name}, {CpuBackend.ProcessorName}, {Environment.ProcessorCount} threads, {CpuBackend.Arithmetic(CpuBackend.BestVectorBits)}";

    /// <inheritdoc/>
    public override OpenedDevice Open(string asked, DeviceOptions options) => options.Precision == Precision.Float32
        ? new OpenedDevice(new CpuBackend(options.Threads, options.MemoryLimit), "The cpu was asked for.")
        : throw Precisions.NotOn(asked, options.Precision);
}
