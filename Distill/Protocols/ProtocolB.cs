using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>NCFM (CVPR 2025) as released; its accuracy of the best epoch stands beside that of the last.</summary>
internal sealed class ProtocolB : Protocol
{
    private const int Batch = 128, Evaluations = 20;

    /// <inheritdoc/>
    public override string Name => "B";

    /// <inheritdoc/>
    public override string Help => "that of NCFM: AdamW, diffaug, CutMix, 2000 epochs";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> Values { get; } =
        [("Epochs", _ => "2000"), ("Repeats", _ => "10"), ("EvalRate", _ => "0.001"), ("Augment", _ => "diffaug")];

    /// <inheritdoc/>
    public override double CutMix => 0.5;

    /// <inheritdoc/>
    public override int BestEvery(int epochs) => Math.Max(1, epochs / Evaluations);

    /// <inheritdoc/>
    public override TrainingPlan Plan(EvaluationValues values, Augmentation augmentation) => new(
        values.Epochs, Batch, values.Rate, 0, AdamW.DefaultWeightDecay, RateSchedule.HalfAtFifths)
    {
        Augmentation = augmentation,
        Optimiser = Optimiser.AdamW,
    };

    /// <inheritdoc/>
    public override string DescribeSteps(TrainingPlan plan) =>
        FormattableString.Invariant($"AdamW {plan.Rate} (halved at each fifth), ");
}
