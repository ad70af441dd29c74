namespace InfMatch.Distill;

/// <summary>What a comparison of runs on image-text pairs shows.</summary>
internal static class PairComparison
{
    /// <summary>The heading of its table.</summary>
    public const string Heading = "Mean of the recalls at 1, 5 and 10 in both directions, in percent";

    /// <summary>The results of all runs, each with the run's number and letter.</summary>
    public static IEnumerable<(int Number, string Letter, RecordedRun Run, RetrievalResult Result)> Results(IReadOnlyList<RecordedRun> runs) =>
        runs.SelectMany((run, i) => run.PairResults.Select(result => (i, RunComparison.LetterOf(i), run, result)));

    /// <summary>The names of the rows that one of them has, in the order of a table.</summary>
    public static IReadOnlyList<string> RowNames(IReadOnlyList<RecordedRun> runs)
    {
        HashSet<string> there = [.. Results(runs).SelectMany(r => r.Result.Rows).Select(row => row.Name)];
        return [.. PairRows.All.Where(there.Remove), .. there.Order(StringComparer.Ordinal)];
    }

    /// <summary>The method of a result, and that of an evaluation's set.</summary>
    public static string MethodOf(RecordedRun run, RetrievalResult result)
    {
        RunSettings? made = run.Evaluation is null ? run.Settings : run.PairSet(result.Pairs)?.Settings;
        return made is null || made.MethodName == result.Method ? result.Method : $"{made.MethodName}, {result.Method}";
    }

    /// <summary>What stands below the table: how heads were trained, and on what part recalls are measured.</summary>
    public static IEnumerable<string> Notes(IReadOnlyList<RecordedRun> runs)
    {
        RetrievalSummary[] known = [.. runs.Select(run => run.Retrieval).OfType<RetrievalSummary>()];
        string[] protocols = [.. known.Select(r => r.Protocol).Distinct(StringComparer.Ordinal)];
        yield return protocols.Length <= 1 ? $"All by {protocols.FirstOrDefault() ?? "nothing yet"}." : "The heads were trained in different ways.";
        if (known.Select(r => (r.Dataset, r.Split, r.Images)).Distinct().Skip(1).Any())
            yield return "The runs were measured on different images: their recalls are not comparable as they stand.";
    }
}
