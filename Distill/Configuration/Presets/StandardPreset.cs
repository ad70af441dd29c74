namespace InfMatch.Distill;

/// <summary>For real runs: wider, longer, evaluated as in the literature.</summary>
internal sealed class StandardPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "standard";

    /// <inheritdoc/>
    public override string? Base => "first-order";

    /// <inheritdoc/>
    public override string Help => "The values where no preset is named: wider networks, evaluated as in the literature.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Ipc", "10"), ("Iterations", "400"), ("RealBatch", "200"), ("StartFirst", "16"), ("StartLast", "48"),
        ("Experts", "4"), ("ExpertEpochs", "4"), ("Checkpoints", "64"),
        ("Epochs", "1000"), ("Repeats", "5"), ("EvalWidth", "128"), ("EvaluateEvery", "0"), ("EvaluateEpochs", "0"),
        ("ProbeEvery", "auto"), ("SaveEvery", "25"),
    ];
}
