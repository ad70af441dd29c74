namespace InfMatch.Tensors;

/// <summary>A backend that was opened, and why it was this one.</summary>
/// <param name="Backend">Where tensors live and kernels run.</param>
/// <param name="Reason">One sentence for the log of a run.</param>
public sealed record OpenedDevice(Backend Backend, string Reason);

/// <summary>From the text of a --device option to a backend.</summary>
public static class Devices
{
    private static readonly string[] s_gpus = ["cuda", "opencl"];

    /// <summary>
    /// Opens auto, cpu, reference, cuda, opencl, or one of several GPUs by number as cuda:1. auto takes the GPU that is
    /// fastest by <see cref="SpeedEstimate"/>, but none that is slower than the cpu, and else the cpu. Nothing else is tried
    /// in place of a device that was named and is not there.
    /// </summary>
    /// <param name="specification">The value of --device.</param>
    /// <param name="threads">Threads of the cpu backend; 0 for one per processor.</param>
    /// <param name="memoryLimit">Bytes that tensors may take; the reference backend has no such bound.</param>
    /// <param name="precision">What products of float32 tensors are computed in; no device is taken that cannot.</param>
    /// <exception cref="DeviceException">The device is unknown, absent, cannot run the kernels, or lacks what the
    /// precision takes.</exception>
    public static OpenedDevice Open(
        string specification, int threads = 0, long memoryLimit = long.MaxValue,
        Precision precision = Precision.Float32)
    {
        string[] parts = specification.Split(':');
        bool indexed = parts.Length == 2 && int.TryParse(parts[1], out int index) && index >= 0;
        if (s_gpus.Contains(parts[0]) && (parts.Length == 1 || indexed))
            return OpenNamed(specification, indexed ? specification : $"{parts[0]}:0", memoryLimit, precision);
        return specification switch
        {
            "auto" => OpenBest(threads, memoryLimit, precision),
            "cpu" or "reference" when precision != Precision.Float32 => throw Precisions.NotOn(specification, precision),
            "cpu" => new OpenedDevice(new CpuBackend(threads, memoryLimit), "The cpu was asked for."),
            "reference" when memoryLimit < long.MaxValue => throw new DeviceException(
                "The reference backend has no memory limit: it is for checking only. Use another device, or no limit."),
            "reference" => new OpenedDevice(
                new ReferenceBackend(), "The reference backend was asked for: plain loops, for checking only."),
            _ => throw new DeviceException(
                $"The device \"{specification}\" is not known. Allowed: auto, cpu, reference, cuda, cuda:<index>, " +
                "opencl, opencl:<index>."),
        };
    }

    /// <summary>The device that auto takes of these: the fastest GPU that can run the kernels and is not slower than the
    /// cpu, both by their estimates, and the first of equal ones; null for the cpu.</summary>
    /// <param name="present">What <see cref="GpuDevices.List"/> found.</param>
    /// <param name="processor">The estimate of the cpu.</param>
    /// <param name="precision">What float32 is not computed in on the cpu: then that is no choice, and a device that lacks it
    /// is none.</param>
    public static GpuDevice? Best(
        IEnumerable<GpuDevice> present, SpeedEstimate processor, Precision precision = Precision.Float32) => present
        .Where(d => d.IsGpu && d.Refusal is null)
        .Where(d => precision == Precision.Float32 ? SpeedEstimate.Of(d)?.Gflops >= processor.Gflops : d.HasTf32)
        .MaxBy(d => SpeedEstimate.Of(d)?.Gflops ?? 0);

    /// <summary>Why auto leaves a device out that is not <see cref="Best"/>, as a part of a sentence.</summary>
    public static string WhyNot(GpuDevice device, SpeedEstimate processor) => device.Refusal
        ?? (!device.IsGpu ? "not a GPU"
            : SpeedEstimate.Of(device) is not { } estimate ? "its speed is not known"
            : estimate.Gflops < processor.Gflops ? $"slower than the cpu by estimate, {estimate}"
            : $"not the fastest by estimate, {estimate}");

    private static OpenedDevice OpenNamed(string asked, string name, long memoryLimit, Precision precision)
    {
        IReadOnlyList<GpuDevice> present = GpuDevices.List();
        string known = present.Count == 0
            ? "this machine has no CUDA or OpenCL device that ILGPU can use"
            : $"present are {string.Join(", ", present.Select(d => $"{d.Specification} ({d.Name})"))}";
        GpuDevice device = present.FirstOrDefault(d => d.Specification == name) ?? throw new DeviceException(
            $"The device {asked} was asked for, but {known}. Use --device auto or --device cpu.");
        return device.Refusal is { } refusal
            ? throw new DeviceException($"The device {asked} was asked for, but {refusal}. Use another --device.")
            : new OpenedDevice(new GpuBackend(name, memoryLimit, precision), $"{asked} was asked for.");
    }

    private static OpenedDevice OpenBest(int threads, long memoryLimit, Precision precision)
    {
        IReadOnlyList<GpuDevice> present = GpuDevices.List();
        SpeedEstimate processor = SpeedEstimate.OfThisProcessor();
        GpuDevice? best = Best(present, processor, precision);
        if (best is null && precision != Precision.Float32)
            throw Precisions.NotOn("cpu, which auto took because no GPU can be used", precision);
        return best is not null
            ? new OpenedDevice(
                new GpuBackend(best.Specification, memoryLimit, precision),
                $"{best.Specification} was chosen as the fastest by estimate: {SpeedEstimate.Of(best)}; cpu: {processor}.")
            : new OpenedDevice(
                new CpuBackend(threads, memoryLimit),
                (present.Count == 0
                    ? "The cpu was chosen because there is no CUDA device and no GPU with an OpenCL driver"
                    : $"The cpu was chosen, {processor}, because no GPU can be used that is as fast") +
                $"{string.Concat(present.Select(d => $"; {d.Specification}: {WhyNot(d, processor)}"))}.");
    }
}
