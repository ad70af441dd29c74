using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>Pages about runs.</summary>
/// <param name="terminal">Where output goes.</param>
/// <param name="load">Loads the data set of some settings.</param>
/// <param name="cancel">Stops the work.</param>
internal sealed partial class ReportCommands(Terminal terminal, Func<RunSettings, DatasetPair> load, CancellationToken cancel)
{
    /// <summary>'report': the page of a run, whatever version made it.</summary>
    /// <param name="run">A run folder; null or "latest" for the latest.</param>
    /// <param name="against">Another run for a figure of convergence, or null.</param>
    /// <param name="given">Where the data and the experts are, and what computes.</param>
    public void Report(string? run, string? against, ResolvedSettings given)
    {
        RecordedRun recorded = Find(run, given.Settings.Out);
        var source = new ReportSource([recorded]) { Against = against is null ? null : Find(against, given.Settings.Out) };
        RequireOneTask([recorded, .. source.Against is { } other ? [other] : (RecordedRun[])[]]);
        if (recorded.IsOfPairs)
            source = WithNeighbours(source, () => OpenPairs(recorded, given), cancel);
        else
            source = source with { Features = FeatureStudy.Kept(recorded) };
        if (source is { IsOfPairs: false, Features: null } && HasSets(recorded))
            source = WithFeatures(source, () => OpenData(recorded, given));
        long bytes = ReportPage.Write(recorded.Files.Report, source);
        foreach (string problem in recorded.Problems.Concat(source.Against?.Problems ?? []))
            terminal.Say($"report: {problem}");
        if (source.WhyNoFeatures is { } why)
            terminal.Say($"report: the page has no features: {why}");
        if (source.WhyNoNeighbours is { } unknown)
            terminal.Say($"report: the page has no pairs: {unknown}");
        terminal.ShowUnbroken($"Report: {ShownPath.Of(recorded.Files.Report)} ({ByteSize.Text(bytes)})");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(new JsonObject
            {
                ["page"] = Path.GetFullPath(recorded.Files.Report),
                ["bytes"] = bytes,
                ["problems"] = new JsonArray([.. recorded.Problems.Select(p => JsonValue.Create(p))]),
                ["features"] = source.Features is not null,
                ["neighbours"] = source.Neighbours is not null,
            }.ToJsonString(JsonText.Options));
        }
    }

    /// <summary>'compare': several runs beside each other, here and on a page.</summary>
    /// <param name="runs">Run folders, at least two.</param>
    /// <param name="page">The page's file; null for compare.html below --out.</param>
    /// <param name="root">The folder of runs.</param>
    /// <param name="pictures">Where drawings for documents go; null for none.</param>
    public void Compare(IReadOnlyList<string> runs, string? page, string root, ComparedPictures? pictures = null)
    {
        if (runs.Count < 2)
            throw DistillException.BadCommand("'compare' takes at least two runs. See compare --help.");
        RecordedRun[] recorded = [.. runs.Select(run => Find(run, root))];
        RequireOneTask(recorded);
        if (recorded[0].IsOfPairs && pictures?.Class is { } named)
            throw DistillException.BadValue("--class", $"{named}", "nothing for runs on image-text pairs, which have no classes");
        string path = page ?? Path.Combine(root, "compare.html");
        if (page is null)
            RunFolder.RequireWritable(root);
        long bytes = ReportPage.Write(path, new ReportSource(recorded) { IsComparison = true });
        foreach (string problem in recorded.SelectMany(r => r.Problems))
            terminal.Say($"compare: {problem}");
        var comparison = new RunComparison(recorded);
        Show(comparison, recorded);
        terminal.ShowUnbroken($"Page: {ShownPath.Of(path)} ({ByteSize.Text(bytes)})");
        if (pictures is not null)
            Draw(recorded, pictures);
        if (terminal.IsJson)
        {
            JsonObject json = comparison.ToJson();
            json["page"] = Path.GetFullPath(path);
            terminal.Data.WriteLine(json.ToJsonString(JsonText.Options));
        }
    }

    private void Draw(RecordedRun[] runs, ComparedPictures pictures)
    {
        RunFolder.RequireWritable(pictures.Folder, "--pictures");
        foreach (string file in ComparisonPictures.Convergence(runs, pictures.Folder))
            terminal.ShowUnbroken($"Picture: {ShownPath.Of(file)}");
        if (pictures.Class is not { } label)
            return;
        (DatasetPair pair, Backend backend) = OpenData(runs[0], pictures.Given);
        foreach (string file in ComparisonPictures.Coverage(runs, label, pair, backend, pictures.Folder, cancel))
            terminal.ShowUnbroken($"Picture: {ShownPath.Of(file)}");
    }

    private void Show(RunComparison comparison, RecordedRun[] runs)
    {
        for (int i = 0; i < runs.Length; i++)
            terminal.ShowUnbroken($"{RunComparison.LetterOf(i)}  {ShownPath.Of(runs[i].Files.Path)}{RunComparison.RemarkOn(runs[i])}");
        terminal.Show(runs[0].IsOfPairs ? TableOfPairs(runs) : TableOf(comparison, runs));
        foreach (string line in runs[0].IsOfPairs ? PairComparison.Notes(runs) : comparison.Notes())
            terminal.Show(line);
        if (comparison.Differences.Count == 0)
        {
            terminal.Show("All settings are the same.");
            return;
        }
        string[] letters = [.. runs.Select((_, i) => RunComparison.LetterOf(i))];
        var differences = new ResultTable("Settings that differ", 1, ["setting", .. letters]);
        foreach ((Setting setting, string[] values) in comparison.Differences)
            differences.Add([setting.Name, .. values]);
        terminal.Show(differences);
    }

    private static ResultTable TableOf(RunComparison comparison, RecordedRun[] runs)
    {
        IReadOnlyList<ResultColumn> shown = ResultColumn.Shown(runs.SelectMany(r => r.Results).Select(r => r.Accuracy));
        var table = new ResultTable(
            RunComparison.HeadingOf(runs), 2,
            ["run", "method", "images per class", .. shown.Select(column => column.Title), "verdict", "seconds", "memory"])
        {
            Optional =
            [
                "memory", "method",
                .. shown.Where(column => column is WholeSetColumn or DistilledHardLabelsColumn or RandomRealColumn)
                    .OrderByDescending(column => column.Place).Select(column => column.Title),
            ],
        };
        foreach ((string letter, RecordedRun run, IpcResult result) in comparison.Rows())
        {
            table.Add(
            [
                letter, RunComparison.MethodOf(run, result), result.Network is { } network ? $"{result.Ipc} {network}" : $"{result.Ipc}",
                .. shown.Select(column => Accuracy.Cell(result.Accuracy.Of(column))),
                result.Verdict?.Word ?? "-", FormattableString.Invariant($"{run.Summary!.Seconds:F0}"), ByteSize.Text(run.Summary.PeakMemoryBytes),
            ]);
        }
        return table;
    }

    /// <summary>The page at the end of a run. That it cannot be written is said and does not undo what is
    /// done.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="pair">Its data.</param>
    /// <param name="backend">What computes the features; null for a page without, as after an interruption.</param>
    public void WriteAtEnd(RunFiles folder, DatasetPair pair, Backend? backend) => WriteAtEnd(folder, run =>
    {
        var source = new ReportSource([run]) { Features = FeatureStudy.Kept(run) };
        if (source.Features is not null || !HasSets(run))
            return source;
        return backend is null
            ? source with { WhyNoFeatures = "they are computed at the end of a run, or by 'report'." }
            : WithFeatures(source, () => (pair, backend));
    });

    // An evaluation has no experts of its own, whose features would be those of its run.
    private static bool HasSets(RecordedRun run) => run.Evaluation is null && run.Sizes.Any(ipc => run.Set(ipc) is not null);

    private ReportSource WithFeatures(ReportSource source, Func<(DatasetPair Pair, Backend Backend)> open)
    {
        try
        {
            (DatasetPair pair, Backend backend) = open();
            return source with { Features = FeatureStudy.Make(source.Run, pair, backend, cancel) };
        }
        catch (Exception e) when (e is DistillException or DatasetException or ArrayFileException or TrajectoryException or IOException
            or UnauthorizedAccessException or DeviceException or DeviceMemoryException)
        {
            return source with { WhyNoFeatures = e.Message };
        }
    }

    private (DatasetPair Pair, Backend Backend) OpenData(RecordedRun run, ResolvedSettings given)
    {
        if (run.Settings is not { } own)
            throw new DistillException(ExitCode.Usage, "IM2031", "the configuration cannot be read, so the data are not known.");
        own = own with
        {
            Data = given.IsOnCommandLine("Data") ? given.Settings.Data : own.Data,
            ExpertsFrom = given.IsOnCommandLine("ExpertsFrom") ? given.Settings.ExpertsFrom : own.ExpertsFrom,
        };
        return (load(own), RunCommands.OpenDevice(terminal, given.Settings));
    }

    private static RecordedRun Find(string? run, string root) => RecordedRun.Read(RunFolder.Find(run, root));
}

/// <summary>The drawings that 'compare' makes for documents.</summary>
/// <param name="Folder">Where they go.</param>
/// <param name="Class">The class whose coverage is drawn; null for none.</param>
/// <param name="Given">Where the data are, and what computes.</param>
internal sealed record ComparedPictures(string Folder, int? Class, ResolvedSettings Given);
