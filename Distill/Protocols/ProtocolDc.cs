using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>
/// The evaluation of DC's code (ICLR 2021; DatasetCondensation, utils.evaluate_synset), on which those of MTT and DATM are built:
/// E + 1 epochs, and after epoch E/2 + 1, counted from 0, a new optimiser with a tenth of the rate, which forgets the velocity; E is
/// 300 without an augmentation and 1000 with one.
/// </summary>
internal sealed class ProtocolDc : Protocol
{
    /// <inheritdoc/>
    public override string Name => "DC";

    /// <inheritdoc/>
    public override string Help =>
        "that of DC's code: E + 1 epochs, a new optimiser with /10 after epoch E/2 + 1, E 300 or with an augmentation 1000";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> Values { get; } =
    [
        ("Augment", v => v.Dataset == "mnist" ? "dc" : "none"), ("Epochs", v => v.Augment == "none" ? "300" : "1000"),
        ("Repeats", _ => "20"), ("EvalRate", _ => "0.01"),
    ];

    /// <inheritdoc/>
    public override TrainingPlan Plan(EvaluationValues values, Augmentation augmentation) => new(
        values.Epochs + 1, BatchSize, values.Rate, Momentum, WeightDecay, RateSchedule.Constant)
    {
        Augmentation = augmentation,
        FreshAt = values.Epochs / 2 + 2,
    };

    /// <inheritdoc/>
    public override string DescribeSteps(TrainingPlan plan) => FormattableString.Invariant(
        $"SGD {plan.Rate} (after {plan.FreshAt} a new optimiser with /10), momentum {plan.Momentum}, ");
}
