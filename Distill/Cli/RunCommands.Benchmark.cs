using System.Globalization;
using InfMatch.Datasets;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

internal sealed partial class RunCommands
{
    private static readonly TimeSpan s_progressOfCells = TimeSpan.FromSeconds(60);

    private readonly Lock _saying = new();

    /// <summary>'benchmark': a grid of methods, images per class and seeds; a new one, or the rest of one where --out is its folder.
    /// </summary>
    /// <param name="grid">The settings of its cells.</param>
    /// <param name="methods">The methods.</param>
    /// <param name="seeds">The seeds.</param>
    /// <param name="atOnce">How many cells are run at a time.</param>
    public void Benchmark(GridSettings grid, IReadOnlyList<string> methods, IReadOnlyList<ulong> seeds, int atOnce)
    {
        RunSettings common = grid.Common.Settings with { Seed = seeds[0] }; // what a validation split follows from
        if (Existing(common.Out) is { } path)
        {
            string began = ConfigFile.Read(Path.Combine(path, RunFolder.ConfigName), terminal.Say).Command;
            RequireSame(path, began == "benchmark" ? [] : [$"the command is benchmark, and was {began}"]);
            common = common with { Out = path };
        }
        bool isBegun = BenchmarkFile.IsIn(common.Out);
        if (common.ValidationShare is not null)
            RequireOneSeed(isBegun ? seeds.Union(BenchmarkFile.Read(common.Out).Seeds) : seeds);
        ulong expertSeed = common.ExpertSeed ?? (isBegun ? BenchmarkFile.Read(common.Out).ExpertSeed : seeds[0]);
        var resolved = new Dictionary<string, ResolvedSettings>(StringComparer.Ordinal);
        BenchmarkCell[] cells =
        [
            .. BenchmarkFile.CellsOf(methods, [.. common.Ipc.Order()], seeds).Select(cell =>
            {
                try
                {
                    resolved[cell.Name] = grid.Of(cell.Method, cell.Ipc, cell.Seed, expertSeed);
                    return cell;
                }
                catch (DistillException e)
                {
                    return cell with { Refused = e.Message };
                }
            }),
        ];
        RequireAny(cells);
        DatasetPair pair = load(common);
        cells = [.. cells.Select(cell => resolved.TryGetValue(cell.Name, out ResolvedSettings? of) ? RefusedFor(cell, of.Settings, pair) : cell)];
        RequireAny(cells);
        if (!isBegun)
            RequireWritable(common.Out);
        var file = new BenchmarkFile
        {
            Cells = cells, ExpertSeed = expertSeed, Sets = grid.Sets, HasOwnExperts = grid.HasOwnExperts,
        };
        using RunFolder folder = FolderOfBenchmark(grid, common, file, pair, ref isBegun);
        if (isBegun)
            file = Joined(folder, file, common);
        foreach (BenchmarkCell cell in cells.Where(c => c.Refused is null))
            SaveConfig(folder, cell, resolved[cell.Name]);
        file.Save(folder.Path);
        RunSettings here = common with { Out = isBegun ? Path.GetDirectoryName(folder.Path)! : common.Out };
        RunBenchmark(folder, file, grid.Common with { Settings = here }, pair, atOnce);
    }

    // A new one, or one that is there: alone in it, or for a part beside others.
    private RunFolder FolderOfBenchmark(GridSettings grid, RunSettings common, BenchmarkFile file, DatasetPair pair, ref bool isBegun)
    {
        string what = $"benchmark-ipc{string.Join('-', common.Ipc)}", config = ConfigFile.Write("benchmark", grid.Common), path = common.Out;
        if (Choice.Part is { } part && !isBegun)
        {
            string name = Choice.Name ?? throw DistillException.BadValue(
                RunChoice.PartOption, $"{part}", $"{RunChoice.NameOption} beside it: a name that all parts share");
            RunFolder.TryCreate(common.Out, name, config, file.ToText(), BenchmarkFile.FileName)?.Dispose(); // or another has just made it
            (path, isBegun) = (Path.Combine(common.Out, name), true);
        }
        RunFolder folder = !isBegun ? NewFolder(common, what, config, file.ToText(), BenchmarkFile.FileName)
            : Choice.Part is null ? RunFolder.Open(path)
            : RunFolder.Join(path);
        if (!isBegun || !RunData.Require(folder.Path, pair))
            RunData.Save(folder.Path, pair);
        return folder;
    }

    private static void RequireAny(BenchmarkCell[] cells)
    {
        if (cells.All(c => c.Refused is not null))
            throw new DistillException(ExitCode.Usage, "IM2041", $"no cell of the benchmark can be run. {cells[0].Name}: {cells[0].Refused}");
    }

    // What is known before experts are trained for it.
    private static BenchmarkCell RefusedFor(BenchmarkCell cell, RunSettings settings, DatasetPair pair)
    {
        try
        {
            RunCheck.Method(settings, pair);
            return cell;
        }
        catch (DistillException e)
        {
            return cell with { Refused = e.Message };
        }
    }

    /// <summary>'benchmark --resume': the cells that are left.</summary>
    /// <param name="path">The folder of the benchmark.</param>
    /// <param name="given">What may change: the places of the data, the experts, the start and the networks that label, and the machine.
    /// </param>
    /// <param name="atOnce">How many cells are run at a time.</param>
    public void ResumeBenchmark(string path, ResolvedSettings given, int atOnce)
    {
        if (isPlan)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2044",
                $"{ShownPath.Of(path)} is a benchmark, and a plan is of one run. Plan one of its cells, such as " +
                $"{ShellWord.Program} plan resume {ShellWord.OfPath(ShownPath.Of(Path.Combine(path, BenchmarkFile.CellFolder)))}/CELL");
        }
        using RunFolder folder = Choice.Part is null ? RunFolder.Open(path) : RunFolder.Join(path);
        ResolvedSettings resolved = ConfigFile.Read(folder.Config, terminal.Say).Resolved;
        RunSettings recorded = resolved.Settings;
        RunSettings common = recorded with
        {
            Device = given.IsGiven("Device") ? given.Settings.Device : recorded.Device,
            Threads = given.IsGiven("Threads") ? given.Settings.Threads : recorded.Threads,
            MemoryLimit = given.IsGiven("MemoryLimit") ? given.Settings.MemoryLimit : recorded.MemoryLimit,
            Data = given.IsOnCommandLine("Data") ? given.Settings.Data : recorded.Data,
            ExpertsFrom = given.IsOnCommandLine("ExpertsFrom") ? given.Settings.ExpertsFrom : recorded.ExpertsFrom,
        };
        BenchmarkFile begun = BenchmarkFile.Read(folder.Path);
        DatasetPair pair = load(common with { Seed = begun.Seeds[0] });
        RunData.Require(folder.Path, pair);
        RunBenchmark(folder, begun, resolved with { Settings = common }, pair, atOnce, given);
    }

    // Where what several cells take from is now; null where that is not named.
    private static string? MovedTo(string property, RunFolder folder, BenchmarkFile file, ResolvedSettings given)
    {
        Setting setting = Settings.Of(property);
        string[] places =
        [
            .. file.Cells.Where(c => given.IsOnCommandLine(property) && c.Refused is null)
                .Select(c => setting.Show(ConfigFile.Read(new RunFiles(BenchmarkFile.PathOf(folder.Path, c)).Config).Resolved.Settings))
                .Where(place => place.Length > 0).Distinct(StringComparer.Ordinal),
        ];
        return places.Length < 2 ? MovedTo(property, places.FirstOrDefault(), given) : throw DistillException.BadValue(
            setting.Name, setting.Show(given.Settings),
            $"nothing beside cells that take from different places ({string.Join(", ", places)}). Continue each of them alone: " +
            $"{ShellWord.Program} resume {ShellWord.OfPath(ShownPath.Of(Path.Combine(folder.Path, BenchmarkFile.CellFolder)))}/CELL " +
            $"{setting.Name} PLACE");
    }

    private static string? LabelsMovedTo(RunFolder folder, BenchmarkFile file, ResolvedSettings given)
    {
        if (MovedTo(nameof(RunSettings.LabelFrom), folder, file, given) is not { } to)
            return null;
        foreach (string path in file.Cells.Select(c => BenchmarkFile.PathOf(folder.Path, c)))
        {
            string summary = new RunFiles(path).Summary;
            if (File.Exists(summary))
                LabelTeacher.RequireSame(Summary.Read(summary), to, path);
        }
        return to;
    }

    private static void RequireOneSeed(IEnumerable<ulong> seeds)
    {
        string shown = string.Join(' ', seeds.Distinct().Order());
        if (shown.Contains(' ', StringComparison.Ordinal))
        {
            throw DistillException.BadValue(
                "--seeds", shown, "one seed beside --validation-share: each seed holds out other images, which are not to be compared");
        }
    }

    // Cells that were there stay as they are; others are added.
    private static BenchmarkFile Joined(RunFolder folder, BenchmarkFile asked, RunSettings common)
    {
        BenchmarkFile begun = BenchmarkFile.Read(folder.Path);
        string? other = GridSettings.FirstOther(ConfigFile.Read(folder.Config).Resolved.Settings, common)
            ?? (begun.HasOwnExperts != asked.HasOwnExperts ? "--own-experts is not as it was" : null)
            ?? (begun.ExpertSeed != asked.ExpertSeed ? $"--expert-seed is {asked.ExpertSeed}, and was {begun.ExpertSeed}" : null);
        if (other is not null)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2040",
                $"{ShownPath.Of(folder.Path)} was begun with other settings: {other}. All cells of a table share them: give those of the " +
                "benchmark again, or take another folder.");
        }
        string[] names = [.. asked.Cells.Select(c => c.Name)];
        return begun with
        {
            Cells = [.. begun.Cells.Where(c => !names.Contains(c.Name, StringComparer.Ordinal)), .. asked.Cells],
            Sets = [.. begun.Sets.Union(asked.Sets, StringComparer.Ordinal)],
        };
    }

    private static void SaveConfig(RunFolder folder, BenchmarkCell cell, ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings with
        {
            ExpertsFrom = resolved.Settings.ExpertsFrom
                ?? Path.Combine(folder.Experts, GridSettings.NameOfExperts(resolved.Settings)),
        };
        using RunFolder own = folder.JoinBelow(BenchmarkFile.CellFolder, cell.Name); // a cell may be at work
        if (!File.Exists(own.Config))
        {
            ConfigFile.Save(own.Config, "distill", resolved with { Settings = settings });
            return;
        }
        RunSettings begun = ConfigFile.Read(own.Config).Resolved.Settings;
        if (ConfigFile.Hash(begun) != ConfigFile.Hash(settings))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2040",
                $"{ShownPath.Of(own.Path)} was begun with other settings than are given now. Give those of the benchmark again, or take " +
                "another folder; 'benchmark --resume' needs no settings.");
        }
    }

    private void RunBenchmark(
        RunFolder folder, BenchmarkFile file, ResolvedSettings resolved, DatasetPair pair, int atOnce, ResolvedSettings? given = null)
    {
        string? start = given is null ? null : MovedTo(nameof(RunSettings.StartFrom), folder, file, given);
        string? labels = given is null ? null : LabelsMovedTo(folder, file, given);
        RunSettings common = resolved.Settings;
        RunSettings each = atOnce == 1 ? common : common with { Threads = BenchmarkFile.ThreadsOfCell(common, atOnce) };
        Backend first = OpenDevice(each);
        string device = first.Description;
        terminal.Say($"Folder: {ShownPath.Of(folder.Path)}");
        terminal.Say(DescribeGrid(file, common, atOnce));
        Backend? unused = first;
        var run = new BenchmarkRun(
            new BenchmarkInputs(folder, each, pair)
            {
                Open = () => Interlocked.Exchange(ref unused, null) ?? OpenDevice(new Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false), each),
                Progress = name => atOnce == 1
                    ? terminal.MakeProgress()
                    : new PlainProgress(line => SayInTurn($"{name}: {line}"), TimeProvider.System, s_progressOfCells),
                Say = SayInTurn,
                Ended = now =>
                {
                    if (Choice.Part is null)
                        Table(folder, file, now, resolved, device, atOnce);
                },
                Part = Choice.Part,
                AtOnce = atOnce,
                Cancel = cancel,
                StartFrom = start,
                LabelFrom = labels,
            },
            file);
        try
        {
            run.Execute();
        }
        catch (OperationCanceledException)
        {
            terminal.SayAlways("Saved. Continue with:");
            terminal.SayLines($"  {ShellWord.Program} benchmark --resume {ShellWord.OfPath(ShownPath.Of(folder.Path))}");
            throw;
        }
        if (Choice.Part is null)
        {
            ShowBenchmark(folder, Table(folder, file, run, resolved, device, atOnce));
            return;
        }
        var results = new BenchmarkResults(folder.Path, file, run.Failures);
        BenchmarkCell[] possible = [.. file.Cells.Where(c => c.Refused is null)];
        foreach ((string name, string reason) in run.Failures)
            terminal.Show($"{name} failed: {reason}");
        Tell(terminal, Choice, "cells", (possible.Count(results.IsDone), possible.Length), folder.Path);
    }

    private void SayInTurn(string line)
    {
        lock (_saying)
            terminal.Say(line);
    }

    private static string DescribeGrid(BenchmarkFile file, RunSettings common, int atOnce)
    {
        int refused = file.Cells.Count(c => c.Refused is not null);
        string time = common.BudgetOfSet is { Unit: Methods.BudgetUnit.Seconds } budget
            ? $", {Durations.Text(TimeSpan.FromSeconds(budget.Amount * (file.Cells.Count - refused) / atOnce))} for updates alone"
            : "";
        return $"Cells: {file.Cells.Count} ({string.Join(", ", file.Methods)}; images per class {string.Join(", ", file.Ipcs)}; seeds " +
            $"{string.Join(", ", file.Seeds)}), {atOnce} at a time{time}. " +
            (file.HasOwnExperts ? "Each method has its own experts." : $"All share the experts of seed {file.ExpertSeed}.") +
            (atOnce > 1 && time.Length > 0 ? " Cells that run at a time share the processor, so equal seconds are not quite equal work." : "") +
            (refused > 0 ? string.Create(CultureInfo.InvariantCulture, $" {refused} cannot be run.") : "");
    }

    // Written after each cell, so that a look at it is worth while before the end.
    private static BenchmarkTable Table(
        RunFolder folder, BenchmarkFile file, BenchmarkRun run, ResolvedSettings common, string device, int atOnce)
    {
        BenchmarkTable table = new BenchmarkResults(folder.Path, file, run.Failures).Table(common, device, atOnce);
        table.Save(folder.Path);
        AtomicFile.WriteAllText(Path.Combine(folder.Path, "table.md"), BenchmarkText.Markdown(table));
        AtomicFile.WriteAllText(Path.Combine(folder.Path, "table.csv"), BenchmarkText.Csv(table));
        BenchmarkPicture.Write(Path.Combine(folder.Path, "table.svg"), table);
        return table;
    }

    private void ShowBenchmark(RunFolder folder, BenchmarkTable table)
    {
        terminal.Show(BenchmarkText.Accuracies(table));
        terminal.Show(BenchmarkText.Details(table));
        foreach (string note in BenchmarkText.Notes(table))
            terminal.Show(note);
        terminal.ShowUnbroken($"Table:   {ShownPath.Of(Path.Combine(folder.Path, BenchmarkTable.FileName))} (.md, .csv, .svg)");
        terminal.ShowUnbroken(
            $"Next:    {ShellWord.Program} compare {ShellWord.OfPath(ShownPath.Of(folder.Path))}/{BenchmarkFile.CellFolder}/* --pictures FOLDER");
        if (terminal.IsJson)
            terminal.Data.WriteLine(table.ToText().TrimEnd('\n'));
    }
}
