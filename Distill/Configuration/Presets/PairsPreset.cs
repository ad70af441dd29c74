namespace InfMatch.Distill;

/// <summary>Image-text pairs by trajectory-matching over the first ten epochs, one step on S for each. Source: docs/vision-language.md,
/// "Windows".</summary>
internal sealed class PairsPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => Presets.UsualOfPairs;

    /// <inheritdoc/>
    public override string? Base => Presets.Usual;

    /// <inheritdoc/>
    public override string Help => "The values for image-text pairs where no preset is named.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Dataset", "pairs-demo"), ("Pairs", "100"), ("Estimator", "trajectory-matching"), ("Iterations", "300"), ("Optimiser", "adam"),
        ("LrImageFeatures", "0.05"), ("LrTextFeatures", "0.05"), ("SyntheticRate", "0.7"),
        ("Window", "10"), ("StartFirst", "1"), ("StartLast", "1"), ("StartGrowth", "0"), ("HeadSize", "512"),
        ("Experts", "5"), ("ExpertEpochs", "10"), ("ExpertBatch", "128"), ("ExpertRate", "0.1"), ("ExpertSchedule", "constant"),
        ("Checkpoints", "1"), ("Epochs", "100"), ("EvalRate", "0.2"), ("FullEpochs", "25"), ("FullRate", "0.05"),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> ValuesOf(string method) => method switch
    {
        "mtt" => s_walks,
        "datm" => [.. s_walks, ("StartFirst", "1")],
        _ => [],
    };

    private static readonly (string Property, string Text)[] s_walks =
        [("SyntheticSteps", "10"), ("StartLast", "1"), ("SyntheticRate", "0.7"), ("LrRate", "0.003")];
}
