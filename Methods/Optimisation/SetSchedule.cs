using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>How the rates of S change over the updates: one type, found by enumeration. The factor follows from the number of the
/// update and from what the schedule remembers of earlier losses.</summary>
public abstract class SetSchedule : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>How many numbers it remembers, each 0 at first.</summary>
    public virtual int Memory => 0;

    /// <summary>The factor of all rates at an update.</summary>
    public abstract double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory);

    /// <summary>What it remembers after an update with this loss.</summary>
    public virtual double[] Remember(double loss, int iterations, IReadOnlyList<double> memory) => [];
}

/// <summary>The same rates throughout.</summary>
public sealed class ConstantSchedule : SetSchedule
{
    /// <inheritdoc/>
    public override string Name => "constant";

    /// <inheritdoc/>
    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory) =>
        RateSchedule.Constant.At(1, iteration, iterations);
}

/// <summary>½(1 + cos πs), s the fraction of updates done (Loshchilov and Hutter, 2017).</summary>
public sealed class CosineSchedule : SetSchedule
{
    /// <inheritdoc/>
    public override string Name => "cosine";

    /// <inheritdoc/>
    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory) =>
        RateSchedule.Cosine.At(1, iteration, iterations);
}

/// <summary>From 1 to a tenth by a cosine, as FRePo (Zhou, Nezhadarya and Ba, NeurIPS 2022) has it.</summary>
public sealed class CosineToTenthSchedule : SetSchedule
{
    private const double Last = 0.1;

    /// <inheritdoc/>
    public override string Name => "cosine-tenth";

    /// <inheritdoc/>
    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory) =>
        Last + (1 - Last) * RateSchedule.Cosine.At(1, iteration, iterations);
}

/// <summary>A tenth from half of the updates on.</summary>
public sealed class StepSchedule : SetSchedule
{
    /// <inheritdoc/>
    public override string Name => "step";

    /// <inheritdoc/>
    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory) =>
        RateSchedule.StepAtHalf.At(1, iteration, iterations);
}

/// <summary>Halved at each fifth of the updates.</summary>
public sealed class StepsSchedule : SetSchedule
{
    /// <inheritdoc/>
    public override string Name => "steps";

    /// <inheritdoc/>
    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory) =>
        RateSchedule.HalfAtFifths.At(1, iteration, iterations);
}

/// <summary>Halved at 0.6, 0.8 and 0.9 of the updates (Wang et al., CAFE, CVPR 2022: at 1,200, 1,600 and 1,800 of 2,000).</summary>
public sealed class LateHalvingsSchedule : SetSchedule
{
    /// <inheritdoc/>
    public override string Name => "late-halvings";

    /// <inheritdoc/>
    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory)
    {
        int past = ((long[])[6, 8, 9]).Count(tenths => 10L * iteration >= tenths * iterations);
        return Math.Pow(0.5, past);
    }
}

/// <summary>
/// Halved whenever the loss has not improved for a twentieth of all updates. The loss of an update is noisy, since each takes
/// other data, so its running mean over about ten updates counts, and an improvement is one by a thousandth.
/// </summary>
public sealed class PlateauSchedule : SetSchedule
{
    private const double Mean = 0.9, Improvement = 1e-3;

    // In memory: the number of updates, the running mean, the best of it, updates since then, halvings.
    private const int Updates = 0, Running = 1, Best = 2, Since = 3, Halvings = 4;

    /// <inheritdoc/>
    public override string Name => "plateau";

    /// <inheritdoc/>
    public override int Memory => 5;

    /// <inheritdoc/>
    public override double FactorAt(int iteration, int iterations, IReadOnlyList<double> memory) =>
        Math.Pow(0.5, memory[Halvings]);

    /// <inheritdoc/>
    public override double[] Remember(double loss, int iterations, IReadOnlyList<double> memory)
    {
        double[] next = [.. memory];
        next[Running] = memory[Updates] == 0 ? loss : Mean * memory[Running] + (1 - Mean) * loss;
        next[Updates]++;
        double bound = memory[Best] * (memory[Best] < 0 ? 1 + Improvement : 1 - Improvement); // below the best, whatever its sign
        if (memory[Updates] == 0 || next[Running] < bound)
        {
            (next[Best], next[Since]) = (next[Running], 0);
            return next;
        }
        next[Since]++;
        if (next[Since] >= Math.Max(1, iterations / 20))
            (next[Since], next[Halvings], next[Best]) = (0, memory[Halvings] + 1, next[Running]);
        return next;
    }
}
