namespace InfMatch.Methods;

/// <summary>
/// Dataset condensation by gradient matching (Zhao, Mopuri and Bilen, DC, ICLR 2021); see <see cref="GradientMatching"/>. Published
/// with hard labels, images that start as noise, 1,000 iterations of as many outer steps as images per class at the rate 0.1 with
/// momentum 0.5, on networks of width 128 without augmentation.
/// </summary>
public class DatasetCondensation : DistillationMethod
{
    /// <inheritdoc/>
    public override string Name => "dc";

    /// <inheritdoc/>
    public override string Help => "dataset condensation by gradient matching (Zhao, Mopuri and Bilen, ICLR 2021)";

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.RealClasses | MethodNeeds.Networks;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings => GradientMatching.Settings;

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
        [.. GradientMatching.Published(at.Ipc), ("ImageStart", "noise"), ("MatchAugment", "none")];

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) => new GradientMatching(context);
}
