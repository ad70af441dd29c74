using System.Text.Json;

namespace InfMatch.Distill;

/// <summary>A run folder as lists show it.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Command">What made it; null where its configuration cannot be read.</param>
/// <param name="Settings">Its settings; null where its configuration cannot be read.</param>
/// <param name="Status">complete, unfinished, running, stopped or damaged.</param>
internal sealed record RunEntry(string Path, string? Command, RunSettings? Settings, string Status)
{
    /// <summary>Complete: nothing is left to do.</summary>
    public const string Complete = "complete";

    /// <summary>Unfinished: 'resume' goes on with it.</summary>
    public const string Unfinished = "unfinished";

    /// <summary>Running: another process works in it.</summary>
    public const string Running = "running";

    /// <summary>Stopped: a number became infinite, NaN or too large, and 'resume' would come to the same.</summary>
    public const string Stopped = "stopped";

    /// <summary>Damaged: its files cannot be read.</summary>
    public const string Damaged = "damaged";

    /// <summary>What was measured so far.</summary>
    public IReadOnlyList<IpcResult> Results { get; init; } = [];

    /// <summary>What was measured so far of a run on image-text pairs; null of another, or of one that measured nothing yet.</summary>
    public RetrievalSummary? Retrieval { get; init; }

    /// <summary>The status as people read it.</summary>
    public string ShownStatus => Status == Stopped ? "stopped: numbers too large" : Status;

    /// <summary>When it began, in local time.</summary>
    public DateTime Began => File.GetCreationTime(System.IO.Path.Combine(Path, RunFolder.ConfigName));

    /// <summary>Reads what a folder says of itself; nothing is locked, and nothing is changed.</summary>
    public static RunEntry Of(string path)
    {
        try
        {
            (string command, ResolvedSettings resolved) = ConfigFile.Read(System.IO.Path.Combine(path, RunFolder.ConfigName));
            RunSettings settings = resolved.Settings;
            RetrievalSummary? retrieval = settings.IsOfPairs ? OfRetrieval(System.IO.Path.Combine(path, RetrievalSummary.FileName)) : null;
            (bool isComplete, IReadOnlyList<IpcResult> results) = command switch
            {
                "train" => (ExpertLibrary.Missing(
                    settings, settings.ExpertsFrom ?? System.IO.Path.Combine(path, RunFolder.ExpertFolder)).Length == 0, []),
                "ablate" => OfAblation(path),
                "benchmark" => (BenchmarkFile.IsIn(path) && new BenchmarkResults(
                    path, BenchmarkFile.Read(path), new Dictionary<string, string>(StringComparer.Ordinal)).IsComplete, []),
                _ when settings.IsOfPairs => (retrieval is { Complete: true }, []),
                _ => OfSummary(System.IO.Path.Combine(path, RunFolder.SummaryName)),
            };
            string status = RunFolder.IsHeld(path) ? Running : isComplete ? Complete
                : StoppedFile.IsIn(path) ? Stopped : Unfinished;
            return new RunEntry(path, command, settings, status) { Results = results, Retrieval = retrieval };
        }
        catch (Exception e) when (e is DistillException or IOException or UnauthorizedAccessException or JsonException)
        {
            return new RunEntry(path, null, null, Damaged);
        }
    }

    private static RetrievalSummary? OfRetrieval(string file) => File.Exists(file) ? RetrievalSummary.Read(file) : null;

    private static (bool IsComplete, IReadOnlyList<IpcResult> Results) OfSummary(string file)
    {
        if (!File.Exists(file))
            return (false, []);
        var summary = Summary.Read(file);
        return (summary.Complete, summary.Results);
    }

    private static (bool IsComplete, IReadOnlyList<IpcResult> Results) OfAblation(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, AblationSummary.FileName)))
            return (false, []);
        var summary = AblationSummary.Read(path);
        return (summary.Complete, [.. summary.Rows.SelectMany(r => r.Results)]);
    }
}
