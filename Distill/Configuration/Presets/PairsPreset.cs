namespace InfMatch.Distill;

/// <summary>Image-text pairs by first-order matching on a window at the beginning of training.</summary>
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
        ("Dataset", "pairs-demo"), ("Pairs", "100"), ("Iterations", "150"), ("Optimiser", "adam"),
        ("LrImageFeatures", "0.05"), ("LrTextFeatures", "0.05"), ("LrSimilarity", "0.05"),
        ("Window", "8"), ("StartFirst", "1"), ("StartLast", "1"), ("StartGrowth", "0"),
        ("Experts", "5"), ("ExpertEpochs", "2"), ("ExpertBatch", "128"), ("ExpertRate", "0.1"), ("ExpertSchedule", "constant"),
        ("Checkpoints", "8"), ("Epochs", "100"), ("EvalRate", "0.1"), ("FullEpochs", "15"), ("FullRate", "0.05"),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> ValuesOf(string method) => method switch
    {
        "mtt" or "datm" => [("SyntheticSteps", "8"), ("Window", "8"), ("StartLast", "1"), ("SyntheticRate", "0.3"), ("LrRate", "0.003")],
        _ => [],
    };
}
