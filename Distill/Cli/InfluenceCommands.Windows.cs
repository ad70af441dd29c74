using System.Globalization;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

internal sealed partial class InfluenceCommands
{
    private const int FewestRanked = 3;

    private static readonly (string Key, string Title, string Meaning, Func<SyntheticOutcome, double> Value)[] s_outcomes =
    [
        ("j", "J", "‖α·a_S − a_D‖²/‖a_D‖², as the run minimises it", o => o.Relative),
        ("jOfFunction", "J of answers", "the same of what networks answer: KL to D's end, over that of D's beginning", o => o.OfFunction),
        ("lossFromReal", "loss, D's path", "L_D after the window's steps on S from D's parameters", o => o.LossFromReal),
        ("lossFromOwn", "loss, own path", "L_D after the same steps from where S itself led the expert's beginning", o => o.LossFromOwn),
        ("ownLossBefore", "own, before", "L_D there before these steps", o => o.OwnLossBefore),
    ];

    /// <summary>The settings of a run, with where its data and experts are now.</summary>
    /// <exception cref="DistillException">Its configuration cannot be read.</exception>
    public static RunSettings OfRun(RunFiles folder, ResolvedSettings given)
    {
        RunSettings own = ConfigFile.Read(folder.Config).Resolved.Settings;
        return own with
        {
            Data = given.IsOnCommandLine("Data") ? given.Settings.Data : own.Data,
            ExpertsFrom = given.IsOnCommandLine("ExpertsFrom") ? given.Settings.ExpertsFrom : own.ExpertsFrom,
        };
    }

    /// <summary>'influence windows'.</summary>
    /// <param name="asked">What is measured.</param>
    /// <param name="machine">What computes.</param>
    public void Windows(WindowStudySettings asked, RunSettings machine)
    {
        DatasetPair pair = load(asked.Settings);
        Backend backend = RunCommands.OpenDevice(terminal, machine);
        WindowStudy study;
        IReadOnlyList<StudiedWindow> windows;
        using (IProgressView progress = terminal.MakeProgress())
        {
            study = new WindowStudy(asked, progress, cancel);
            windows = study.Run(pair, backend);
        }
        ShowReal(windows, pair.Name);
        ShowSets(study.Sets, windows);
        if (terminal.IsJson)
            terminal.Data.WriteLine(Json(asked, study.Sets, windows).ToJsonString(JsonText.Options));
    }

    private void ShowReal(IReadOnlyList<StudiedWindow> windows, string data)
    {
        var table = new ResultTable(
            $"What D does on {windows.Count} windows, {data}", 1, ["from checkpoint", "expert", "epoch", "loss before", "loss after", "noise share"])
        {
            Optional = ["expert"],
        };
        foreach (StudiedWindow w in windows.OrderBy(w => w.Window.First))
        {
            table.Add(
                $"{w.Window.First} to {w.Window.Last}", $"{w.Window.Expert + 1}", Text(w.Epoch, "F2"), Text(w.Real.LossBefore, "F3"),
                Text(w.Real.LossAfter, "F3"), Text(w.Real.NoiseShare, "F3"));
        }
        terminal.Show(table);
        terminal.Show(
            "loss: mean cross-entropy of real training images, in nats. noise share: the part of the squared displacement that another " +
            "order of D's minibatches would not repeat; - where it is not known.");
    }

    private void ShowSets(IReadOnlyList<StudiedSet> sets, IReadOnlyList<StudiedWindow> windows)
    {
        var table = new ResultTable("What the sets do", 1, ["set", "accuracy", .. s_outcomes.Select(o => o.Title)]);
        for (int i = 0; i < sets.Count; i++)
        {
            table.Add([RunComparison.LetterOf(i), Accuracy.Cell(sets[i].Accuracy), .. s_outcomes.Select(o => $"{SpreadOf(windows, i, o.Value)}")]);
        }
        if (Ranks(sets, windows) is { } ranks)
            table.Add(["ρ", "1", .. ranks.Select(r => Text(r, "F2"))]);
        terminal.Show(table);
        for (int i = 0; i < sets.Count; i++)
            terminal.ShowUnbroken($"{RunComparison.LetterOf(i)}  {ShownPath.Of(sets[i].File)}, {sets[i].PerClass} images per class");
        terminal.Show($"Mean ± standard deviation over {windows.Count} windows. Columns:");
        foreach ((_, string title, string meaning, _) in s_outcomes)
            terminal.Show($"  {title}: {meaning}");
        if (sets.Count >= FewestRanked)
        {
            terminal.Show(
                "  ρ: Spearman's correlation over the sets of minus each number with the accuracy; 1 ranks them as the accuracy does");
        }
    }

    // Smaller is better of every number.
    private static double[]? Ranks(IReadOnlyList<StudiedSet> sets, IReadOnlyList<StudiedWindow> windows) =>
        sets.Count < FewestRanked || sets.Any(s => s.Accuracy is null)
            ? null
            : [.. s_outcomes.Select(o => Agreement.Spearman(
                [.. sets.Select((_, i) => -SpreadOf(windows, i, o.Value).Mean)], [.. sets.Select(s => s.Accuracy!.Mean)]))];

    private static Spread SpreadOf(IReadOnlyList<StudiedWindow> windows, int set, Func<SyntheticOutcome, double> value) =>
        Spread.Of(windows.Select(w => value(w.Sets[set])));

    private static string Text(double value, string format) =>
        double.IsNaN(value) ? "-" : value.ToString(format, CultureInfo.InvariantCulture);

    private static JsonObject Json(WindowStudySettings asked, IReadOnlyList<StudiedSet> sets, IReadOnlyList<StudiedWindow> windows)
    {
        double[]? ranks = Ranks(sets, windows);
        return new JsonObject
        {
            ["run"] = asked.Folder.Path,
            ["commit"] = EnvironmentReport.Commit,
            ["images"] = asked.Images,
            ["sets"] = new JsonArray([.. sets.Select((s, i) => SetJson(s, o => SpreadOf(windows, i, o).Mean))]),
            ["ranks"] = ranks is null ? null : new JsonObject(
                s_outcomes.Select((o, i) => KeyValuePair.Create(o.Key, (JsonNode?)Number(ranks[i])))),
            ["windows"] = new JsonArray([.. windows.Select(WindowJson)]),
        };

        static JsonObject SetJson(StudiedSet set, Func<Func<SyntheticOutcome, double>, double> mean)
        {
            var found = new JsonObject
            {
                ["file"] = set.File, ["imagesPerClass"] = set.PerClass, ["accuracy"] = set.Accuracy is { } a ? Number(a.Mean) : null,
            };
            foreach ((string key, _, _, Func<SyntheticOutcome, double> value) in s_outcomes)
                found[key] = Number(mean(value));
            return found;
        }

        static JsonObject WindowJson(StudiedWindow w) => new()
        {
            ["expert"] = w.Window.Expert, ["first"] = w.Window.First, ["last"] = w.Window.Last, ["epoch"] = Number(w.Epoch),
            ["lossBefore"] = Number(w.Real.LossBefore), ["lossAfter"] = Number(w.Real.LossAfter), ["noiseShare"] = Number(w.Real.NoiseShare),
            ["sets"] = new JsonArray([.. w.Sets.Select(s => new JsonObject(
                s_outcomes.Select(o => KeyValuePair.Create(o.Key, (JsonNode?)Number(o.Value(s))))))]),
        };
    }
}
