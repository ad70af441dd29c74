using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>First-order matching on short windows that begin early: the cheapest update, and the values from which other presets start.</summary>
internal sealed class FirstOrderPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "first-order";

    /// <inheritdoc/>
    public override string? Base => "demo";

    /// <inheritdoc/>
    public override string Help => "First-order matching on short, early windows, as small as the demonstration.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Estimator", "first-order"), ("SyntheticRate", "0"), ("Iterations", "200"), ("LrImg", "800"), ("LrLabel", "15"),
        ("StartFirst", "4"), ("StartLast", "24"), ("Checkpoints", "16"), ("Epochs", "200"), ("EvalRate", "0.01"),
    ];

    /// <summary>One tile in each image, whatever their number.</summary>
    public override IReadOnlyList<(string Property, string Text)> ValuesAt(PublishedCase at) => [("Factor", "1")];
}
