namespace InfMatch.Methods;

/// <summary>
/// Matching training trajectories (Cazenavette et al., CVPR 2022): N steps on S from an expert's θ*_s are to end where the expert was
/// M epochs later; S and the rate η_S of the steps are learned. Published for CIFAR-10, CIFAR-100
/// and Tiny ImageNet, at 1, 10 and 50 images a class; other data sets take the values of CIFAR-10, other numbers of
/// images those of the nearest below. The rates of S are those of the benchmark DC-BENCH, under which η_S does not
/// explode. Experts store a checkpoint an epoch and train by plain SGD, which S can imitate.
/// </summary>
public sealed class TrajectoryMatching : ParameterMatching
{
    /// <inheritdoc/>
    public override string Name => "mtt";

    /// <inheritdoc/>
    public override string Help => "matching training trajectories with a learned rate (Cazenavette et al., CVPR 2022)";

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at)
    {
        int size = at.Ipc < 10 ? 0 : at.Ipc < 50 ? 1 : 2;
        // Steps, epochs, last start, rate of images, rate of the rate, first rate, rows of S in a step, whitening.
        (string N, string M, string Last, string Lr, string LrRate, string Rate, string Batch, string Zca) own = (at.Dataset, size) switch
        {
            ("cifar-100", 0) => ("20", "3", "20", "1000", "1E-05", "0.01", "0", "0.1"),
            ("cifar-100", 1) => ("20", "2", "20", "1000", "1E-05", "0.01", "0", "none"),
            ("cifar-100", _) => ("80", "2", "40", "1000", "1E-05", "0.01", "125", "0.1"),
            ("tiny-imagenet", 0) => ("10", "2", "10", "10000", "0.0001", "0.01", "0", "none"),
            ("tiny-imagenet", 1) => ("20", "2", "40", "10000", "0.0001", "0.01", "200", "none"),
            ("tiny-imagenet", _) => ("20", "2", "40", "10000", "0.0001", "0.01", "300", "none"),
            (_, 0) => ("50", "2", "2", "100", "1E-07", "0.01", "0", "0.1"),
            (_, 1) => ("30", "2", "20", "100", "1E-05", "0.001", "0", "0.1"),
            _ => ("30", "2", "40", "1000", "1E-05", "0.001", "0", "none"),
        };
        return
        [
            .. PublishedExperts.Mtt,
            ("Iterations", "5000"), ("LrImg", own.Lr), ("MomentumImg", "0.5"), ("RateSchedule", "constant"), ("BatchSyn", own.Batch),
            ("SyntheticSteps", own.N), ("Window", own.M), ("StartLast", own.Last), ("SyntheticRate", own.Rate), ("LrRate", own.LrRate),
            ("ImageStart", "real"), ("Labels", "hard"), ("MatchAugment", "auto"), ("Zca", own.Zca),
            ("Width", "128"), ("Depth", at.Dataset == "tiny-imagenet" ? "4" : "3"),
            ("Protocol", "A"), ("Augment", "auto"), ("EvalWidth", "128"), ("EvalRate", "learned"),
        ];
    }

    /// <inheritdoc/>
    protected override WindowPlan StartsOf(MethodValues values)
    {
        int last = StartLast.Of(values);
        return new WindowPlan(Window.Of(values), 0, last, last, 0);
    }
}
