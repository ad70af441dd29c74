namespace InfMatch.Tensors;

/// <summary>The seconds of a step of <see cref="TrainingProbe"/> on a device.</summary>
/// <param name="Seconds">The time; positive.</param>
/// <param name="How">Where it is from, such as "measured now".</param>
public readonly record struct StepTime(double Seconds, string How);

/// <summary>Where auto has the times of devices from. The program keeps them in a file, so that each is measured once.</summary>
public abstract class StepTimes
{
    /// <summary>The word for a time that was just taken.</summary>
    public const string Now = "measured now";

    /// <summary>Measures each time that it is asked.</summary>
    public static StepTimes Measured { get; } = new Fresh();

    /// <summary>The time of a device.</summary>
    /// <param name="device">All that the time follows from beside the program: the device, its model, its driver.</param>
    /// <param name="open">Opens the device, to be measured and closed again.</param>
    /// <exception cref="TensorException">The device does not open, or fails.</exception>
    public abstract StepTime Of(string device, Func<Backend> open);

    /// <summary>The time of a device, measured now.</summary>
    /// <exception cref="TensorException">The device does not open, or fails.</exception>
    protected static StepTime Measure(Func<Backend> open)
    {
        Backend backend = open();
        using var closing = backend as IDisposable;
        return new StepTime(TrainingProbe.Measure(backend), Now);
    }

    private sealed class Fresh : StepTimes
    {
        public override StepTime Of(string device, Func<Backend> open) => Measure(open);
    }
}
