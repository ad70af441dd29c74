namespace InfMatch.Tensors;

/// <summary>From the text of a --device option to a backend.</summary>
public static class Devices
{
    /// <summary>
    /// Opens auto or a kind of device by its name, one of several by number as cuda:1. auto takes the GPU that is
    /// fastest by <see cref="SpeedEstimate"/>, but none that is slower than the cpu, and else the cpu. Nothing else is
    /// tried in place of a device that was named and is not there.
    /// </summary>
    /// <param name="specification">The value of --device.</param>
    /// <param name="threads">Threads of the cpu backend; 0 for one per processor.</param>
    /// <param name="memoryLimit">Bytes that tensors may take; the reference backend has no such bound.</param>
    /// <param name="precision">What products of float32 tensors are computed in; no device is taken that
    /// cannot.</param>
    /// <exception cref="DeviceException">The device is unknown, absent, cannot run the kernels, or lacks what the
    /// precision takes.</exception>
    public static OpenedDevice Open(
        string specification, int threads = 0, long memoryLimit = long.MaxValue,
        Precision precision = Precision.Float32)
    {
        var options = new DeviceOptions(threads, memoryLimit, precision);
        if (specification == "auto")
            return OpenBest(options);
        string[] parts = specification.Split(':');
        DeviceKind? kind = Kinds.Find<DeviceKind>(parts[0]);
        bool isNumbered = parts.Length == 2 && int.TryParse(parts[1], out int number) && number >= 0;
        return kind is not null && (parts.Length == 1 || (kind.Noun is not null && isNumbered))
            ? kind.Open(specification, options)
            : throw new DeviceException($"The device \"{specification}\" is not known. Allowed: auto, {Allowed()}.");
    }

    /// <summary>The device that auto takes of these: the fastest GPU that can run the kernels and is not slower than the
    /// cpu, both by their estimates, and the first of equal ones; null for the cpu.</summary>
    /// <param name="present">What was found.</param>
    /// <param name="processor">The estimate of the cpu.</param>
    /// <param name="precision">What float32 is not computed in on the cpu: then that is no choice, and a device that lacks it
    /// is none.</param>
    public static PresentDevice? Best(
        IEnumerable<PresentDevice> present, SpeedEstimate processor, Precision precision = Precision.Float32) => present
        .Where(d => d.IsGpu && d.Refusal is null)
        .Where(d => precision == Precision.Float32 ? d.Speed?.Gflops >= processor.Gflops : d.Has(precision))
        .MaxBy(d => d.Speed?.Gflops ?? 0);

    /// <summary>Why auto leaves a device out that is not <see cref="Best"/>, as a part of a sentence.</summary>
    public static string WhyNot(PresentDevice device, SpeedEstimate processor) => device.Refusal
        ?? (!device.IsGpu ? "not a GPU"
            : device.Speed is not { } estimate ? "its speed is not known"
            : estimate.Gflops < processor.Gflops ? $"slower than the cpu by estimate, {estimate}"
            : $"not the fastest by estimate, {estimate}");

    private static string Allowed() => string.Join(", ", Kinds.Of<DeviceKind>().Select(kind =>
        kind.Noun is null ? kind.Name : $"{kind.Name}, {kind.Name}:<index>"));

    private static OpenedDevice OpenBest(DeviceOptions options)
    {
        IReadOnlyList<DeviceKind> kinds = Kinds.Of<DeviceKind>();
        DeviceKind cpu = kinds.First(kind => kind.Speed is not null);
        PresentDevice[] present = [.. kinds.SelectMany(kind => kind.Present())];
        SpeedEstimate processor = cpu.Speed!.Value;
        PresentDevice? best = Best(present, processor, options.Precision);
        if (best is not null)
        {
            OpenedDevice opened = kinds.First(kind => kind.Present().Contains(best)).Open(best.Specification, options);
            return opened with
            {
                Reason = $"{best.Specification} was chosen as the fastest by estimate: {best.Speed}; {cpu.Name}: {processor}.",
            };
        }
        if (options.Precision != Precision.Float32)
            throw Precisions.NotOn($"{cpu.Name}, which auto took because no GPU can be used", options.Precision);
        string absent = string.Join(" and no ", kinds.Select(kind => kind.Noun).OfType<string>());
        string reason = present.Length > 0
                ? $"The {cpu.Name} was chosen, {processor}, because no GPU can be used that is as fast"
            : absent.Length > 0 ? $"The {cpu.Name} was chosen because there is no {absent}"
            : $"The {cpu.Name} was chosen because this program knows no other kind of device";
        return cpu.Open(cpu.Name, options) with
        {
            Reason = $"{reason}{string.Concat(present.Select(d => $"; {d.Specification}: {WhyNot(d, processor)}"))}.",
        };
    }
}
