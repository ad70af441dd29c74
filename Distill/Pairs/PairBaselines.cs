namespace InfMatch.Distill;

/// <summary>Rows that no set and no method decides: choices of real pairs, and all pairs. They have the same bits in every run with the
/// same data, seed, heads and evaluation, so that one run can take them from the table of another.</summary>
internal sealed class PairBaselines
{
    // What the experts' training decides of a row is which pairs 'forgetting' chooses: by how they are trained, not by how many
    // there are, what is kept of them or what their own random numbers follow from.
    private static readonly string[] s_ofRecords =
    [
        nameof(RunSettings.Experts), nameof(RunSettings.ExpertsFrom), nameof(RunSettings.ExpertSeed), nameof(RunSettings.Checkpoints),
        nameof(RunSettings.DenseSteps),
    ];

    private readonly (BaselineFolder Folder, RetrievalSummary Table)? _known;

    private PairBaselines((BaselineFolder, RetrievalSummary)? known) => _known = known;

    /// <summary>The rows that a run need not measure; none where it names no table.</summary>
    /// <param name="settings">The settings of the run.</param>
    /// <param name="data">Its data.</param>
    /// <exception cref="DistillException">There is no table in the folder that is named, or it is one of other data, another seed or other
    /// training (exit 2), or a file in it is damaged (exit 3).</exception>
    public static PairBaselines Of(RunSettings settings, PairData data)
    {
        if (settings.BaselinesFrom is not { } path)
            return new PairBaselines(null);
        var folder = new BaselineFolder(path);
        RunSettings there = folder.SettingsOn(
            RunData.Of(data.Splits, data.Part), folder.Files.Retrieval,
            "the folder of a 'distill' or 'evaluate' on image-text pairs that has measured rows");
        folder.RequireSame(Deciding(settings), OfRealPairs(there), OfRealPairs(settings));
        RetrievalSummary table = RetrievalSummary.Read(folder.Files.Retrieval);
        return table.Results.SelectMany(r => r.Rows).Any(row => PairRows.OfBaselines.Contains(row.Name, StringComparer.Ordinal))
            ? new PairBaselines((folder, table))
            : throw folder.Refused("a table that has a row of real pairs or of all data already");
    }

    /// <summary>A row; null where it is to be measured.</summary>
    /// <param name="pairs">So many pairs.</param>
    /// <param name="name">Its name.</param>
    public RetrievalRow? Row(int pairs, string name)
    {
        if (_known is not var (_, table) || !PairRows.OfBaselines.Contains(name, StringComparer.Ordinal))
            return null;
        return name == PairRows.Full
            ? table.Results.Select(r => r.Row(name)).FirstOrDefault(row => row is not null)
            : table.Results.FirstOrDefault(r => r.Pairs == pairs)?.Row(name);
    }

    /// <summary>A result with the rows that it lacks and that are known here.</summary>
    public RetrievalResult Add(RetrievalResult result) => PairRows.OfBaselines
        .Where(name => result.Row(name) is null).Select(name => Row(result.Pairs, name)).OfType<RetrievalRow>()
        .Aggregate(result, (all, row) => all.With(row));

    /// <summary>Where rows come from, in a line; null where all are measured.</summary>
    public string? Describe() => _known is var (folder, table)
        ? folder.Describe("Rows of real pairs and of all data", table.Device, table.Commit)
        : null;

    private static IEnumerable<Setting> Deciding(RunSettings settings) =>
        new[] { Settings.Of(nameof(RunSettings.Seed)), Settings.Of(nameof(RunSettings.Precision)) }
            .Concat(Settings.OfEvaluation.Where(s => s.Property != nameof(RunSettings.BaselinesFrom)))
            .Concat(Settings.OfExperts.Where(s => !s_ofRecords.Contains(s.Property, StringComparer.Ordinal)))
            .Where(s => s.IsOf(settings));

    // A learned rate belongs to the set: real pairs are trained at another.
    private static RunSettings OfRealPairs(RunSettings settings) => settings with { EvalRate = PairPlans.OnPairs(settings, 1).Rate };
}
