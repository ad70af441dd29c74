using System.Collections.Concurrent;
using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What the cells of a benchmark are run with.</summary>
/// <param name="Folder">The folder of the benchmark.</param>
/// <param name="Common">What all cells have in common, with the machine's settings as they are now.</param>
/// <param name="Pair">The data.</param>
internal sealed record BenchmarkInputs(RunFolder Folder, RunSettings Common, DatasetPair Pair)
{
    /// <summary>Opens a device; each place at which a cell is run has its own.</summary>
    public required Func<Backend> Open { get; init; }

    /// <summary>Progress of a cell, or of the experts.</summary>
    public required Func<string, IProgressView> Progress { get; init; }

    /// <summary>Says a line.</summary>
    public required Action<string> Say { get; init; }

    /// <summary>Called when a cell has ended, one at a time.</summary>
    public required Action<BenchmarkRun> Ended { get; init; }

    /// <summary>How many cells are run at a time.</summary>
    public required int AtOnce { get; init; }

    /// <summary>Which of the cells are run; null for all.</summary>
    public Part? Part { get; init; }

    /// <summary>Stops the work.</summary>
    public required CancellationToken Cancel { get; init; }

    /// <summary>Where the set is now from which cells start that start from one; null for where they say.</summary>
    public string? StartFrom { get; init; }

    /// <summary>Where the networks are now that label in cells that take labels from others; null for where they say.</summary>
    public string? LabelFrom { get; init; }
}

/// <summary>
/// Runs the cells of a benchmark that are not done, each in its folder, where it goes on if it was interrupted. Experts come first, so
/// that no two cells train the same. A cell that fails is left with its reason and the others go on. Its bits do not depend on how
/// many run at a time.
/// </summary>
internal sealed class BenchmarkRun(BenchmarkInputs inputs, BenchmarkFile benchmark)
{
    private readonly ConcurrentBag<Place> _places = [];
    private readonly ConcurrentDictionary<string, AccuracySet> _baselines = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _failures = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private int _begun;

    /// <summary>Why cells failed, by their name.</summary>
    public IReadOnlyDictionary<string, string> Failures => _failures;

    /// <summary>The settings of a cell as its folder has them, on this machine.</summary>
    /// <exception cref="DistillException">The folder has none.</exception>
    public RunSettings SettingsOf(BenchmarkCell cell)
    {
        RunSettings own = ConfigFile.Read(new RunFiles(BenchmarkFile.PathOf(inputs.Folder.Path, cell)).Config).Resolved.Settings;
        return own with
        {
            Device = inputs.Common.Device, Threads = inputs.Common.Threads, MemoryLimit = inputs.Common.MemoryLimit,
            Data = inputs.Common.Data, Out = inputs.Common.Out,
            StartFrom = own.StartFrom is null ? null : inputs.StartFrom ?? own.StartFrom,
            LabelFrom = own.LabelFrom is null ? null : inputs.LabelFrom ?? own.LabelFrom,
            ExpertsFrom = inputs.Common.ExpertsFrom ?? Path.Combine(inputs.Folder.Experts, GridSettings.NameOfExperts(own)),
        };
    }

    /// <summary>Runs what is left.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what is done is on disk.</exception>
    public void Execute()
    {
        var results = new BenchmarkResults(inputs.Folder.Path, benchmark, _failures);
        (BenchmarkCell Cell, RunSettings Settings)[] all =
            [.. benchmark.Cells.Where(c => c.Refused is null).Select(c => (c, SettingsOf(c)))];
        foreach ((BenchmarkCell cell, RunSettings settings) in all.Where(c => results.IsDone(c.Cell)))
            _baselines.TryAdd(BaselineOf(settings), results.AccuracyOf(cell)!);
        (BenchmarkCell Cell, RunSettings Settings)[] left =
            [.. all.Where(c => !results.IsDone(c.Cell) && !StoppedFile.IsIn(BenchmarkFile.PathOf(inputs.Folder.Path, c.Cell)))];
        try
        {
            // Numbered over all cells, so that parts that begin at different times number alike.
            HashSet<string> own = [.. all.Where((_, i) => inputs.Part is not { } part || part.Has(i)).Select(c => c.Cell.Name)];
            left = [.. left.Where(c => own.Contains(c.Cell.Name))];
            foreach ((BenchmarkCell cell, _) in left)
                inputs.Folder.JoinBelow(BenchmarkFile.CellFolder, cell.Name).Dispose(); // refuses links, before a claim lies in it
            TrainExperts(left);
            var jobs = left.Where(c => !_failures.ContainsKey(c.Cell.Name)).Select(c => new CellJob(inputs.Folder.Path, c.Cell, cancel =>
            {
                Run(c.Cell, c.Settings, left.Length, cancel);
                lock (_gate)
                    inputs.Ended(this);
            })).ToArray();
            new SharedJobRunner(new LocalJobRunner(inputs.AtOnce))
            {
                Waits = count => inputs.Say($"Other processes run {count} of the cells; waiting for them."),
            }.Run(jobs, cancel: inputs.Cancel);
        }
        finally
        {
            foreach (Place place in _places)
                place.Dispose();
        }
    }

    private void TrainExperts((BenchmarkCell Cell, RunSettings Settings)[] left)
    {
        foreach (IGrouping<string, (BenchmarkCell Cell, RunSettings Settings)> group in
            left.GroupBy(c => c.Settings.ExpertsFrom!, StringComparer.Ordinal))
        {
            RunSettings settings = group.MaxBy(c => c.Settings.Experts).Settings;
            if (ExpertLibrary.Missing(settings, group.Key).Length == 0)
                continue;
            try
            {
                using Place place = new(inputs.Open());
                using IProgressView progress = inputs.Progress("experts");
                PreparedData data = place.DataOf(inputs, settings, progress);
                RunCheck.Training(settings, inputs.Pair, place.Backend, inputs.Folder.Path, group.Key);
                ExpertLibrary.Gather(settings, data.NetworkOf(settings, settings.Width), data, group.Key, progress, inputs.Cancel).Dispose();
            }
            catch (Exception e) when (IsOfCell(e))
            {
                foreach ((BenchmarkCell cell, _) in group)
                    Fail(cell, $"its experts cannot be trained: {e.Message}");
            }
        }
    }

    private void Run(BenchmarkCell cell, RunSettings settings, int left, CancellationToken cancel)
    {
        inputs.Say($"Cell {Interlocked.Increment(ref _begun)} of {left}: {cell.Name}");
        Place place = _places.TryTake(out Place? free) ? free : new Place(inputs.Open());
        using RunFolder own = inputs.Folder.Below(BenchmarkFile.CellFolder, cell.Name);
        try
        {
            using IProgressView progress = inputs.Progress(cell.Name);
            PreparedData data = place.DataOf(inputs, settings, progress);
            RunCheck.Distillation(settings, inputs.Pair, place.Backend, own.Path, settings.ExpertsFrom!);
            if (!RunData.Require(own.Path, inputs.Pair))
                RunData.Save(own.Path, inputs.Pair);
            AtomicFile.WriteAllText(own.Environment, EnvironmentReport.Write(place.Backend, settings.Threads));
            Summary summary = new DistillationRun(
                new RunInputs(own, settings, inputs.Pair, place.Backend, progress, cancel)
                {
                    Prepared = data,
                    Baselines = _baselines.TryGetValue(BaselineOf(settings), out AccuracySet? known)
                        ? new Dictionary<int, AccuracySet> { [cell.Ipc] = known }
                        : null,
                }).Execute();
            _baselines.TryAdd(BaselineOf(settings), summary.Results.Single(r => r.Ipc == cell.Ipc).Accuracy);
        }
        catch (NumericalException e)
        {
            StoppedFile.Write(own.Path, e.Message); // the same settings lead there again
            Fail(cell, e.Message);
        }
        catch (Exception e) when (IsOfCell(e))
        {
            Fail(cell, e.Message);
        }
        finally
        {
            _places.Add(place);
        }
    }

    // What another cell need not run into. A failing device or disk would end all of them.
    private static bool IsOfCell(Exception e) => e is DistillException { ExitCode: not ExitCode.FileSystem } or DeviceMemoryException
        or DatasetException or ShapeException or NumericalException or NotSupportedException or Influence.TrajectoryException or Methods.SettingException;

    private void Fail(BenchmarkCell cell, string reason)
    {
        _failures[cell.Name] = reason;
        inputs.Say($"{cell.Name} failed: {reason}");
    }

    // What random real images reach follows from these alone; so cells share it.
    private static string BaselineOf(RunSettings s) => string.Join(
        '\n',
        Settings.OfData.Concat(Settings.OfEvaluation).Append(Settings.Of(nameof(RunSettings.Seed)))
            .Append(Settings.Of(nameof(RunSettings.Ipc))).Append(Settings.Of(nameof(RunSettings.Temperature)))
            .Append(Settings.Of(nameof(RunSettings.Experts)))
            .Append(Settings.Of(nameof(RunSettings.LabelStart))).Append(Settings.Of(nameof(RunSettings.LabelFrom))).Select(setting => setting.Show(s))
            .Append(GridSettings.NameOfExperts(s)));

    private sealed class CellJob(string folder, BenchmarkCell cell, Action<CancellationToken> run) : FileJob
    {
        private readonly RunFiles _files = new(BenchmarkFile.PathOf(folder, cell));
        private bool _wasRun;

        public override string Key => cell.Name;

        public override IReadOnlyList<string> Inputs => [_files.Config];

        public override string Result => _files.Summary;

        // Also where another process has run it meanwhile, or found that it cannot be.
        public override bool IsDone() => _wasRun || StoppedFile.IsIn(_files.Path) || BenchmarkResults.IsDone(folder, cell);

        public override void Make(CancellationToken cancel)
        {
            run(cancel);
            _wasRun = true;
        }
    }

    // A device with the data on it; one cell at a time is run there.
    private sealed class Place(Backend backend) : IDisposable
    {
        private readonly Dictionary<string, PreparedData> _data = new(StringComparer.Ordinal);

        public Backend Backend => backend;

        public PreparedData DataOf(BenchmarkInputs inputs, RunSettings settings, IProgressView progress)
        {
            string key = settings.Text(nameof(RunSettings.Zca));
            return _data.TryGetValue(key, out PreparedData? known)
                ? known
                : _data[key] = PreparedData.Load(inputs.Pair, backend, settings, progress, inputs.Cancel);
        }

        public void Dispose()
        {
            foreach (PreparedData data in _data.Values)
                data.Dispose();
        }
    }
}
