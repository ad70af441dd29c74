namespace InfMatch.Methods;

/// <summary>
/// Gradient matching under differentiable siamese augmentation (Zhao and Bilen, DSA, ICML 2021): real and synthetic images of a
/// class share one draw, and the network trains on augmented images of S; see <see cref="GradientMatching"/>. Published as DC, with
/// images that start as real ones.
/// </summary>
public sealed class SiameseAugmentation : DatasetCondensation
{
    /// <inheritdoc/>
    public override string Name => "dsa";

    /// <inheritdoc/>
    public override string Help => "gradient matching under siamese augmentation (Zhao and Bilen, ICML 2021)";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
        [.. GradientMatching.Published(at.Ipc), ("ImageStart", "real"), ("MatchAugment", "auto"), ("Augment", "auto")];
}
