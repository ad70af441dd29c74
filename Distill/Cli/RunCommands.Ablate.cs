using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

internal sealed partial class RunCommands
{
    /// <summary>'ablate': a new ablation, a run for each row on the same experts; or one row of the one that has a name.</summary>
    public void Ablate(string grid, ResolvedSettings resolved, string? row = null)
    {
        RequireAblation(resolved);
        if (row is not null && Choice.Name is null)
            throw DistillException.BadValue(RunChoice.RowOption, row, $"{RunChoice.NameOption} beside it: a name that all rows share");
        RunSettings settings = resolved.Settings;
        if (Existing(settings.Out) is { } path)
        {
            RequireSameAblation(path, grid, settings);
            if (row is null)
            {
                if (!IsComplete(path))
                    Resume(path, resolved);
                return;
            }
        }
        Backend backend = OpenDevice(settings);
        RequireWritable(settings.Out);
        DatasetPair pair = load(settings);
        (PreparedData prepared, Requirements needs) =
            PrepareAblation(grid, settings, pair, backend, settings.Out, settings.ExpertsFrom);
        using PreparedData data = prepared;
        if (isPlan)
        {
            Show(PlanOfAblation(grid, settings, data, needs, null), settings, backend);
            return;
        }
        var summary = new AblationSummary
        {
            Grid = grid, Complete = false, Dataset = pair.Name, Device = backend.Description, Commit = EnvironmentReport.Commit,
            EvaluatedOn = PlanFactory.EvaluatedOn(settings),
        };
        string what = $"ablation-ipc{string.Join('-', settings.Ipc)}", config = ConfigFile.Write("ablate", resolved);
        if (row is not null)
        {
            RunFolder.TryCreate(settings.Out, Choice.Name!, config, summary.ToText())?.Dispose(); // or another has just made it
            using RunFolder joined = RunFolder.Join(Path.Combine(settings.Out, Choice.Name!));
            RequireSameAblation(joined.Path, grid, settings); // that other may have other settings
            if (!RunData.Require(joined.Path, pair))
                RunData.Save(joined.Path, pair);
            AblateOne(joined, grid, row, resolved, data);
            return;
        }
        using RunFolder folder = NewFolder(settings, what, config, summary.ToText());
        RunData.Save(folder.Path, pair);
        AblateRows(folder, summary, resolved, data, needs);
    }

    private void RequireSameAblation(string path, string grid, RunSettings settings)
    {
        RequireSame(path, "ablate", settings);
        string began = AblationSummary.Read(path).Grid;
        RequireSame(path, began == grid ? [] : [$"--grid is {grid}, and was {began}"]);
    }

    private static void RequireAblation(ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        if (AblationGrid.Varied.FirstOrDefault(resolved.IsOnCommandLine) is { } varied)
        {
            Setting setting = Settings.All.Single(s => s.Property == varied);
            throw DistillException.BadValue(setting.Name, setting.Show(settings), "nothing, because 'ablate' varies it");
        }
        if (!Settings.Of("StartGrowth").IsOf(settings))
        {
            throw DistillException.BadValue(
                "--method", settings.MethodName, "a method with --start-growth, because 'ablate' varies where windows begin");
        }
        if (settings.Text("StartGrowth") is "0" or "" || settings.Text("StartFirst") == settings.Text("StartLast"))
        {
            throw DistillException.BadValue(
                "--start-growth", settings.Text("StartGrowth"),
                "a number from 1, with --start-last above --start-first: else the schedule's rows would be those without it");
        }
        if (settings.LrLabel == 0)
            throw DistillException.BadValue("--lr-label", "0", "a number above 0: else learned labels would be kept");
    }

    // One row, while other processes do others.
    private void AblateOne(RunFolder folder, string grid, string name, ResolvedSettings resolved, PreparedData data)
    {
        terminal.Say($"Folder: {ShownPath.Of(folder.Path)}");
        RunSettings common = resolved.Settings with { ExpertsFrom = resolved.Settings.ExpertsFrom ?? folder.Experts };
        IReadOnlyList<AblationRow> rows = AblationGrid.Of(grid);
        AblationRow row = rows.Single(r => r.Name == name);
        var job = new RowJob(row, folder)
        {
            Run = cancelRow =>
            {
                terminal.Say($"Row: {name} ({Describe(row)})");
                return AblateRow(folder, row, resolved with { Settings = common }, data, new Dictionary<int, AccuracySet>(), cancelRow);
            },
        };
        RowRunner().Run([job], cancel: cancel);
        int there = rows.Count(r => new RunFiles(folder.PathOfRow(r.Name)).Summary is var file && File.Exists(file) && Summary.Read(file).Complete);
        Tell(terminal, Choice, "rows", (there, rows.Count), folder.Path);
    }

    // One after the other: each has all of the device, and what random real images reach is known from the first on.
    private SharedJobRunner RowRunner() => new(new LocalJobRunner())
    {
        Waits = left => terminal.Say($"Other processes are at {left} of the rows; waiting for them."),
    };

    private void AblateRows(
        RunFolder folder, AblationSummary summary, ResolvedSettings resolved, PreparedData data, Requirements needs)
    {
        terminal.Say($"Folder: {ShownPath.Of(folder.Path)}");
        RunSettings common = resolved.Settings with { ExpertsFrom = resolved.Settings.ExpertsFrom ?? folder.Experts };
        AblationSummary begun = summary;
        Say(() => PlanOfAblation(begun.Grid, common, data, needs, (begun, folder)));
        RowJob[] jobs =
        [
            .. AblationGrid.Of(summary.Grid).Select(row => new RowJob(row, folder)),
        ];
        double seconds = 0;
        var baselines = new Dictionary<int, AccuracySet>();
        foreach (RowJob job in jobs)
        {
            job.Run = cancelRow =>
            {
                terminal.Say($"Row {Array.IndexOf(jobs, job) + 1} of {jobs.Length}: {job.Row.Name} ({Describe(job.Row)})");
                return AblateRow(folder, job.Row, resolved with { Settings = common }, data, baselines, cancelRow);
            };
        }

        RowRunner().Run(
            jobs,
            (job, done) =>
            {
                Summary result = ((RowJob)job).Summary!;
                foreach (IpcResult one in result.Results)
                    baselines[one.Ipc] = one.Accuracy;
                seconds += result.Seconds;
                summary = summary with
                {
                    Rows = [.. jobs.Where(j => j.Summary is not null).Select(j => new AblationResult(j.Row, j.Summary!.Results))],
                    Seconds = Math.Round(seconds, 1), Protocol = result.Protocol, Complete = done == jobs.Length,
                };
                summary.Save(folder.Path);
            },
            cancel);
        Show(summary);
        terminal.ShowUnbroken($"Summary: {ShownPath.Of(Path.Combine(folder.Path, AblationSummary.FileName))}");
        terminal.ShowUnbroken(
            $"Next:    {ShellWord.Program} compare {ShellWord.OfPath(ShownPath.Of(folder.Path))}/rows/*");
        if (terminal.IsJson)
            terminal.Data.WriteLine(summary.ToJson());
    }

    private Summary AblateRow(
        RunFolder folder, AblationRow row, ResolvedSettings resolved, PreparedData data,
        IReadOnlyDictionary<int, AccuracySet> baselines, CancellationToken cancelRow)
    {
        RunSettings settings = row.Apply(resolved.Settings);
        using RunFolder own = folder.Row(row.Name);
        ConfigFile.Save(own.Config, "ablate", resolved with { Settings = settings });
        AtomicFile.WriteAllText(own.Environment, EnvironmentReport.Write(data.Backend, settings.Threads));
        return InFolder(folder, progress => new DistillationRun(
            new RunInputs(own, settings, data.Pair, data.Backend, progress, cancelRow)
            {
                Baselines = baselines, Prepared = data,
            }).Execute());
    }

    // A run of the sweep. Its folder knows what of it is done: a finished one is read and checked, and not made again.
    private sealed class RowJob(AblationRow row, RunFolder folder) : FileJob
    {
        public AblationRow Row => row;

        public Func<CancellationToken, Summary>? Run { get; set; }

        public Summary? Summary { get; private set; }

        public override string Key => row.Name;

        public override IReadOnlyList<string> Inputs => [Path.Combine(folder.PathOfRow(row.Name), RunFolder.ConfigName)];

        public override string Result => Path.Combine(folder.PathOfRow(row.Name), RunFolder.SummaryName);

        // The folder is made here, which refuses links, before a claim lies in it.
        public override bool IsDone()
        {
            folder.JoinRow(row.Name).Dispose();
            return false;
        }

        public override void Make(CancellationToken cancel) => Summary = Run!(cancel);
    }

    // The data of all rows, what a row varies changes nothing of them; each row is checked before the first begins.
    private (PreparedData Data, Requirements Needs) PrepareAblation(
        string grid, RunSettings settings, DatasetPair pair, Backend backend, string folder, string? experts)
    {
        Requirements[] rows =
        [
            .. AblationGrid.Of(grid).Select(row => RunCheck.Distillation(row.Apply(settings), pair, backend, folder, experts ?? folder)),
        ];
        _ = ImageBaselines.Of(settings, pair); // what cannot be taken is told before anything is made
        // Each counts the experts, which all have in common.
        long sets = settings.Ipc.Sum(ipc => RunCheck.BytesOfSet(settings, pair, ipc));
        var needs = new Requirements(rows.Max(r => r.DiskBytes) + (rows.Length - 1) * sets, rows.Max(r => r.MemoryBytes));
        return (PrepareBeside(settings, pair, backend, experts), needs);
    }

    private static string Describe(AblationRow row) =>
        $"images start as {row.ImageStart}, windows {(row.Schedule ? "in a growing range" : "everywhere at once")}, labels " +
        row.Labels;

    private void Show(AblationSummary summary)
    {
        // The paper's figures are of one data set and one number of images; beside others they would compare nothing.
        bool HasPublished(IpcResult r) => (summary.Dataset, r.Ipc) == (AblationGrid.PublishedDataset, AblationGrid.PublishedIpc);
        bool isBesidePaper = summary.Rows.Any(r => r.Results.Any(HasPublished));
        ResultColumn[] ofSets =
            [.. ResultColumn.Shown(summary.Rows.SelectMany(r => r.Results).Select(r => r.Accuracy)).Where(column => column.IsOfSet)];
        string[] columns = ["row", "images start", "schedule", "labels", "images per class", "J", .. ofSets.Select(c => c.Title)];
        var table = new ResultTable(
            Summary.HeadingOf(summary.Dataset, summary.EvaluatedOn), 0, isBesidePaper ? [.. columns, "paper"] : columns);
        void Add(string paper, params string[] cells) => table.Add(isBesidePaper ? [.. cells, paper] : cells);
        foreach ((AblationRow row, IReadOnlyList<IpcResult> results) in summary.Rows)
        {
            foreach (IpcResult result in results)
            {
                Add(
                    row.Published is { } published && HasPublished(result) ? FormattableString.Invariant($"{published:F1}") : "-",
                    [row.Name, row.ImageStart, row.Schedule ? "on" : "off", row.Labels, $"{result.Ipc}",
                    result.Objective is { } j ? FormattableString.Invariant($"{j:F3}") : "-",
                    .. ofSets.Select(column => Accuracy.Cell(result.Accuracy.Of(column)))]);
            }
        }
        foreach (IpcResult any in summary.Rows[^1].Results)
        {
            // What no row changes stands below them, with its one accuracy under the first column of the sets.
            foreach ((ResultColumn column, Accuracy accuracy) in any.Accuracy.All().Where(c => c.Column.IsTrained(ColumnCase.Largest) && !c.Column.IsOfSet))
            {
                Add(
                    "-", ["random real", "real", "-", column.HasTeacher ? "soft" : "hard", $"{any.Ipc}", "-",
                    .. ofSets.Select((_, i) => i == 0 ? Accuracy.Cell(accuracy) : "-")]);
            }
        }
        terminal.Show(table);
        terminal.Show(LineOf(summary.Protocol));
        foreach ((AblationRow row, IReadOnlyList<IpcResult> results) in summary.Rows)
        {
            foreach (IpcResult result in results)
                ShowVerdict($"{row.Name}, IPC {result.Ipc}", result.Verdict);
        }
        if (isBesidePaper)
            terminal.Show("Column 'paper': influence matching's own ablation, CIFAR-100 with 50 images per class.");
        terminal.Show($"{Durations.Text(TimeSpan.FromSeconds(summary.Seconds))} on {summary.Device}");
    }

    private void ResumeAblation(RunFolder folder, ResolvedSettings resolved, DatasetPair pair, Backend backend)
    {
        RunSettings settings = resolved.Settings;
        AblationSummary summary = AblationSummary.Read(folder.Path);
        (PreparedData prepared, Requirements needs) = PrepareAblation(
            summary.Grid, settings, pair, backend, folder.Path, settings.ExpertsFrom ?? folder.Experts);
        using PreparedData common = prepared;
        if (isPlan)
            Show(PlanOfAblation(summary.Grid, settings, common, needs, (summary, folder)), settings, backend);
        else
            AblateRows(folder, summary, resolved, common, needs);
    }
}
