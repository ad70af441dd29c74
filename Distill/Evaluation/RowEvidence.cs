using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>How a loss went over a distillation.</summary>
/// <param name="First">At the beginning.</param>
/// <param name="Last">At the end.</param>
/// <param name="FallsAtEnd">Whether it was still falling.</param>
/// <param name="IsFixed">Whether it was measured in the same places each time; else each update had places of its own.</param>
internal readonly record struct LossCourse(double First, double Last, bool FallsAtEnd, bool IsFixed)
{
    private const double Fall = 0.99, NearEmpty = 0.98, Rise = 1.02;

    /// <summary>Of the losses of updates: means of the first and the last tenth; null for none.</summary>
    public static LossCourse? OfUpdates(IReadOnlyList<double> losses)
    {
        if (losses.Count == 0)
            return null;
        int tenth = Math.Max(1, losses.Count / 10);
        double last = losses.TakeLast(tenth).Average(), before = losses.SkipLast(tenth).TakeLast(tenth).DefaultIfEmpty(last).Average();
        return new LossCourse(losses.Take(tenth).Average(), last, last < Fall * before, IsFixed: false);
    }

    /// <summary>Of losses in fixed places, in their order; null where there are not two.</summary>
    public static LossCourse? OfFixed(IReadOnlyList<double> losses) => losses.Count < 2
        ? null
        : new LossCourse(losses[0], losses[^1], losses[^1] < Fall * losses[^2], IsFixed: true);

    /// <summary>What tells of a set that was destroyed: the loss ended near that of an empty set, or above its start in the same places.
    /// Null for nothing.</summary>
    /// <param name="method">What the loss is of.</param>
    public string? DivergenceOf(DistillationMethod method) => method.LossOfEmptySet is { } empty && Last >= NearEmpty * empty
        ? FormattableString.Invariant($"{method.LossName} ended at {Last:F3}, and an empty set has {empty:F0}")
        : IsFixed && Last > Rise * First
            ? FormattableString.Invariant($"{method.LossName} in fixed places rose from {First:F3} to {Last:F3}")
            : null;
}

/// <summary>
/// What is known of a row when its verdict is made. The rule: S is compared with random real images under soft labels, or
/// under hard ones where those are not evaluated, by <see cref="AccuracyDifference"/>. It diverged where it is not better and a
/// quarter of its pixels are far outside; or where it is worse than random real images, and its accuracy is that of guessing, or
/// its loss ended near that of an empty set, or above its start in the same places.
/// </summary>
internal sealed record RowEvidence
{
    private const double MostFar = 0.25, WideCount = 5;

    /// <summary>The accuracies.</summary>
    public required AccuracySet Accuracy { get; init; }

    /// <summary>By what S was learned and evaluated.</summary>
    public required RunSettings Settings { get; init; }

    /// <summary>M.</summary>
    public required int Classes { get; init; }

    /// <summary>How many test images there are.</summary>
    public required int TestImages { get; init; }

    /// <summary>What these images are.</summary>
    public string Images { get; init; } = "test images";

    /// <summary>The pixels of S.</summary>
    public required PixelExtent Pixels { get; init; }

    /// <summary>The loss, best measured in fixed places; null where the set was only evaluated.</summary>
    public LossCourse? Loss { get; init; }

    /// <summary>The verdict; null where S or all that it is compared with is not evaluated.</summary>
    public Verdict? Decide()
    {
        if (Accuracy.Distilled is not { } distilled || Accuracy.Beside is not { } beside)
            return null;
        string what = (Accuracy.RandomRealSoftLabels is null
            ? (ResultColumn)ResultColumn.Of<RandomRealColumn>() : ResultColumn.Of<RandomRealSoftLabelsColumn>()).Title;
        var difference = AccuracyDifference.Of(distilled, beside, TestImages);
        bool isBelowRandom = Accuracy.RandomReal is { } random && IsBelow(AccuracyDifference.Of(distilled, random, TestImages));
        string networks = distilled.Runs.Count + beside.Runs.Count == 2 ? "network" : "networks";
        string counts = $"{distilled.Runs.Count} and {beside.Runs.Count} {networks}";
        string numbers = difference.TellsNothing
            ? $"{difference} {what}; {counts} are too few to tell"
            : $"{difference} {what} (95 % confidence, {counts})";
        if (!IsAbove(difference) && Signs(distilled, isBelowRandom) is { Length: > 0 } signs)
            return new Verdict(Verdict.Diverged, $"{signs}; {numbers}") { Next = Loss is null ? null : LowerRate() };
        double counting = AccuracyDifference.CountingError(distilled.Mean, TestImages);
        string few = counting > WideCount
            ? FormattableString.Invariant(
                $"; {TestImages} {Images} alone make up to ±{AccuracyDifference.LargestCountingError(TestImages):F0}")
            : "";
        return IsAbove(difference)
            ? new Verdict(Verdict.Better, numbers + few) { Next = Loss is { FallsAtEnd: true } ? MoreIterations() : null }
            : IsBelow(difference)
                ? new Verdict(Verdict.Worse, numbers + (isBelowRandom ? ", and under random real" : "") + few)
                {
                    Next = Loss is null ? null : Loss is { FallsAtEnd: true } ? MoreIterations() : LowerRate(),
                }
                : new Verdict(Verdict.Within, difference.TellsNothing ? numbers + few : $"{numbers}, which chance explains{few}")
                {
                    Next = Sharpen(difference, distilled, counting),
                };
    }

    private static bool IsAbove(AccuracyDifference d) => d.Value > d.HalfWidth;

    private static bool IsBelow(AccuracyDifference d) => d.Value < -d.HalfWidth;

    // What tells a set that was destroyed from one that is merely no better; empty for nothing.
    private string Signs(Accuracy distilled, bool isBelowRandom)
    {
        var signs = new List<string>();
        if (Pixels.Far > MostFar)
            signs.Add(FormattableString.Invariant($"{100 * Pixels.Far:F0} % of the pixels are below −255 or above 510"));
        double chance = 100.0 / Classes;
        if (isBelowRandom && distilled.Mean <= chance + AccuracyDifference.CountingError(chance, TestImages))
            signs.Add(FormattableString.Invariant($"the accuracy {distilled.Mean:F1} is that of guessing"));
        if (isBelowRandom && Loss?.DivergenceOf(Settings.MethodKind) is { } sign)
            signs.Add(sign);
        return string.Join("; ", signs);
    }

    private string LowerRate()
    {
        double usual = Presets.Standard.LrImg, half = Settings.LrImg / 2;
        bool isFarAbove = Settings.MethodName == Presets.Standard.MethodName && half > usual;
        return isFarAbove
            ? FormattableString.Invariant($"a lower --lr-img: {usual:R}, as presets have it, and not {Settings.LrImg:R}")
            : FormattableString.Invariant($"half of --lr-img: {half:R}");
    }

    private string MoreIterations() => Advice.MoreIterations(Settings);

    private string Sharpen(AccuracyDifference difference, Accuracy distilled, double counting)
    {
        // A set can be destroyed by one gradient and still be no worse than random images.
        if (Loss?.DivergenceOf(Settings.MethodKind) is { } lost)
            return $"{(Settings.ClipSpikes is null ? "--clip-spikes 10, or " : "")}{LowerRate()}: {lost}";
        if (counting > WideCount && counting > Math.Abs(difference.Value))
            return $"more {Images}: {TestImages} are too few to tell";
        if (Advice.UpdatesComeFirst(difference, Loss))
            return MoreIterations();
        if (Advice.MoreRepeats(difference, distilled.Runs.Count) is { } repeats)
            return repeats;
        return Loss is null ? "--repeats 20: if the difference stays as small, there is none"
            : Loss is { FallsAtEnd: true } ? MoreIterations()
            : FormattableString.Invariant($"{Advice.TwiceTheUpdates(Settings)}, or another --lr-img than {Settings.LrImg:R}");
    }
}
