namespace InfMatch.Distill;

/// <summary>The numbers of MTT-VL for a hundred pairs of Flickr30K, where they learn pixels through a network in training: run here on
/// features and reported as they are. Source: Wu et al., "Vision-Language Dataset Distillation" (TMLR 2024).</summary>
internal sealed class MttVlPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "mtt-vl";

    /// <inheritdoc/>
    public override string? Base => Presets.UsualOfPairs;

    /// <inheritdoc/>
    public override string Help => "The published settings of MTT-VL for image-text pairs.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Method", "mtt"), ("Iterations", "3000"), ("Optimiser", "sgd"), ("RateSchedule", "constant"),
        ("LrImageFeatures", "1000"), ("LrTextFeatures", "1000"), ("SyntheticRate", "0.1"), ("LrRate", "0.01"),
        ("SyntheticSteps", "8"), ("Window", "1"), ("StartLast", "2"), ("Experts", "20"), ("EvalRate", "learned"),
    ];
}
