using System.Text.Json;
using System.Text.Json.Nodes;

namespace InfMatch.Distill;

/// <summary>What a run, or the rest of it, will do and need.</summary>
/// <param name="Stages">Its stages in their order; those of which nothing is left are not there.</param>
/// <param name="Needs">Disk and memory.</param>
internal sealed record RunPlan(IReadOnlyList<TimedStage> Stages, Requirements Needs)
{
    private static readonly (string Stage, string One, string Many)[] s_words =
    [
        (PlannedStage.Data, "data", "data"), (PlannedStage.Experts, "1 expert", "{0} experts"),
        (PlannedStage.Distil, "1 set", "{0} sets"), (PlannedStage.Evaluate, "1 network", "{0} networks"),
    ];

    /// <summary>Seconds of all stages.</summary>
    public double Seconds => Stages.Sum(stage => stage.Seconds);

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => Stages.Count == 0;

    /// <summary>The plan with what came before it: the data have been loaded and checked.</summary>
    public RunPlan Behind(double seconds, string what) => IsEmpty
        ? this
        : this with { Stages = [new TimedStage(new PlannedStage(PlannedStage.Data, null, what), seconds, true), .. Stages] };

    private const string LessThanASecond = "less than 1 s";

    /// <summary>The time as people read it.</summary>
    public string Time => TextOf(Seconds);

    /// <summary>In one line, such as "about 25 s: 3 experts 8 s, 2 sets 5 s, 18 networks 12 s; 310.2 MiB of memory, 14.8 MiB of
    /// disk".</summary>
    public override string ToString()
    {
        if (IsEmpty)
            return "nothing is left to compute";
        IEnumerable<string> parts = s_words.Select(word =>
        {
            TimedStage[] stages = [.. Stages.Where(stage => stage.Stage.Name == word.Stage)];
            int things = stages.Sum(stage => stage.Stage.Things);
            return stages.Length == 0
                ? ""
                : $"{(things == 1 ? word.One : string.Format(System.Globalization.CultureInfo.InvariantCulture, word.Many, things))} " +
                  TextOf(stages.Sum(stage => stage.Seconds));
        });
        string estimated = Stages.All(stage => stage.IsMeasured) ? "" : " (not all measured: a step is too long for that)";
        return $"{(Time == LessThanASecond ? "" : "about ")}{Time}{estimated}: {string.Join(", ", parts.Where(part => part.Length > 0))}; " +
            $"{ByteSize.Text(Needs.MemoryBytes)} of memory, {ByteSize.Text(Needs.DiskBytes)} of disk";
    }

    /// <summary>"less than 1 s", or as <see cref="Durations"/>.</summary>
    public static string TextOf(double seconds) => seconds < 0.95 ? LessThanASecond : Durations.Text(TimeSpan.FromSeconds(seconds));

    /// <summary>A table of the stages.</summary>
    public ResultTable ToTable()
    {
        var table = new ResultTable(null, 3, "stage", "set", "what", "time", "how known") { Optional = ["how known"] };
        foreach (TimedStage stage in Stages)
        {
            table.Add(
                stage.Stage.Name, stage.Stage.Set ?? "-", stage.Stage.What, TextOf(stage.Seconds),
                stage.IsMeasured ? "measured" : "estimated");
        }
        return table;
    }

    /// <summary>For scripts.</summary>
    public string ToJson(string command, string device) => new JsonObject
    {
        ["command"] = command,
        ["device"] = device,
        ["seconds"] = Rounded(Seconds),
        ["memoryBytes"] = Needs.MemoryBytes,
        ["diskBytes"] = Needs.DiskBytes,
        ["stages"] = new JsonArray([
            .. Stages.Select(stage => new JsonObject
            {
                ["stage"] = stage.Stage.Name, ["set"] = stage.Stage.Set, ["what"] = stage.Stage.What,
                ["seconds"] = Rounded(stage.Seconds), ["measured"] = stage.IsMeasured,
            }),
        ]),
    }.ToJsonString(JsonText.Options);

    private static double Rounded(double seconds) => Math.Round(seconds, 3);
}
