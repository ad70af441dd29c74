using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>What runs without arguments: a minute or two on two cores.</summary>
internal sealed class DemoPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "demo";

    /// <inheritdoc/>
    public override string Help => "A first look on the built-in images, in a minute or two on two cores.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Dataset", "fashion-mnist-small"), ("Ipc", "1 10"), ("Method", "influence"), ("Estimator", "trajectory-matching"),
        ("SyntheticRate", "0.08"), ("Iterations", "250"), ("Width", "32"), ("Depth", "3"),
        ("LrImg", "500"), ("LrLabel", "20"), ("MomentumImg", "0.5"), ("MomentumLabel", "0.9"), ("RateSchedule", "cosine"),
        ("Weight", "closed-form"), ("ClassWise", "off"), ("MatchAugment", "none"), ("Threshold", "1.5"), ("Temperature", "1"),
        ("LabelStart", "hard"), ("RealBatch", "100"),
        ("Window", "2"), ("StartFirst", "3"), ("StartLast", "12"), ("StartGrowth", "200"),
        ("Experts", "3"), ("ExpertEpochs", "3"), ("ExpertSteps", "0"), ("ExpertBatch", "64"), ("ExpertRate", "0.05"),
        ("ExpertAugment", "none"), ("ExpertSchedule", "cosine"), ("Checkpoints", "6"), ("DenseSteps", "0"),
        ("Epochs", "100"), ("Repeats", "3"), ("EvalWidth", "32"), ("EvalRate", "0.02"), ("Augment", "none"),
        ("EvaluateEvery", "50"), ("EvaluateEpochs", "40"), ("ProbeEvery", "25"), ("SaveEvery", "20"),
        ("Seed", "0"), ("Threads", "0"), ("Device", "auto"), ("Out", "runs"),
    ];

    // One image per class is few: four tiles in it are worth more than their detail.
    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> ValuesAt(PublishedCase at) => at.Ipc == 1 ? [("Factor", "2")] : [];
}
