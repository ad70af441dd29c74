using System.Text.Json;
using System.Text.Json.Nodes;

namespace InfMatch.Distill;

/// <summary>Several runs beside each other: in what their settings differ, and what they reached.</summary>
internal sealed class RunComparison
{
    // Where a run writes says nothing of it.
    private const string Out = "Out";

    private readonly IReadOnlyList<RecordedRun> _runs;

    /// <summary>Of at least two runs.</summary>
    public RunComparison(IReadOnlyList<RecordedRun> runs)
    {
        _runs = runs;
        Differences =
        [
            .. Settings.All.Where(s => s.Property != Out).Select(s => (Setting: s, Values: runs.Select(r => ValueOf(s, r)).ToArray()))
                .Where(s => s.Values.Distinct(StringComparer.Ordinal).Count() > 1),
        ];
    }

    /// <summary>The settings that differ, with the value of each run; "–" where a run does not have it.</summary>
    public IReadOnlyList<(Setting Setting, string[] Values)> Differences { get; }

    /// <summary>How a run is called beside others: A, B, C.</summary>
    public static string LetterOf(int number) => number < 26 ? $"{(char)('A' + number)}" : $"{number + 1}";

    /// <summary>The class of the style sheet with the colour of a run.</summary>
    public static string ColourOf(int number) => $"run{number % 6 + 1}";

    /// <summary>The rows of all runs, each with its letter.</summary>
    public IEnumerable<(string Letter, RecordedRun Run, IpcResult Result)> Rows() => _runs.SelectMany(
        (run, i) => run.Results.Select(result => (LetterOf(i), run, result)));

    /// <summary>The method of a row, and that of an evaluation's set.</summary>
    public static string MethodOf(RecordedRun run, IpcResult result) =>
        run.Settings is { } s && s.MethodName != result.Method && run.Evaluation is null ? $"{s.MethodName}, {result.Method}" : result.Method;

    /// <summary>All of it for scripts.</summary>
    public JsonObject ToJson() => new()
    {
        ["runs"] = new JsonArray([.. _runs.Select((run, i) => (JsonNode)new JsonObject
        {
            ["name"] = LetterOf(i),
            ["path"] = Path.GetFullPath(run.Files.Path),
            ["command"] = run.Command,
            ["complete"] = run.Summary?.Complete ?? false,
            ["seconds"] = run.Summary?.Seconds,
            ["peakMemoryBytes"] = run.Summary?.PeakMemoryBytes,
            ["device"] = run.Summary?.Device,
            ["commit"] = run.Summary?.Commit,
            ["results"] = JsonSerializer.SerializeToNode(run.Results, JsonText.Options),
        })]),
        ["differences"] = new JsonArray([.. Differences.Select(d => (JsonNode)new JsonObject
        {
            ["setting"] = d.Setting.Key,
            ["values"] = new JsonArray([.. d.Values.Select(v => (JsonNode)v)]),
        })]),
    };

    private static string ValueOf(Setting setting, RecordedRun run) =>
        run.Settings is { } settings && setting.IsOf(settings) && setting.Show(settings) is { Length: > 0 } text ? text : "–";
}
