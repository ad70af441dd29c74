using InfMatch.Distill;
using InfMatch.Nn;

namespace InfMatch.Tests.Toys;

/// <summary>A protocol in one file: two epochs at a large rate.</summary>
internal sealed class ToyProtocol : Protocol
{
    public override string Name => "toy";

    public override string Help => "as nobody does (two epochs)";

    public override IReadOnlyList<(string Property, Func<EvaluationValues, string> Text)> Values { get; } =
        [("Epochs", _ => "2"), ("Repeats", _ => "1"), ("EvalRate", _ => "0.05"), ("Augment", _ => "none")];

    public override TrainingPlan Plan(EvaluationValues values, Augmentation augmentation) => new(
        values.Epochs, BatchSize, values.Rate, Momentum, WeightDecay, RateSchedule.Constant, augmentation);

    public override string DescribeSteps(TrainingPlan plan) => FormattableString.Invariant($"toy steps of {plan.Rate}, ");
}
