using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Tensors.IO;
using Spectre.Console;

namespace InfMatch.Distill;

/// <summary>What the 'influence' commands do: 'validate' holds estimates to training again, 'scores' scores
/// examples, 'windows' holds sets to windows.</summary>
internal sealed partial class InfluenceCommands(
    Terminal terminal, Func<RunSettings, DatasetPair> load, CancellationToken cancel)
{
    /// <summary>The folder below --out in which trainings are kept.</summary>
    public const string FolderName = "influence";

    /// <summary>'influence validate'.</summary>
    public void Validate(RunSettings machine, FidelitySettings settings, RunChoice choice)
    {
        DatasetPair pair = load(machine);
        string folder = Prepare(machine, pair, settings);
        long start = TimeProvider.System.GetTimestamp();
        int threads = machine.Threads == 0 ? Environment.ProcessorCount : machine.Threads;
        IReadOnlyList<FidelityRow> rows;
        (int There, int Of) retrained;
        using (IProgressView progress = terminal.MakeProgress())
        {
            var study = new RetrainingStudy(settings, new StudyInput(pair, machine.Seed, threads, folder, progress, cancel) { Part = choice.Part });
            rows = study.Run();
            retrained = study.Retrained;
        }
        if (choice.Part is not null)
        {
            RunCommands.Tell(terminal, choice, "retrainings", retrained, folder);
            return;
        }
        var groups = rows.GroupBy(r => (r.Horizon, r.Estimator)).ToList();
        Show(groups, pair.Name, settings);
        foreach (FidelityRow row in rows.Where(r => !r.IsRanked))
        {
            terminal.Show(
                $"{row.Estimator}, {row.Horizon} steps, seed {row.Seed}: scores that are not finite, or all the same, have no " +
                "rank, so that their correlations are missing. Raise --damping or lower --rate.");
        }
        string name = $"validation-{pair.Name}-{settings.Model}";
        WriteRows(Path.Combine(folder, $"{name}.csv"), rows);
        foreach ((string what, Func<FidelityRow, double> value) in (IEnumerable<(string, Func<FidelityRow, double>)>)
            [("cosine", r => r.Cosine), ("leave-one-out", r => r.LeaveOneOut)])
        {
            bool isDrawn = FidelityPlot.Write(
                Path.Combine(folder, $"{name}-{what}.png"),
                $"{pair.Name}, {settings.Model}, {settings.Examples} examples",
                what == "cosine" ? "cosine of predicted and true displacement" : "Spearman, one example left out",
                [
                    .. groups.Select(g => g.Key.Estimator).Distinct(StringComparer.Ordinal).Select(e => (e, (IReadOnlyList<(int, double)>)[.. groups
                        .Where(g => g.Key.Estimator == e).Select(g =>
                            (g.Key.Horizon, Spread.Of(g.Select(value)).Mean))])),
                ]);
            if (!isDrawn)
                terminal.Show($"No plot of {what}: it was not measured.");
        }
        terminal.Show($"{Durations.Text(TimeProvider.System.GetElapsedTime(start))}; files: {ShownPath.Of(folder)}");
        if (terminal.IsJson)
            terminal.Data.WriteLine(Json(pair.Name, machine, settings, groups).ToJsonString(JsonText.Options));
    }

    /// <summary>'influence scores'.</summary>
    public void Scores(RunSettings machine, FidelitySettings settings)
    {
        DatasetPair pair = load(machine);
        settings = settings.For(pair);
        string folder = Prepare(machine, pair, settings);
        ScoresStudy study;
        IReadOnlyList<ScoresRow> rows;
        using (IProgressView progress = terminal.MakeProgress())
        {
            study = new ScoresStudy(settings, new StudyInput(pair, machine.Seed, machine.Threads, folder, progress, cancel));
            rows = study.Run();
        }
        var table = new Table().Title(Markup.Escape($"Scores of {settings.Examples} examples, {pair.Name}, {settings.Model}"));
        foreach (string column in (string[])["estimate", "AUC of wrong labels", "gradients / example", "seconds"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (ScoresRow row in rows)
        {
            table.AddRow(
                Markup.Escape(row.Estimator), $"{Spread.Of([row.AreaUnderCurve])}",
                $"{Spread.Of([row.Gradients])}", $"{Spread.Of([row.Seconds])}");
        }
        terminal.Show(table);
        foreach (ScoresRow row in rows.Where(r => r.Remark is not null))
            terminal.Show(row.Remark!);
        ScoredNetwork network = study.Network!;
        terminal.Show($"Scored network: {network}.");
        if (network.WhatIsWrong is { } wrong)
            terminal.Say($"Warning: {wrong}");
        foreach (string file in study.Files)
            terminal.ShowUnbroken(ShownPath.Of(file));
        if (!terminal.IsJson)
            return;
        terminal.Data.WriteLine(new JsonObject
        {
            ["dataset"] = pair.Name,
            ["model"] = settings.Model,
            ["settings"] = JsonSerializer.SerializeToNode(settings, JsonText.Options),
            ["flippedLabels"] = settings.FlipLabels,
            ["network"] = JsonSerializer.SerializeToNode(network, JsonText.Options),
            ["files"] = new JsonArray([.. study.Files.Select(f => JsonValue.Create(f))]),
            ["estimates"] = new JsonArray(
            [
                .. rows.Select(r => new JsonObject
                {
                    ["estimator"] = r.Estimator,
                    ["areaUnderCurve"] = Number(r.AreaUnderCurve),
                    ["gradients"] = Number(r.Gradients),
                    ["seconds"] = Number(r.Seconds),
                    ["remark"] = r.Remark,
                }),
            ]),
        }.ToJsonString(JsonText.Options));
    }

    private string Prepare(RunSettings machine, DatasetPair pair, FidelitySettings settings)
    {
        terminal.Say($"Data: {pair.Train}; seed {machine.Seed}");
        terminal.Say(
            $"Training: {settings.Model}, {settings.Examples} examples, {settings.Steps} steps of {settings.Batch}, rate " +
            (settings.SearchesRate ? "by short trainings" : settings.Rate.ToString("R", CultureInfo.InvariantCulture)) +
            string.Create(
                CultureInfo.InvariantCulture,
                $", momentum {settings.Momentum:R}, decay {settings.Decay:R}, {settings.NumberType}, {settings.Second}"));
        string folder = Path.Combine(machine.Out, FolderName);
        RunFolder.RequireWritable(folder);
        return folder;
    }

    private void Show(
        List<IGrouping<(int Horizon, string Estimator), FidelityRow>> groups, string dataset, FidelitySettings settings)
    {
        var table = new Table().Title(Markup.Escape($"Estimates against training again, {dataset}, {settings.Model}"));
        IReadOnlyList<FidelityColumn> columns = FidelityColumn.All;
        // What was not asked for would only take the room that two seeds' deviations need.
        int[] measured =
        [
            .. Enumerable.Range(0, columns.Count)
                .Where(i => groups.Any(g => g.Any(r => double.IsFinite(r.Values().ElementAt(i).Value)))),
        ];
        foreach (string column in (string[])["steps", "estimate"])
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        // A deviation may go to a second line; a name may not.
        foreach (int i in measured)
            table.AddColumn(new TableColumn(columns[i].Head).RightAligned());
        foreach (var group in groups)
        {
            string[] cells = [.. measured.Select(i => $"{Spread.Of(group.Select(r => r.Values().ElementAt(i).Value))}")];
            table.AddRow([$"{group.Key.Horizon}", Markup.Escape(group.Key.Estimator), .. cells]);
        }
        terminal.Show(table);
        terminal.Show(
            settings.Seeds == 1 ? "One seed. Columns:" : $"Mean ± standard deviation over {settings.Seeds} seeds. Columns:");
        foreach (int i in measured)
            terminal.Show($"  {columns[i].Head}: {columns[i].Meaning}");
    }

    private static void WriteRows(string path, IReadOnlyList<FidelityRow> rows)
    {
        var text = new StringBuilder(
            $"seed,horizon,estimator,{string.Join(',', rows[0].Values().Select(v => v.Name))}\n");
        foreach (FidelityRow row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row.Seed},{row.Horizon},{row.Estimator}");
            foreach ((_, double value) in row.Values())
                text.Append(CultureInfo.InvariantCulture, $",{value:R}");
            text.Append('\n');
        }
        AtomicFile.WriteAllText(path, text.ToString());
    }

    private static JsonObject Json(
        string dataset, RunSettings machine, FidelitySettings settings,
        List<IGrouping<(int Horizon, string Estimator), FidelityRow>> groups)
    {
        JsonObject Describe(IGrouping<(int Horizon, string Estimator), FidelityRow> group)
        {
            var found = new JsonObject { ["steps"] = group.Key.Horizon, ["estimator"] = group.Key.Estimator };
            foreach ((string name, _) in group.First().Values())
            {
                var spread = Spread.Of(group.Select(r => r.Values().First(v => v.Name == name).Value));
                found[name] = new JsonObject
                {
                    ["mean"] = Number(spread.Mean),
                    ["deviation"] = Number(spread.Deviation),
                    ["of"] = spread.Count,
                };
            }
            return found;
        }
        return new JsonObject
        {
            ["dataset"] = dataset,
            ["commit"] = EnvironmentReport.Commit,
            ["seed"] = machine.Seed,
            ["seeds"] = settings.Seeds,
            ["model"] = settings.Model,
            ["examples"] = settings.Examples,
            ["steps"] = settings.Steps,
            ["settings"] = JsonSerializer.SerializeToNode(settings, JsonText.Options),
            ["results"] = new JsonArray([.. groups.Select(Describe)]),
        };
    }

    // JSON has no NaN: what was not measured is null.
    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}
