namespace InfMatch.Distill;

/// <summary>Distribution matching as its authors ran it (Zhao and Bilen, WACV 2023); for 100 images a class they took ten times the
/// rate. The method reads no experts: the one that is trained serves the columns beside the set.</summary>
internal sealed class DistributionMatchingPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "dm";

    /// <inheritdoc/>
    public override string? Base => "standard";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Method", "dm"), ("RealBatch", "256"), ("Iterations", "20000"), ("Width", "128"), ("LrImg", "1"), ("MomentumImg", "0.5"),
        ("RateSchedule", "constant"), ("MatchAugment", "auto"), ("ImageStart", "real"), ("Labels", "hard"), ("Experts", "1"),
        ("Augment", "auto"), ("SaveEvery", "500"),
    ];
}
