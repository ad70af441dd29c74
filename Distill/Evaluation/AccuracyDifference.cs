namespace InfMatch.Distill;

/// <summary>How much one accuracy is above another, in points of percent, and how much of that chance can explain.</summary>
/// <param name="Value">The difference of the means.</param>
/// <param name="HalfWidth">Half of the 95 % confidence interval; 0 or more.</param>
internal readonly record struct AccuracyDifference(double Value, double HalfWidth)
{
    private const double NormalQuantile = 1.96, Most = 100;

    // Student's t, 97.5 %, for 1, 2, … degrees of freedom.
    private static readonly double[] s_quantiles = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];

    /// <summary>Whether the interval holds every difference that there can be: the networks are too few to tell.</summary>
    public bool TellsNothing => HalfWidth >= Most;

    /// <summary>Whether chance can explain it.</summary>
    public bool IsWithin => Math.Abs(Value) <= HalfWidth;

    /// <summary>
    /// Of two means over networks: ± t·√(s₁²/n₁ + s₂²/n₂), t of Welch's degrees of freedom. Where one of them is a single
    /// network, and so has no deviation, the error of counting on the test images stands in. One test image more is never a
    /// difference.
    /// </summary>
    public static AccuracyDifference Of(Accuracy one, Accuracy other, int testImages)
    {
        double half = one.Runs.Count < 2 || other.Runs.Count < 2
            ? Math.Sqrt(Square(CountingError(one.Mean, testImages)) + Square(CountingError(other.Mean, testImages)))
            : OfNetworks(Square(one.Std) / one.Runs.Count, one.Runs.Count, Square(other.Std) / other.Runs.Count, other.Runs.Count);
        return new AccuracyDifference(one.Mean - other.Mean, Math.Clamp(half, 100.0 / testImages, Most));
    }

    /// <summary>Of the means of two or more seeds each, by the same rule over seeds in the place of networks.</summary>
    public static AccuracyDifference OfSeeds(IReadOnlyList<double> one, IReadOnlyList<double> other)
    {
        Spread first = Spread.OfAll(one), second = Spread.OfAll(other);
        double half = OfNetworks(Square(first.Deviation) / one.Count, one.Count, Square(second.Deviation) / other.Count, other.Count);
        return new AccuracyDifference(first.Mean - second.Mean, Math.Min(half, Most));
    }

    /// <summary>Half of the 95 % interval in which a count over so many test images leaves an accuracy, in points.</summary>
    public static double CountingError(double percent, int testImages)
    {
        // Half an image away from 0 and 100 %, where the formula would know everything.
        double p = Math.Clamp(percent / 100, 0.5 / testImages, 1 - 0.5 / testImages);
        return 100 * NormalQuantile * Math.Sqrt(p * (1 - p) / testImages);
    }

    /// <summary>The largest of these over all accuracies, that of 50 %.</summary>
    public static double LargestCountingError(int testImages) => CountingError(50, testImages);

    /// <summary>"3.1 ± 1.2 points over", or under; without an interval where that tells nothing.</summary>
    public override string ToString()
    {
        string interval = TellsNothing ? "" : FormattableString.Invariant($" ± {HalfWidth:F1}");
        return FormattableString.Invariant($"{Math.Abs(Value):F1}{interval} points {(Value < 0 ? "under" : "over")}");
    }

    private static double OfNetworks(double one, int networks, double other, int others)
    {
        double sum = one + other;
        if (sum == 0)
            return 0;
        double freedom = sum * sum / (one * one / (networks - 1) + other * other / (others - 1));
        return Quantile(freedom) * Math.Sqrt(sum);
    }

    private static double Quantile(double freedom)
    {
        int whole = Math.Max(1, (int)freedom);
        return whole <= s_quantiles.Length ? s_quantiles[whole - 1] : NormalQuantile + 2.5 / whole;
    }

    private static double Square(double value) => value * value;
}
