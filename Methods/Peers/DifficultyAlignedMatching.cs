namespace InfMatch.Methods;

/// <summary>
/// Difficulty-aligned trajectory matching (Guo et al., ICLR 2024): <see cref="TrajectoryMatching"/> from a range of starts that moves
/// from early to late, min … cur + (max − cur)·it/growth, with learned soft labels that start at the mean logits of the experts
/// that are right, and no update of anything where J is above a threshold or not finite: velocities stay, too.
/// Published for CIFAR-10, CIFAR-100 and Tiny ImageNet, at 1, 10 and 50 images a class; other data sets take the values of CIFAR-10,
/// other numbers of images those of the nearest below. Experts train by GSAM for 100 epochs and store a checkpoint an epoch.
/// </summary>
public sealed class DifficultyAlignedMatching : ParameterMatching
{
    /// <summary>Where walks begin at the earliest.</summary>
    public static WholeSetting StartMin { get; } = new(
        "StartMin", "The first checkpoint at which a walk may begin.", 0, 0, 1 << 20);

    /// <summary>The end of the range of starts at first.</summary>
    public static WholeSetting StartFirst { get; } = new(
        "StartFirst", "Walks begin below this checkpoint at first.", 10, 1, 1 << 20);

    /// <summary>How long the range grows.</summary>
    public static WholeSetting StartGrowth { get; } = new(
        "StartGrowth", "Iterations over which the range of beginnings grows; 0 for at once.", 1000, 0, 10_000_000);

    /// <summary>The largest J of an update.</summary>
    public static RealSetting Threshold { get; } = new("Threshold", "Steps with a larger relative J are skipped.", 1);

    /// <inheritdoc/>
    public override string Name => "datm";

    /// <inheritdoc/>
    public override string Help => "difficulty-aligned trajectory matching with learned labels (Guo et al., ICLR 2024)";

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings => [.. base.Settings, StartMin, StartFirst, StartGrowth, Threshold];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at)
    {
        int size = at.Ipc < 10 ? 0 : at.Ipc < 50 ? 1 : 2;
        // Steps, epochs, rates of images and labels, rows of S in a step, earliest, first and last start, growth.
        (string N, string M, string Lr, string LrLabel, string Batch, string Min, string First, string Last, string Growth) own =
            (at.Dataset, size) switch
            {
                ("cifar-100", 0) => ("40", "3", "1000", "10", "1000", "0", "10", "20", "1000"),
                ("cifar-100", 1) => ("80", "2", "1000", "10", "1000", "0", "30", "50", "2000"),
                ("cifar-100", _) => ("80", "2", "1000", "10", "1000", "20", "70", "70", "0"),
                ("tiny-imagenet", 0) => ("40", "2", "10000", "10", "1000", "0", "15", "20", "2000"),
                ("tiny-imagenet", 1) => ("40", "2", "100", "10", "500", "10", "50", "50", "0"),
                ("tiny-imagenet", _) => ("20", "2", "100", "10", "1000", "40", "70", "70", "0"),
                (_, 0) => ("80", "2", "100", "5", "0", "0", "4", "4", "0"),
                (_, 1) => ("80", "2", "100", "2", "0", "0", "10", "20", "1000"),
                _ => ("80", "2", "1000", "2", "0", "0", "20", "40", "2000"),
            };
        bool isLargest = at.Dataset == "cifar-100" && size == 2; // whose images start as any real ones
        bool isTiny = at.Dataset == "tiny-imagenet", isSmallest = size == 0 && !isTiny && at.Dataset != "cifar-100";
        return
        [
            .. PublishedExperts.Datm,
            ("Iterations", "10000"), ("LrImg", own.Lr), ("MomentumImg", "0.5"), ("LrLabel", own.LrLabel), ("MomentumLabel", "0.9"),
            ("RateSchedule", "constant"), ("BatchSyn", own.Batch), ("SyntheticSteps", own.N), ("Window", own.M),
            ("StartMin", own.Min), ("StartFirst", own.First), ("StartLast", own.Last), ("StartGrowth", own.Growth),
            ("Threshold", isSmallest ? "1.1" : "1"), ("SyntheticRate", "0.01"),
            ("LrRate", isSmallest ? "1E-07" : isTiny ? "0.0001" : "1E-05"),
            ("ImageStart", isLargest ? "real" : "correct"), ("Labels", "learned"), ("LabelStart", isLargest ? "experts" : "right"),
            ("Temperature", "1"),
            ("MatchAugment", "auto"), ("Width", "128"), ("Depth", isTiny ? "4" : "3"),
            ("Protocol", "A"), ("Augment", "auto"), ("EvalWidth", "128"), ("EvalRate", "learned"),
        ];
    }

    /// <inheritdoc/>
    public override void Check(MethodValues values, ExpertPlan experts)
    {
        (int min, int first, int last) = (StartMin.Of(values), StartFirst.Of(values), StartLast.Of(values));
        if (first <= min)
            throw new SettingException(StartFirst.Name, $"{first}", $"a number above --start-min ({min})");
        if (last < first)
            throw new SettingException(StartLast.Name, $"{last}", $"a number from --start-first ({first}) on");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> CountingCheckpoints(MethodValues values) =>
        [.. base.CountingCheckpoints(values), StartMin, StartFirst];

    /// <inheritdoc/>
    protected override WindowPlan StartsOf(MethodValues values) => new(
        Window.Of(values), StartMin.Of(values), StartFirst.Of(values), StartLast.Of(values), StartGrowth.Of(values));

    /// <inheritdoc/>
    protected override double ThresholdOf(MethodValues values) => Threshold.Of(values);
}
