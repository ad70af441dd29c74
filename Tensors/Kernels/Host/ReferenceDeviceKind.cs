namespace InfMatch.Tensors;

/// <summary>The reference backend, for checking only.</summary>
public sealed class ReferenceDeviceKind : DeviceKind
{
    /// <inheritdoc/>
    public override string Name => "reference";

    /// <inheritdoc/>
    public override OpenedDevice Open(string asked, DeviceOptions options) =>
        options.Precision != Precision.Float32 ? throw Precisions.NotOn(asked, options.Precision)
        : options.MemoryLimit < long.MaxValue ? throw new DeviceException(
            "The reference backend has no memory limit: it is for checking only. Use another device, or no limit.")
        : new OpenedDevice(
            new ReferenceBackend(), "The reference backend was asked for: plain loops, for checking only.");
}
