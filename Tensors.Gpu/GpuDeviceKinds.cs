namespace InfMatch.Tensors;

/// <summary>The devices of one driver that ILGPU can use.</summary>
public abstract class GpuDeviceKind : DeviceKind
{
    /// <inheritdoc/>
    public sealed override IReadOnlyList<PresentDevice> Present() =>
        [.. GpuDevices.List().Where(d => d.Specification.StartsWith($"{Name}:", StringComparison.Ordinal))];

    /// <inheritdoc/>
    public sealed override OpenedDevice Open(string asked, DeviceOptions options)
    {
        string specification = asked == Name ? $"{Name}:0" : asked;
        IReadOnlyList<GpuDevice> present = GpuDevices.List();
        string known = present.Count == 0
            ? "this machine has no CUDA or OpenCL device that ILGPU can use"
            : $"present are {string.Join(", ", present.Select(d => $"{d.Specification} ({d.Name})"))}";
        GpuDevice device = present.FirstOrDefault(d => d.Specification == specification) ?? throw new DeviceException(
            $"The device {asked} was asked for, but {known}. Use --device auto or --device cpu.");
        return device.Refusal is { } refusal
            ? throw new DeviceException($"The device {asked} was asked for, but {refusal}. Use another --device.")
            : new OpenedDevice(
                new GpuBackend(specification, options.MemoryLimit, options.Precision, options.Threads), $"{asked} was asked for.");
    }
}

/// <summary>NVIDIA's GPUs by CUDA.</summary>
public sealed class CudaDeviceKind : GpuDeviceKind
{
    /// <inheritdoc/>
    public override string Name => "cuda";

    /// <inheritdoc/>
    public override string Noun => "CUDA device";
}

/// <summary>Any maker's devices by OpenCL.</summary>
public sealed class OpenClDeviceKind : GpuDeviceKind
{
    /// <inheritdoc/>
    public override string Name => "opencl";

    /// <inheritdoc/>
    public override string Noun => "GPU with an OpenCL driver";
}
