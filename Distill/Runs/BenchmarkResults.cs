namespace InfMatch.Distill;

/// <summary>The results of the cells of a benchmark, as their folders tell them.</summary>
/// <param name="folder">The folder of the benchmark.</param>
/// <param name="benchmark">Its cells.</param>
/// <param name="failures">Why cells failed, by their name, as far as their folders do not tell.</param>
internal sealed class BenchmarkResults(string folder, BenchmarkFile benchmark, IReadOnlyDictionary<string, string> failures)
{
    // What does not depend on the method.
    private static readonly (string Name, string Label)[] s_baselines =
    [
        ("randomReal", "random real"), ("randomRealSoftLabels", "random real + soft labels"), ("whole", "whole set"),
    ];

    private readonly Dictionary<string, Summary> _summaries = benchmark.Cells
        .Select(cell => (cell.Name, File: new RunFiles(BenchmarkFile.PathOf(folder, cell)).Summary)).Where(cell => File.Exists(cell.File))
        .ToDictionary(cell => cell.Name, cell => Summary.Read(cell.File), StringComparer.Ordinal);

    private Summary? _usual;

    /// <summary>Whether a cell is done.</summary>
    public bool IsDone(BenchmarkCell cell) => ResultOf(cell) is not null;

    /// <summary>Whether a cell is done now.</summary>
    public static bool IsDone(string folder, BenchmarkCell cell) =>
        new RunFiles(BenchmarkFile.PathOf(folder, cell)).Summary is var file && File.Exists(file) && ResultOf(Summary.Read(file), cell) is not null;

    /// <summary>Whether nothing is left that could be run.</summary>
    public bool IsComplete => benchmark.Cells.All(c =>
        c.Refused is not null || IsDone(c) || StoppedFile.IsIn(BenchmarkFile.PathOf(folder, c)));

    /// <summary>The accuracies of a finished cell; null where it is none.</summary>
    public AccuracySet? AccuracyOf(BenchmarkCell cell) => ResultOf(cell)?.Accuracy;

    /// <summary>The table.</summary>
    /// <param name="common">What all cells have in common.</param>
    /// <param name="device">What computes.</param>
    /// <param name="atOnce">How many cells are run at a time.</param>
    public BenchmarkTable Table(ResolvedSettings common, string device, int atOnce)
    {
        Summary? any = Usual;
        BenchmarkCell[][] groups = [.. benchmark.Cells.GroupBy(c => (c.Method, c.Ipc)).Select(g => g.ToArray())];
        return new BenchmarkTable
        {
            Dataset = any?.Dataset ?? common.Settings.Dataset,
            EvaluatedOn = PlanFactory.EvaluatedOn(common.Settings),
            Protocol = any?.Protocol,
            SoftLabels = any?.SoftLabels,
            Experts = benchmark.HasOwnExperts ? "each method's own, as its authors trained them"
                : any?.WholeSet is { } experts ? $"{experts}; seed {benchmark.ExpertSeed} for all cells" : null,
            Budget = common.Settings.BudgetOfSet is { } budget ? BudgetText.Shown(budget) : null,
            Device = device,
            AtOnce = atOnce,
            Command = benchmark.CommandOf(common, atOnce),
            Commit = EnvironmentReport.Commit,
            Seeds = benchmark.Seeds,
            Complete = benchmark.Cells.All(IsDone),
            Rows = [.. groups.Select(RowOf)],
            // Data that are whitened for one method and experts that are one method's own give no numbers that all are compared with.
            Baselines = benchmark.HasOwnExperts
                ? []
                : [.. s_baselines.SelectMany(b => benchmark.Ipcs.Select(ipc => BaselineOf(b.Name, b.Label, ipc))).OfType<BenchmarkRow>()],
        };
    }

    // The summary of a cell whose teacher and protocol are those of most cells; the first of equally many.
    private Summary? Usual => _usual ??= benchmark.Cells.Select(c => _summaries.GetValueOrDefault(c.Name)).OfType<Summary>()
        .OrderByDescending(s => s.Complete).GroupBy(s => (s.SoftLabels, s.Protocol)).MaxBy(g => g.Count(s => s.Complete))?.First();

    private IpcResult? ResultOf(BenchmarkCell cell) =>
        _summaries.GetValueOrDefault(cell.Name) is { } summary ? ResultOf(summary, cell) : null;

    private static IpcResult? ResultOf(Summary summary, BenchmarkCell cell) =>
        summary.Complete ? summary.Results.FirstOrDefault(r => r.Ipc == cell.Ipc && r.Accuracy.IsComplete) : null;

    private BenchmarkRow RowOf(BenchmarkCell[] cells)
    {
        (BenchmarkCell Cell, IpcResult Result)[] done =
            [.. cells.Select(c => (Cell: c, Result: ResultOf(c))).Where(c => c.Result is not null).Select(c => (c.Cell, c.Result!))];
        IpcResult[] results = [.. done.Select(d => d.Result)];
        return new BenchmarkRow(cells[0].Method, cells[0].Ipc)
        {
            Label = results.Select(r => r.Method).Distinct(StringComparer.Ordinal).ToArray() is [var estimator] && estimator != cells[0].Method
                ? $"{cells[0].Method}, {estimator}"
                : cells[0].Method,
            Factor = done.Length == 0 ? 1 : ConfigFile.Read(new RunFiles(BenchmarkFile.PathOf(folder, done[0].Cell)).Config).Resolved.Settings.FactorOf(cells[0].Ipc),
            Accuracy = Accuracies(results, a => a),
            Best = Accuracies(results, a => a?.Best),
            Own = done.Select(d => OwnOf(d.Cell)).FirstOrDefault(own => own is not null),
            Updates = Mean(results.Select(r => (double?)r.Iterations)),
            Seconds = Mean(results.Select(r => r.UpdateSeconds)),
            Images = Mean(results.Select(r => (double?)r.ImagesProcessed)),
            PeakBytes = done.Length == 0 ? null : done.Max(d => PeakOf(d.Cell)),
            Verdicts = results.Select(r => r.Verdict?.Word).OfType<string>().GroupBy(w => w, StringComparer.Ordinal)
                .ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal),
            Verdict = VerdictOf([.. results.Select(r => (r.Accuracy, r.Verdict))]),
            Cells = [.. done.Select(d => d.Cell.Name)],
            Missing = [.. cells.Where(c => !IsDone(c)).Select(c => new MissingCell(c.Name, ReasonOf(c)))],
        };
    }

    /// <summary>The verdict of some seeds together, and how many of their sets were destroyed; null where no seed has one. That of a
    /// seed compares networks, of which there may be two. Seeds tell more: each has a set and random real images of its own.</summary>
    internal static string? VerdictOf(IReadOnlyList<(AccuracySet Accuracy, Verdict? Verdict)> seeds)
    {
        int lost = seeds.Count(s => s.Verdict?.Kind == Verdict.Diverged);
        (double Set, double Beside)[] means =
        [
            .. seeds.Select(s => (Set: s.Accuracy.Distilled, s.Accuracy.Beside))
                .Where(s => s is { Set: not null, Beside: not null }).Select(s => (s.Set!.Mean, s.Beside!.Mean)),
        ];
        if (means.Length < 2)
            return seeds.Select(s => s.Verdict?.Word).FirstOrDefault(word => word is not null);
        var difference = AccuracyDifference.OfSeeds([.. means.Select(m => m.Set)], [.. means.Select(m => m.Beside)]);
        string word = Verdict.WordOf(difference.IsWithin ? Verdict.Within : difference.Value > 0 ? Verdict.Better : Verdict.Worse);
        return lost == 0 ? word : $"{word}, {lost} of {seeds.Count} diverged";
    }

    // Where a method is evaluated or its labels are made in another way than in the rows of baselines.
    private string? OwnOf(BenchmarkCell cell)
    {
        if (_summaries.GetValueOrDefault(cell.Name) is not { } own || Usual is not { } usual)
            return null;
        string[] parts =
        [
            .. own.Protocol != usual.Protocol && own.Protocol is { } protocol ? [$"evaluated by {protocol}"] : Array.Empty<string>(),
            .. own.SoftLabels != usual.SoftLabels && own.SoftLabels is { } labels ? [$"soft labels of {labels}"] : Array.Empty<string>(),
        ];
        return parts.Length == 0 ? null : string.Join("; ", parts);
    }

    // Columns of the set itself; baselines have rows of their own.
    private static Dictionary<string, BenchmarkAccuracy> Accuracies(IpcResult[] results, Func<Accuracy?, Accuracy?> of) => results
        .SelectMany(r => r.Accuracy.All()).Where(a => !s_baselines.Any(b => b.Name == a.Column.Name))
        .GroupBy(a => a.Column.Name, a => of(a.Accuracy), StringComparer.Ordinal)
        .Select(g => (g.Key, Value: BenchmarkAccuracy.Of(g))).Where(g => g.Value is not null)
        .ToDictionary(g => g.Key, g => g.Value!, StringComparer.Ordinal);

    // A seed's baseline is the same in all cells of its seed that have the same teacher.
    private BenchmarkRow? BaselineOf(string name, string label, int ipc)
    {
        Accuracy?[] seeds =
        [
            .. benchmark.Cells.Where(c => c.Ipc == ipc && IsDone(c) && OwnOf(c) is null).GroupBy(c => c.Seed)
                .Select(g => AccuracyOf(g.First())!.All().FirstOrDefault(a => a.Column.Name == name).Accuracy),
        ];
        IEnumerable<Accuracy?> counted = name == "whole" ? seeds.Take(1) : seeds; // the experts are those of one seed
        return BenchmarkAccuracy.Of(counted) is not { } accuracy ? null : new BenchmarkRow(name, ipc)
        {
            Label = label,
            Accuracy = new Dictionary<string, BenchmarkAccuracy>(StringComparer.Ordinal) { [BenchmarkTable.Distilled] = accuracy },
            Best = BenchmarkAccuracy.Of(counted.Select(a => a?.Best)) is { } best
                ? new Dictionary<string, BenchmarkAccuracy>(StringComparer.Ordinal) { [BenchmarkTable.Distilled] = best }
                : [],
        };
    }

    private long PeakOf(BenchmarkCell cell) => StagesFile.Read(Path.Combine(BenchmarkFile.PathOf(folder, cell), StagesFile.FileName))
        .Where(stage => stage.Stage == "distil").Select(stage => stage.PeakBytes).DefaultIfEmpty(0).Max();

    private string ReasonOf(BenchmarkCell cell) => cell.Refused
        ?? StoppedFile.ReasonOf(BenchmarkFile.PathOf(folder, cell))
        ?? failures.GetValueOrDefault(cell.Name)
        ?? (_summaries.ContainsKey(cell.Name) ? "not finished" : "not begun");

    private static double? Mean(IEnumerable<double?> values)
    {
        double[] known = [.. values.OfType<double>()];
        return known.Length == 0 ? null : known.Average();
    }
}
