namespace InfMatch.Distill;

/// <summary>The numbers of LoRS for a hundred pairs of Flickr30K, where it learns pixels through a network in training: run here on
/// features and reported as they are. Source: Xu et al., "Low-Rank Similarity Mining for Multimodal Dataset Distillation" (ICML 2024).
/// </summary>
internal sealed class LorsPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "lors";

    /// <inheritdoc/>
    public override string? Base => "mtt-vl";

    /// <inheritdoc/>
    public override string Help => "The published settings of LoRS for image-text pairs.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("PairLoss", "wbce"), ("SimilarityRank", "10"), ("SimilarityScale", "3"), ("BatchSyn", "20"),
        ("LrImageFeatures", "100"), ("LrTextFeatures", "100"), ("LrSimilarity", "10"),
    ];
}
