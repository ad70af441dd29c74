namespace InfMatch.Distill;

/// <summary>Training on S itself, held against experts of large batches, both under the augmentation of the evaluation: the best
/// sets of ten images and more a class (docs/results.md), which take longer.</summary>
internal sealed class TrajectoryPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "trajectory";

    /// <inheritdoc/>
    public override string? Base => "standard";

    /// <inheritdoc/>
    public override IReadOnlyList<string> OlderNames { get; } = ["retrained"];

    /// <inheritdoc/>
    public override string Help => "The best sets on full data sets, by matching trajectories; takes longer.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Estimator", "trajectory-matching"), ("SyntheticRate", "0.02"), ("Iterations", "600"), ("LrImg", "500"), ("LrLabel", "20"),
        ("LabelStart", "experts"), ("MatchAugment", "auto"), ("SecondDerivatives", "one-sided"),
        ("Window", "20"), ("StartFirst", "20"), ("StartLast", "150"), ("StartGrowth", "300"),
        ("Experts", "10"), ("ExpertBatch", "256"), ("ExpertAugment", "auto"), ("ExpertSchedule", "constant"),
        ("Checkpoints", "47"), ("Augment", "auto"),
    ];
}
