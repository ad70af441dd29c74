using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace InfMatch.Distill;

/// <summary>What 'runs' does.</summary>
internal sealed class RunListCommands(Terminal terminal)
{
    /// <summary>Shows every run below a folder, the newest first.</summary>
    public void List(string root)
    {
        RunEntry[] runs = [.. RunFolder.All(root).Select(RunEntry.Of)];
        if (runs.Length == 0)
        {
            terminal.Show($"There is no run below {ShownPath.Of(root)}.");
        }
        else
        {
            var table = new ResultTable(null, left: 6, "folder", "command", "data", "ipc", "status", "accuracy", "date")
            {
                Optional = ["command", "date", "data"],
            };
            foreach (RunEntry run in runs)
            {
                table.Add(
                    Path.GetFileName(run.Path), run.Command ?? "-", run.Settings?.Dataset ?? "-",
                    SizesOf(run), run.ShownStatus, AccuracyOf(run),
                    run.Began.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture));
            }
            terminal.Show(table);
            terminal.Show($"Folder: {ShownPath.Of(root)}. Accuracy: of the distilled sets, in percent.");
            if (Array.Find(runs, r => r.Status == RunEntry.Unfinished) is { } unfinished)
                terminal.ShowUnbroken($"Next: {ShellWord.Program} resume {ShellWord.OfPath(ShownPath.Of(unfinished.Path))}");
        }
        if (terminal.IsJson)
            terminal.Data.WriteLine(new JsonArray([.. runs.Select(Json)]).ToJsonString(JsonText.Options));
    }

    private static string SizesOf(RunEntry run) => run.Settings is not { } s ? "-"
        : s.Pairs is { } pairs ? $"{string.Join(' ', pairs)} pairs"
        : string.Join(' ', s.Ipc);

    // Of pairs the mean of the recalls.
    private static string AccuracyOf(RunEntry run)
    {
        if (run.Retrieval is { } retrieval)
        {
            RetrievalRow?[] rows = [.. retrieval.Results.Select(r => r.Row(PairRows.Distilled))];
            return rows.Any(row => row is not null)
                ? $"{string.Join("; ", rows.OfType<RetrievalRow>().Select(row => RetrievalRow.Cell(row.Mean)))} (recall, {retrieval.Split})"
                : "-";
        }
        IpcResult[] measured = [.. run.Results.Where(r => r.Accuracy.Distilled is not null)];
        return measured.Length == 0 ? "-"
            : run.Command == "ablate" ? $"{measured.Length} rows"
            : string.Join("; ", measured.Select(r => $"{r.Accuracy.Distilled!.Shown}{(r.Network is null ? "" : $" ({r.Network})")}"))
                + (run.Settings?.ValidationShare is null ? "" : " (validation)");
    }

    private static JsonObject Json(RunEntry run) => new()
    {
        ["folder"] = run.Path,
        ["command"] = run.Command,
        ["dataset"] = run.Settings?.Dataset,
        ["pairs"] = run.Settings?.Pairs is { } pairs ? new JsonArray([.. pairs.Select(n => JsonValue.Create(n))]) : null,
        ["ipc"] = run.Settings is { IsOfPairs: false } s ? new JsonArray([.. s.Ipc.Select(i => JsonValue.Create(i))]) : null,
        ["status"] = run.Status,
        ["evaluatedOn"] = run.Settings is { } by ? PlanFactory.EvaluatedOn(by) : null,
        ["began"] = run.Began.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture),
        ["retrieval"] = run.Retrieval is { } found ? JsonSerializer.SerializeToNode(found.Results, JsonText.Options) : null,
        ["results"] = new JsonArray(
        [
            .. run.Results.Select(r => new JsonObject
            {
                ["ipc"] = r.Ipc, ["network"] = r.Network,
                ["distilled"] = r.Accuracy.Distilled is { } a ? JsonSerializer.SerializeToNode(a, JsonText.Options) : null,
            }),
        ]),
    };
}
