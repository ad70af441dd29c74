using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using Spectre.Console;

namespace InfMatch.Distill;

internal sealed partial class RunCommands
{
    /// <summary>'ablate': a new ablation, a run for each row on the same experts.</summary>
    public void Ablate(string grid, ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        if (AblationGrid.Varied.FirstOrDefault(resolved.IsGiven) is { } varied)
        {
            Setting setting = Settings.All.Single(s => s.Property == varied);
            throw DistillException.BadValue(setting.Name, setting.Show(settings), "nothing, because 'ablate' varies it");
        }
        if (settings.StartGrowth == 0 || settings.StartFirst == settings.StartLast)
        {
            throw DistillException.BadValue(
                "--start-growth", $"{settings.StartGrowth}",
                "a number from 1, with --start-last above --start-first: else the schedule's rows would be those without it");
        }
        if (settings.LrLabel == 0)
            throw DistillException.BadValue("--lr-label", "0", "a number above 0: else learned labels would be kept");
        Backend backend = OpenDevice(settings);
        RunFolder.RequireWritable(settings.Out);
        DatasetPair pair = load(settings);
        RequireImages(pair, settings);
        using RunFolder folder = RunFolder.Create(
            settings.Out,
            RunFolder.NameOf(
                TimeProvider.System.GetLocalNow().DateTime, settings.Dataset, $"ablation-ipc{string.Join('-', settings.Ipc)}",
                settings.Seed));
        ConfigFile.Save(folder.Config, "ablate", resolved);
        var summary = new AblationSummary
        {
            Grid = grid, Complete = false, Dataset = pair.Name, Device = backend.Description, Commit = EnvironmentReport.Commit,
        };
        summary.Save(folder.Path);
        AblateRows(folder, summary, resolved, pair, backend);
    }

    private void AblateRows(
        RunFolder folder, AblationSummary summary, ResolvedSettings resolved, DatasetPair pair, Backend backend)
    {
        terminal.Say($"Folder: {folder.Path}");
        RunSettings common = resolved.Settings with { ExpertsFrom = resolved.Settings.ExpertsFrom ?? folder.Experts };
        AblationRow[] rows = [.. AblationGrid.Of(summary.Grid)];
        var done = new List<AblationResult>();
        double seconds = 0;
        var baselines = new Dictionary<int, AccuracySet>();
        using PreparedData data = Prepare(pair, backend, common); // what a row varies changes nothing of them
        foreach (AblationRow row in rows)
        {
            terminal.Say($"Row {done.Count + 1} of {rows.Length}: {row.Name} ({Describe(row)})");
            Summary result = AblateRow(folder, row, resolved with { Settings = common }, data, baselines);
            foreach (IpcResult one in result.Results)
                baselines[one.Ipc] = one.Accuracy;
            done.Add(new AblationResult(row, result.Results));
            seconds += result.Seconds;
            summary = summary with
            {
                Rows = [.. done], Seconds = Math.Round(seconds, 1), Protocol = result.Protocol,
                Complete = done.Count == rows.Length,
            };
            summary.Save(folder.Path);
        }
        Show(summary);
        terminal.Say($"Summary: {Path.Combine(folder.Path, AblationSummary.FileName)}");
        if (json)
            terminal.Data.WriteLine(summary.ToJson());
    }

    private Summary AblateRow(
        RunFolder folder, AblationRow row, ResolvedSettings resolved, PreparedData data,
        IReadOnlyDictionary<int, AccuracySet> baselines)
    {
        RunSettings settings = row.Apply(resolved.Settings);
        string rows = Path.Combine(folder.Path, "rows"), path = Path.Combine(rows, row.Name);
        using RunFolder own = Directory.Exists(path) ? RunFolder.Open(path) : RunFolder.Create(rows, row.Name);
        ConfigFile.Save(own.Config, "ablate", resolved with { Settings = settings });
        AtomicFile.WriteAllText(own.Environment, EnvironmentReport.Write(data.Backend, settings.Threads));
        using IProgressView progress = terminal.MakeProgress();
        try
        {
            return new DistillationRun(own, settings, data.Pair, data.Backend, progress, cancel, baselines, data).Execute();
        }
        catch (Exception e) when (e is OperationCanceledException or DeviceMemoryException)
        {
            progress.Note(
                $"Saved what there is. Continue with: {ShellWord.Program} resume {ShellWord.OfPath(folder.Path)}");
            throw;
        }
    }

    private static string Describe(AblationRow row) =>
        $"images start as {row.ImageStart}, windows {(row.Schedule ? "in a growing range" : "everywhere at once")}, labels " +
        row.Labels;

    private void Show(AblationSummary summary)
    {
        var table = new Table().Title(Markup.Escape(PrintableText.Of($"Test accuracy in percent, {summary.Dataset}")));
        foreach (string column in (string[])
            ["row", "images start", "schedule", "labels", "images per class", "J", "distilled", "paper"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach ((AblationRow row, IReadOnlyList<IpcResult> results) in summary.Rows)
        {
            foreach (IpcResult result in results)
            {
                table.AddRow(
                    row.Name, row.ImageStart, row.Schedule ? "on" : "off", row.Labels, $"{result.Ipc}",
                    result.Objective is { } j ? FormattableString.Invariant($"{j:F3}") : "-", Cell(result.Accuracy.Distilled),
                    row.Published is { } published ? FormattableString.Invariant($"{published:F1}") : "-");
            }
        }
        foreach (IpcResult any in summary.Rows[^1].Results)
        {
            table.AddRow("random real", "real", "-", "hard", $"{any.Ipc}", "-", Cell(any.Accuracy.RandomReal), "-");
            table.AddRow("random real", "real", "-", "soft", $"{any.Ipc}", "-", Cell(any.Accuracy.RandomRealSoftLabels), "-");
        }
        terminal.Console.Write(table);
        terminal.Say($"Mean ± standard deviation, {summary.Protocol}.");
        terminal.Say("Column 'paper': influence matching's own ablation, CIFAR-100 with 50 images per class.");
        terminal.Say($"{Durations.Text(TimeSpan.FromSeconds(summary.Seconds))} on {summary.Device}");
    }
}
