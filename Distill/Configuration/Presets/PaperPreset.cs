using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>
/// What the paper of influence matching (CVPR 2026, section 5) states of its settings, and nothing that was tuned here: the paper's form of
/// influence without a free weight, SGD with momentum 0.9 on batches of 50 synthetic images, the rates 50 and 7, real initialisation, soft
/// labels that begin as the final networks' and are learned, a range of windows that grows, ten networks of evaluation. No step is
/// skipped, because the paper names no threshold. What it does not state is as in standard, the evaluation as in its table (B).
/// </summary>
internal sealed class PaperPreset : Preset
{
    /// <inheritdoc/>
    public override string Name => "paper";

    /// <inheritdoc/>
    public override string? Base => "standard";

    /// <inheritdoc/>
    public override string Help => "What the paper of influence matching states of its settings, as it stands there.";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Values { get; } =
    [
        ("Method", "influence"), ("Estimator", "paper"), ("Weight", "fixed"), ("ClassWise", "off"), ("Threshold", "1e30"),
        ("Optimiser", "sgd"), ("MomentumImg", "0.9"), ("MomentumLabel", "0.9"), ("BatchSyn", "50"), ("LrImg", "50"), ("LrLabel", "7"),
        ("RateSchedule", "constant"), ("ImageStart", "real"), ("Labels", "learned"), ("LabelStart", "experts"),
        ("Width", "128"), ("EvalWidth", "128"), ("Protocol", "B"), ("Repeats", "10"),
    ];

    /// <summary>Three blocks, four on Tiny-ImageNet.</summary>
    public override IReadOnlyList<(string Property, string Text)> ValuesAt(PublishedCase at) =>
        [("Depth", at.Dataset == "tiny-imagenet" ? "4" : "3")];
}
