namespace InfMatch.Distill;

/// <summary>A second stage on S's own path, from a set that was matched: what the best set of one image per class of Fashion-MNIST
/// went through, small enough for two cores. Source: docs/theory.md, "On S's own path".</summary>
internal sealed class OwnPathPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "own-path";

    /// <inheritdoc/>
    public override string? Base => "trajectory";

    /// <inheritdoc/>
    public override string Help => "A second stage for a set that was matched (--start-from): by rat, on the path of its own.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Method", "rat"), ("Window", "20"), ("MostSteps", "120"), ("RealBatch", "500"), ("InnerOptimiser", "sgd"), ("InnerRate", "0.01"),
        ("Optimiser", "adam"), ("RateSchedule", "cosine"), ("LrImg", "0.01"), ("LrLabel", "0.01"), ("Iterations", "300"),
    ];
}
