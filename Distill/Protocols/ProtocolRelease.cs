namespace InfMatch.Distill;

/// <summary>Influence matching (CVPR 2026) as its authors released it: NCFM's with a weight decay of 0, which is the default of their
/// eval_weight_decay.</summary>
internal sealed class ProtocolRelease : ProtocolB
{
    /// <inheritdoc/>
    public override string Name => "release";

    /// <inheritdoc/>
    public override string Help => "that of influence matching as released: B with decay 0";

    /// <inheritdoc/>
    protected override double Decay => 0;
}
