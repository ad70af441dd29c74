using System.Globalization;

namespace InfMatch.Tensors;

/// <summary>A device that auto looked at.</summary>
/// <param name="Device">What it is.</param>
/// <param name="Time">Its time; null where it was not measured.</param>
/// <param name="Refusal">Why it is not to be taken, as a part of a sentence; null where it may be.</param>
public sealed record ComparedDevice(PresentDevice Device, StepTime? Time, string? Refusal);

/// <summary>Which device auto takes, and why.</summary>
public sealed class DeviceChoice
{
    private static readonly string s_step = $"a training step of {TrainingProbe.Images} images";

    private readonly string _processor;

    private DeviceChoice(string name, IReadOnlyList<ComparedDevice> compared, StepTime? processor, ComparedDevice? best) =>
        (_processor, Compared, Processor, Best) = (name, compared, processor, best);

    /// <summary>All devices beside the processor.</summary>
    public IReadOnlyList<ComparedDevice> Compared { get; }

    /// <summary>The processor's time; null where there is nothing to compare it with.</summary>
    public StepTime? Processor { get; }

    /// <summary>The device that is taken; null for the processor.</summary>
    public ComparedDevice? Best { get; }

    /// <summary>Compares devices by their times. A device is taken where it is faster than the processor, the fastest of several,
    /// and of equal ones the first. Nothing is measured where there is no choice.</summary>
    /// <param name="present">What was found.</param>
    /// <param name="name">The processor's name as a device.</param>
    /// <param name="processor">Gives the processor's time; null where it cannot compute in the precision and is no
    /// choice.</param>
    /// <param name="precision">What a device has to compute in.</param>
    /// <param name="time">Gives a device's time, or throws what keeps it from running.</param>
    internal static DeviceChoice Of(
        IReadOnlyList<PresentDevice> present, string name, Func<StepTime>? processor, Precision precision,
        Func<PresentDevice, StepTime> time)
    {
        ComparedDevice[] all = [.. present.Select(d => new ComparedDevice(d, null, RefusalOf(d, precision)))];
        int usable = all.Count(c => c.Refusal is null);
        if (usable == 0)
            return new DeviceChoice(name, all, null, null);
        if (processor is null && usable == 1)
            return new DeviceChoice(name, all, null, all.First(c => c.Refusal is null));
        all = Array.ConvertAll(all, c => c.Refusal is null ? Timed(c.Device, time) : c);
        ComparedDevice? best = all.Where(c => c.Time is not null).MinBy(c => c.Time!.Value.Seconds);
        StepTime? cpu = best is null ? null : processor?.Invoke();
        return new DeviceChoice(name, all, cpu, best?.Time?.Seconds < (cpu?.Seconds ?? double.PositiveInfinity) ? best : null);
    }

    private static string? RefusalOf(PresentDevice device, Precision precision) =>
        device.Refusal
        ?? (!device.IsGpu ? "not a GPU"
            : !device.Has(precision) ? $"it does not compute in {Precisions.NameOf(precision)}"
            : null);

    private static ComparedDevice Timed(PresentDevice device, Func<PresentDevice, StepTime> time)
    {
        try
        {
            return new ComparedDevice(device, time(device), null);
        }
        catch (TensorException e)
        {
            return new ComparedDevice(device, null, $"it failed when its speed was measured: {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Why a device is left out, or how it compares, as a part of a sentence.</summary>
    public string Describe(ComparedDevice device)
    {
        if (device.Refusal is { } refusal)
            return refusal;
        if (device.Time is not { } time)
            return "the only one";
        return Processor is not { } cpu ? $"{Text(time.Seconds)} for {s_step}"
            : time.Seconds < cpu.Seconds
                ? $"{Factor(cpu.Seconds / time.Seconds)} times as fast as the {_processor}, {Text(time.Seconds)}"
                : $"{Factor(time.Seconds / cpu.Seconds)} times as slow as the {_processor}, {Text(time.Seconds)}";
    }

    /// <summary>One sentence that says what was taken and why.</summary>
    /// <param name="absent">What to call devices where none is present.</param>
    internal string Sentence(string absent)
    {
        string others = string.Concat(
            Compared.Where(c => c != Best).Select(c => $"; {c.Device.Specification}: {Describe(c)}"));
        if (Best is { } best)
        {
            return best.Time is not { } time
                ? $"{best.Device.Specification} was chosen, because it alone can{others}."
                : $"{best.Device.Specification} was chosen: {s_step} takes {Text(time.Seconds)}" +
                    (Processor is { } slower
                        ? $", {Factor(slower.Seconds / time.Seconds)} times as fast as on the {_processor} " +
                            $"({Text(slower.Seconds)}; {time.How})"
                        : $" ({time.How})") + $"{others}.";
        }
        return Processor is { } cpu
            ? $"The {_processor} was chosen: {s_step} takes {Text(cpu.Seconds)} ({cpu.How}){others}."
            : Compared.Count > 0 ? $"The {_processor} was chosen because no GPU can be used{others}."
            : $"The {_processor} was chosen because {absent}.";
    }

    /// <summary>A time in the unit that suits it, such as "1.2 ms".</summary>
    public static string Text(double seconds) => seconds < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{Factor(seconds * 1e3)} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{Factor(seconds)} s");

    private static string Factor(double value) =>
        value.ToString(value >= 9.95 ? "F0" : value >= 1 ? "F1" : "F2", CultureInfo.InvariantCulture);
}
