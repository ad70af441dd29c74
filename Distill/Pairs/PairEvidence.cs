using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>
/// What is known of a set of pairs when its verdict is made. The rule: the mean of its recalls is compared with that of the best other
/// small set, a choice of real pairs or these with a learned similarity, by <see cref="AccuracyDifference"/>. S diverged where it is not
/// better and a quarter of its features are far outside; or where it is worse than random real pairs, and its recalls are those of
/// guessing, or its loss ended near that of an empty set, or above its start in the same places.
/// </summary>
internal sealed record PairEvidence
{
    private const double MostFar = 0.25, FarDeviations = 100;

    // R@1, R@5 and R@10: the means of both directions are the same under guessing.
    private const double RanksOnAverage = (1 + 5 + 10) / 3.0;

    /// <summary>The rows.</summary>
    public required RetrievalResult Result { get; init; }

    /// <summary>By what S was learned and evaluated.</summary>
    public required RunSettings Settings { get; init; }

    /// <summary>Among how many images a text is to find its own.</summary>
    public required int Images { get; init; }

    /// <summary>The share of the features of S that are far outside.</summary>
    public required double Far { get; init; }

    /// <summary>The loss, best measured in fixed places; null where the set was only evaluated.</summary>
    public LossCourse? Loss { get; init; }

    /// <summary>The share of the features of S that lie more than 100 deviations away from the data's mean.</summary>
    public static double FarOf(SyntheticSet set)
    {
        float[] features = [.. set.Parts
            .Where(part => part.Name is SyntheticPairs.ImagesPart or SyntheticPairs.TextsPart or SyntheticSet.ImagesPart)
            .SelectMany(part => part.Value.ToArray<float>())];
        return features.Count(x => Math.Abs(x) > FarDeviations) / (double)features.Length;
    }

    /// <summary>The verdict; null where S or all that it is compared with is not evaluated.</summary>
    public Verdict? Decide()
    {
        RetrievalRow[] others = [.. Result.Rows.Where(row => row.Name is not (PairRows.Distilled or PairRows.Full))];
        if (Result.Row(PairRows.Distilled)?.Means is not { } distilled || others.MaxBy(row => row.Means.Mean) is not { } best)
            return null;
        var difference = AccuracyDifference.Of(distilled, best.Means, Images);
        string counts = $"{distilled.Runs.Count} and {best.Runs.Count} {(distilled.Runs.Count + best.Runs.Count == 2 ? "network" : "networks")}";
        string beside = others.Length == 1 ? best.Name : $"{best.Name}, the best of {others.Length} other sets";
        string numbers = difference.TellsNothing
            ? $"{difference} {beside}; {counts} are too few to tell"
            : $"{difference} {beside} (95 % confidence, {counts})";
        bool isAbove = difference.Value > difference.HalfWidth;
        if (!isAbove && Signs(distilled) is { Length: > 0 } signs)
            return new Verdict(Verdict.Diverged, $"{signs}; {numbers}") { Next = Loss is null ? null : LowerRate() };
        if (isAbove)
            return new Verdict(Verdict.Better, numbers) { Next = Loss is { FallsAtEnd: true } ? Advice.MoreIterations(Settings) : null };
        return difference.IsWithin
            ? new Verdict(Verdict.Within, difference.TellsNothing ? numbers : $"{numbers}, which chance explains")
            {
                Next = (Advice.UpdatesComeFirst(difference, Loss) ? Advice.MoreIterations(Settings) : null)
                    ?? Advice.MoreRepeats(difference, distilled.Runs.Count) ?? (Loss is null ? null : Further()),
            }
            : new Verdict(Verdict.Worse, numbers)
            {
                Next = Loss is null ? null : Loss is { FallsAtEnd: true } ? Advice.MoreIterations(Settings) : LowerRate(),
            };
    }

    // What tells a set that was destroyed from one that is merely no better; empty for nothing.
    private string Signs(Accuracy distilled)
    {
        var signs = new List<string>();
        if (Far > MostFar)
        {
            signs.Add(FormattableString.Invariant(
                $"{100 * Far:F0} % of the features are more than {FarDeviations} deviations from the mean"));
        }
        if (Result.Row(PairSettings.Random)?.Means is not { } random
            || AccuracyDifference.Of(distilled, random, Images) is var below && below.Value >= -below.HalfWidth)
        {
            return string.Join("; ", signs);
        }
        double chance = Math.Min(100, 100 * RanksOnAverage / Images);
        if (distilled.Mean <= chance + AccuracyDifference.CountingError(chance, Images))
            signs.Add(FormattableString.Invariant($"the mean of the recalls {distilled.Mean:F1} is that of guessing"));
        if (Loss?.DivergenceOf(Settings.MethodKind) is { } sign)
            signs.Add(sign);
        return string.Join("; ", signs);
    }

    private (string Option, double? Rate) OfImages => PairSettings.HasPixels(Settings)
        ? ("--lr-pixels", PairSettings.PixelRateOf(Settings))
        : ("--lr-image-features", Settings.LrImageFeatures);

    private string LowerRate() => FormattableString.Invariant(
        $"half of {OfImages.Option} and --lr-text-features: {OfImages.Rate / 2:R} and {Settings.LrTextFeatures / 2:R}");

    private string Further() => Loss is { FallsAtEnd: true }
        ? Advice.MoreIterations(Settings)
        : FormattableString.Invariant(
            $"{Advice.TwiceTheUpdates(Settings)}, or other {OfImages.Option} and --lr-text-features than ") +
          FormattableString.Invariant($"{OfImages.Rate:R} and {Settings.LrTextFeatures:R}");
}
