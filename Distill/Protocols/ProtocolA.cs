using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>As MTT (CVPR 2022) and DATM (ICLR 2024) report it: E epochs, a tenth of the rate from half of the steps on, the velocity
/// kept.</summary>
internal sealed class ProtocolA : Protocol
{
    /// <summary>The protocol that is meant where none is named.</summary>
    public const string OwnName = "A";

    /// <inheritdoc/>
    public override string Name => OwnName;

    /// <inheritdoc/>
    public override string Help => "that of MTT and DATM: SGD, DSA, 1000 epochs, the rate /10 at half with the momentum kept";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> Values { get; } =
        [("Epochs", _ => "1000"), ("Repeats", _ => "5"), ("EvalRate", _ => "0.01"), ("Augment", _ => "auto")];

    /// <inheritdoc/>
    public override TrainingPlan Plan(EvaluationValues values, Augmentation augmentation) => new(
        values.Epochs, BatchSize, values.Rate, Momentum, WeightDecay, RateSchedule.StepAtHalf)
    {
        Augmentation = augmentation,
    };

    /// <inheritdoc/>
    public override string DescribeSteps(TrainingPlan plan) =>
        FormattableString.Invariant($"SGD {plan.Rate} (/10 at half), momentum {plan.Momentum}, ");
}
