using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>How the learning rate changes over a training run: one type, found by enumeration. Schedules of one type are
/// equal.</summary>
public abstract class RateSchedule : IKind
{
    /// <summary>The same rate at every step.</summary>
    public static RateSchedule Constant { get; } = new ConstantRate();

    /// <summary>The rate, and a tenth of it from half of the steps on.</summary>
    public static RateSchedule StepAtHalf { get; } = new StepRate();

    /// <summary>Half a cosine, from the rate to nothing.</summary>
    public static RateSchedule Cosine { get; } = new CosineRate();

    /// <summary>The rate, halved at each fifth of the steps.</summary>
    public static RateSchedule HalfAtFifths { get; } = new StepsRate();

    /// <summary>The rate, a fifth of it from two thirds of the steps on, and a fifth of that from five sixths on.</summary>
    public static RateSchedule FifthAtTwoThirds { get; } = new MultiStepRate();

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>One line that says how the rate changes, and whose schedule it is.</summary>
    public abstract string Help { get; }

    /// <summary>The rate at step <paramref name="step"/> of <paramref name="steps"/>, from the base rate.</summary>
    public abstract double At(double rate, int step, int steps);

    /// <summary>The word for it in files.</summary>
    public override string ToString() => Name;

    /// <inheritdoc/>
    public sealed override bool Equals(object? obj) => obj?.GetType() == GetType();

    /// <inheritdoc/>
    public sealed override int GetHashCode() => GetType().GetHashCode();
}

/// <summary>The same rate at every step.</summary>
public sealed class ConstantRate : RateSchedule
{
    /// <inheritdoc/>
    public override string Name => "constant";

    /// <inheritdoc/>
    public override string Help => "one rate throughout";

    /// <inheritdoc/>
    public override double At(double rate, int step, int steps) => rate;

    /// <inheritdoc/>
    public override string ToString() => "Constant";
}

/// <summary>The rate, and a tenth of it from half of the steps on (DC, MTT: "epoch E/2 + 1").</summary>
public sealed class StepRate : RateSchedule
{
    /// <inheritdoc/>
    public override string Name => "step";

    /// <inheritdoc/>
    public override string Help => "a tenth from half of the steps on";

    /// <inheritdoc/>
    public override double At(double rate, int step, int steps) => step < steps / 2 ? rate : rate / 10;

    /// <inheritdoc/>
    public override string ToString() => "StepAtHalf";
}

/// <summary>½(1 + cos πs) of the rate, s the fraction of steps done (Loshchilov and Hutter, 2017).</summary>
public sealed class CosineRate : RateSchedule
{
    /// <inheritdoc/>
    public override string Name => "cosine";

    /// <inheritdoc/>
    public override string Help => "half a cosine, from the rate to nothing";

    /// <inheritdoc/>
    public override double At(double rate, int step, int steps) => rate * 0.5 * (1 + Math.Cos(Math.PI * step / steps));

    /// <inheritdoc/>
    public override string ToString() => "Cosine";
}

/// <summary>The rate, halved at each fifth of the steps (NCFM's evaluation).</summary>
public sealed class StepsRate : RateSchedule
{
    /// <inheritdoc/>
    public override string Name => "steps";

    /// <inheritdoc/>
    public override string Help => "halved at each fifth of the steps";

    /// <inheritdoc/>
    public override double At(double rate, int step, int steps) => rate * Math.Pow(0.5, Math.Min(4, 5L * step / steps));

    /// <inheritdoc/>
    public override string ToString() => "HalfAtFifths";
}

/// <summary>The rate, a fifth of it from two thirds of the steps on, and a fifth of that from five sixths on: how NCFM
/// (CVPR 2025) trains networks on the real data.</summary>
public sealed class MultiStepRate : RateSchedule
{
    /// <inheritdoc/>
    public override string Name => "multi-step";

    /// <inheritdoc/>
    public override string Help => "a fifth from two thirds of the steps on and a fifth of that from five sixths on (NCFM)";

    /// <inheritdoc/>
    public override double At(double rate, int step, int steps) =>
        3L * step < 2L * steps ? rate : 6L * step < 5L * steps ? rate / 5 : rate / 25;

    /// <inheritdoc/>
    public override string ToString() => "FifthAtTwoThirds";
}
