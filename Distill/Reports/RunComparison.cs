using System.Text.Json;
using System.Text.Json.Nodes;

namespace InfMatch.Distill;

/// <summary>Several runs beside each other: in what their settings differ, and what they reached.</summary>
internal sealed class RunComparison
{
    // Where a run writes says nothing of it.
    private const string Out = "Out";

    // Of the settings of experts those that evaluated networks have, too.
    private static readonly HashSet<string> s_ofNetwork = new(StringComparer.Ordinal)
    {
        nameof(RunSettings.Model), nameof(RunSettings.Norm), nameof(RunSettings.Pooling), nameof(RunSettings.Depth),
    };

    private readonly IReadOnlyList<RecordedRun> _runs;

    /// <summary>Of at least two runs.</summary>
    public RunComparison(IReadOnlyList<RecordedRun> runs)
    {
        _runs = runs;
        Differences =
        [
            .. Settings.All.Where(s => s.Property != Out).Where(s => Differs(s, runs))
                .Select(s => (s, runs.Select(r => ValueOf(s, r)).ToArray())),
        ];
    }

    /// <summary>The settings in which runs that use them differ, with the value of each run; "–" where a run does not have it.
    /// </summary>
    public IReadOnlyList<(Setting Setting, string[] Values)> Differences { get; }

    /// <summary>How a run is called beside others: A, B, C.</summary>
    public static string LetterOf(int number) => number < 26 ? $"{(char)('A' + number)}" : $"{number + 1}";

    /// <summary>The class of the style sheet with the colour of a run.</summary>
    public static string ColourOf(int number) => $"run{number % 6 + 1}";

    /// <summary>What a list of runs says behind one: that it is not complete, or measured on other images than those of the test, or on a part of a set of pairs; else "".</summary>
    public static string RemarkOn(RecordedRun run)
    {
        string[] remarks =
        [
            .. run.IsComplete ? [] : (string[])["not complete"],
            .. (run.Summary?.EvaluatedOn ?? run.Retrieval?.Split) is { } on ? (string[])[on] : [],
        ];
        return string.Concat(remarks.Select(remark => $" ({remark})"));
    }

    /// <summary>The heading of a table of runs.</summary>
    public static string HeadingOf(IReadOnlyList<RecordedRun> runs) => runs[0].IsOfPairs ? PairComparison.Heading
        : runs.Any(run => run.Summary?.EvaluatedOn is not null) ? "Accuracy in percent" : "Test accuracy in percent";

    /// <summary>What stands below such a table: whose soft labels are shown, and which columns are the same.</summary>
    public IEnumerable<string> Notes()
    {
        var teachers = _runs.Select((run, i) => (Letter: LetterOf(i), Teacher: run.Summary?.SoftLabels)).Where(t => t.Teacher is not null)
            .GroupBy(t => t.Teacher!, t => t.Letter, StringComparer.Ordinal);
        foreach (IGrouping<string, string> teacher in teachers)
            yield return $"Soft labels ({string.Join(", ", teacher)}): {teacher.Key}.";
        if (ResultColumn.NoteOfSame(_runs.SelectMany(run => run.Results).Select(r => r.Accuracy)) is { } same)
            yield return $"{same}.";
    }

    /// <summary>The rows of all runs, each with its letter.</summary>
    public IEnumerable<(string Letter, RecordedRun Run, IpcResult Result)> Rows() => _runs.SelectMany(
        (run, i) => run.Results.Select(result => (LetterOf(i), run, result)));

    /// <summary>The method of a row, and that of an evaluation's set.</summary>
    public static string MethodOf(RecordedRun run, IpcResult result)
    {
        RunSettings? made = run.Evaluation is null ? run.Settings : run.Set(result.Ipc)?.Settings;
        return made is null || made.MethodName == result.Method ? result.Method : $"{made.MethodName}, {result.Method}";
    }

    /// <summary>All of it for scripts.</summary>
    public JsonObject ToJson() => new()
    {
        ["runs"] = new JsonArray([.. _runs.Select((run, i) => (JsonNode)new JsonObject
        {
            ["name"] = LetterOf(i),
            ["path"] = Path.GetFullPath(run.Files.Path),
            ["command"] = run.Command,
            ["complete"] = run.IsComplete,
            ["seconds"] = run.Retrieval?.Seconds ?? run.Summary?.Seconds,
            ["peakMemoryBytes"] = run.Summary?.PeakMemoryBytes,
            ["device"] = run.Retrieval?.Device ?? run.Summary?.Device,
            ["commit"] = run.Retrieval?.Commit ?? run.Summary?.Commit,
            ["results"] = run.IsOfPairs
                ? JsonSerializer.SerializeToNode(run.PairResults, JsonText.Options) : JsonSerializer.SerializeToNode(run.Results, JsonText.Options),
        })]),
        ["differences"] = new JsonArray([.. Differences.Select(d => (JsonNode)new JsonObject
        {
            ["setting"] = d.Setting.Key,
            ["values"] = new JsonArray([.. d.Values.Select(v => (JsonNode)v)]),
        })]),
    };

    private static bool Differs(Setting setting, IReadOnlyList<RecordedRun> runs) =>
        runs.Where(r => IsUsed(setting, r)).Select(r => ValueOf(setting, r)).Distinct(StringComparer.Ordinal).Skip(1).Any();

    // An evaluation has values of all settings and distils nothing. Its experts, if any, may be of other settings than its own.
    private static bool IsUsed(Setting setting, RecordedRun run) => run.Evaluation is not { } evaluation
        || (Settings.OfExperts.Contains(setting)
            ? s_ofNetwork.Contains(setting.Property) || evaluation is { Experts: not null, ExpertsConfig: null }
            : setting.Property is nameof(RunSettings.Ipc) or nameof(RunSettings.Pairs) || !Settings.OfDistillation.Contains(setting));

    private static string ValueOf(Setting setting, RecordedRun run) =>
        IsUsed(setting, run) && run.Settings is { } settings && setting.IsOf(settings) && setting.Show(settings) is { Length: > 0 } text ? text : "–";
}
