using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>NCFM (CVPR 2025) as released; its accuracy of the best epoch stands beside that of the last. Its code, that of IDC and
/// that of influence matching take cutout out of the augmentation where CutMix is on. Until November 2026 this protocol did not;
/// files from then name the augmentation diffaug, and mean it.</summary>
internal class ProtocolB : Protocol
{
    private const int Batch = 128, Evaluations = 20;

    /// <inheritdoc/>
    public override string Name => "B";

    /// <inheritdoc/>
    public override string Help => "that of NCFM: AdamW with decay 0.01, diffaug without cutout, CutMix, 2000 epochs";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> Values { get; } =
    [
        ("Epochs", _ => "2000"), ("Repeats", _ => "10"), ("EvalRate", _ => "0.001"), ("Augment", _ => WithoutCutout),
    ];

    /// <summary>The augmentation that takes the place of diffaug under CutMix.</summary>
    public const string WithoutCutout = "diffaug-no-cutout";

    /// <inheritdoc/>
    public override double CutMix => 0.5;

    /// <summary>The weight decay of AdamW.</summary>
    protected virtual double Decay => AdamW.DefaultWeightDecay;

    /// <inheritdoc/>
    public override int BestEvery(int epochs) => Math.Max(1, epochs / Evaluations);

    /// <inheritdoc/>
    public override TrainingPlan Plan(EvaluationValues values, Augmentation augmentation) => new(
        values.Epochs, Batch, values.Rate, 0, Decay, RateSchedule.HalfAtFifths)
    {
        Augmentation = augmentation,
        Optimiser = Optimiser.AdamW,
    };

    /// <inheritdoc/>
    public override string DescribeSteps(TrainingPlan plan) =>
        FormattableString.Invariant($"AdamW {plan.Rate} (halved at each fifth), ");
}
