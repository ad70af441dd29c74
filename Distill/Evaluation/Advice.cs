namespace InfMatch.Distill;

/// <summary>What is to be tried next.</summary>
internal static class Advice
{
    // With fewer networks a deviation tells little, and with more a small difference takes too long to tell.
    private const int Repeats = 5, MostRepeats = 20;

    /// <summary>More updates, since the loss still falls.</summary>
    public static string MoreIterations(RunSettings settings) => (settings.BudgetOfSet is { } budget
        ? $"a larger --budget than {BudgetText.Of(budget)}"
        : $"more --iterations than {settings.Iterations}") + $": {settings.MethodKind.LossName} still falls at the end";

    /// <summary>Twice as many updates.</summary>
    public static string TwiceTheUpdates(RunSettings settings) => settings.BudgetOfSet is { } budget
        ? $"--budget {BudgetText.Of(budget with { Amount = 2 * budget.Amount })}"
        : FormattableString.Invariant($"--iterations {2 * settings.Iterations}");

    /// <summary>Whether more updates come before more networks: what is behind and still learns is not to be measured better.</summary>
    /// <param name="difference">What the set is above others.</param>
    /// <param name="loss">The course of its loss; null where it was only evaluated.</param>
    public static bool UpdatesComeFirst(AccuracyDifference difference, LossCourse? loss) =>
        difference is { TellsNothing: false, Value: < 0 } && loss is { FallsAtEnd: true };

    /// <summary>So many networks that a difference of this size can be told from chance; null where these are too many.</summary>
    /// <param name="difference">The difference.</param>
    /// <param name="networks">Over how many networks it is known.</param>
    public static string? MoreRepeats(AccuracyDifference difference, int networks)
    {
        if (difference.TellsNothing)
            return $"--repeats {Repeats}: over more networks the interval is far narrower";
        double times = difference.HalfWidth / Math.Max(Math.Abs(difference.Value), 1e-3), needed = Math.Ceiling(networks * times * times);
        return needed <= MostRepeats ? $"--repeats {Math.Max(needed, Repeats):F0}: over more networks the deviations weigh less" : null;
    }
}
