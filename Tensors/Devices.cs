namespace InfMatch.Tensors;

/// <summary>From the text of a --device option to a backend.</summary>
public static class Devices
{
    /// <summary>
    /// Opens auto or a kind of device by its name, one of several by number as cuda:1. auto takes the GPU whose time for a
    /// step of <see cref="TrainingProbe"/> is the least, but none that is slower than the cpu, and else the cpu. Nothing else
    /// is tried in place of a device that was named and is not there, and nothing is measured for one.
    /// </summary>
    /// <param name="specification">The value of --device.</param>
    /// <param name="threads">Threads of the cpu backend, pieces of work at the same time on others; 0 for one per processor and
    /// what suits the device.</param>
    /// <param name="memoryLimit">Bytes that tensors may take; the reference backend has no such bound.</param>
    /// <param name="precision">What products of float32 tensors are computed in; no device is taken that
    /// cannot.</param>
    /// <param name="times">Where auto has times from; null to measure now.</param>
    /// <exception cref="DeviceException">The device is unknown, absent, cannot run the kernels, or lacks what the
    /// precision takes.</exception>
    public static OpenedDevice Open(
        string specification, int threads = 0, long memoryLimit = long.MaxValue,
        Precision precision = Precision.Float32, StepTimes? times = null)
    {
        var options = new DeviceOptions(threads, memoryLimit, precision);
        if (specification == "auto")
            return OpenBest(options, times ?? StepTimes.Measured);
        string[] parts = specification.Split(':');
        DeviceKind? kind = Kinds.Find<DeviceKind>(parts[0]);
        bool isNumbered = parts.Length == 2 && int.TryParse(parts[1], out int number) && number >= 0;
        return kind is not null && (parts.Length == 1 || (kind.Noun is not null && isNumbered))
            ? kind.Open(specification, options)
            : throw new DeviceException($"The device \"{specification}\" is not known. Allowed: auto, {Allowed()}.");
    }

    /// <summary>What auto takes on this machine, and how its devices compare.</summary>
    /// <param name="times">Where their times are from.</param>
    /// <param name="precision">What the device has to compute in.</param>
    public static DeviceChoice Choose(StepTimes times, Precision precision = Precision.Float32)
    {
        IReadOnlyList<DeviceKind> kinds = Kinds.Of<DeviceKind>();
        DeviceKind cpu = Fallback(kinds);
        (DeviceKind Kind, PresentDevice Device)[] present =
            [.. kinds.SelectMany(kind => kind.Present().Select(device => (kind, device)))];
        var options = new DeviceOptions(Precision: precision);
        return DeviceChoice.Of(
            [.. present.Select(p => p.Device)], cpu.Name,
            precision == Precision.Float32 ? () => times.Of(cpu.Fallback!, () => cpu.Open(cpu.Name, options).Backend) : null,
            precision,
            device => times.Of(
                $"{device.Identity}, {Precisions.NameOf(precision)}",
                () => present.First(p => p.Device == device).Kind.Open(device.Specification, options).Backend));
    }

    private static DeviceKind Fallback(IEnumerable<DeviceKind> kinds) => kinds.First(kind => kind.Fallback is not null);

    private static string Allowed() => string.Join(", ", Kinds.Of<DeviceKind>().Select(kind =>
        kind.Noun is null ? kind.Name : $"{kind.Name}, {kind.Name}:<index>"));

    private static OpenedDevice OpenBest(DeviceOptions options, StepTimes times)
    {
        IReadOnlyList<DeviceKind> kinds = Kinds.Of<DeviceKind>();
        DeviceKind cpu = Fallback(kinds);
        DeviceChoice choice = Choose(times, options.Precision);
        string absent = string.Join(" and no ", kinds.Select(kind => kind.Noun).OfType<string>());
        string reason = choice.Sentence(
            absent.Length > 0 ? $"there is no {absent}" : "this program knows no other kind of device");
        if (choice.Best is { Device: var best })
        {
            DeviceKind of = kinds.First(kind => kind.Present().Contains(best));
            return of.Open(best.Specification, options) with { Reason = reason };
        }
        return options.Precision == Precision.Float32
            ? cpu.Open(cpu.Name, options) with { Reason = reason }
            : throw Precisions.NotOn($"{cpu.Name}, which auto took because no GPU can be used", options.Precision);
    }
}
