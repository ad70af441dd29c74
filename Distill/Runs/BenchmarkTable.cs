using System.Text.Json;
using System.Text.Json.Serialization;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>An accuracy over seeds, each of which is the mean of its networks, in percent.</summary>
/// <param name="Mean">The mean over the seeds.</param>
/// <param name="Std">The sample standard deviation over the seeds; null of one seed.</param>
/// <param name="Runs">The mean of each seed.</param>
/// <param name="Networks">The accuracy of every network of every seed.</param>
internal sealed record BenchmarkAccuracy(double Mean, double? Std, IReadOnlyList<double> Runs, IReadOnlyList<double> Networks)
{
    /// <summary>The deviation over all networks of all seeds; null of one network.</summary>
    [JsonIgnore]
    public double? StdOfNetworks => Networks.Count > 1 ? Spread.OfAll(Networks).Deviation : null;

    /// <summary>Of the accuracies of some seeds; null of none.</summary>
    public static BenchmarkAccuracy? Of(IEnumerable<Accuracy?> seeds)
    {
        Accuracy[] known = [.. seeds.OfType<Accuracy>()];
        if (known.Length == 0)
            return null;
        double[] means = [.. known.Select(a => a.Mean)];
        var spread = Spread.OfAll(means);
        return new BenchmarkAccuracy(
            spread.Mean, known.Length > 1 ? spread.Deviation : null, means, [.. known.SelectMany(a => a.Runs)]);
    }

    /// <summary>"53.1 ± 0.8" over seeds, or over the networks of one seed; "53.1" of one network.</summary>
    [JsonIgnore]
    public string Shown => (Std ?? StdOfNetworks) is { } std
        ? FormattableString.Invariant($"{Mean:F1} ± {std:F1}")
        : FormattableString.Invariant($"{Mean:F1}");
}

/// <summary>A cell of which there is no result.</summary>
/// <param name="Cell">Its name.</param>
/// <param name="Reason">Why.</param>
internal sealed record MissingCell(string Cell, string Reason);

/// <summary>What a method, or a baseline, reached with a number of images per class.</summary>
/// <param name="Name">The method, or the key of the baseline.</param>
/// <param name="Ipc">Images per class.</param>
internal sealed record BenchmarkRow(string Name, int Ipc)
{
    /// <summary>What tells it from other rows, such as dm-ipc10.</summary>
    public string Key { get; init; } = FormattableString.Invariant($"{Name}-ipc{Ipc}");

    /// <summary>As people read it.</summary>
    public required string Label { get; init; }

    /// <summary>Tiles along a side of each stored image: with 2 an image holds four.</summary>
    public int Factor { get; init; } = 1;

    /// <summary>Accuracies at the last epoch by the key of their column; of the distilled set under "distilled".</summary>
    public required IReadOnlyDictionary<string, BenchmarkAccuracy> Accuracy { get; init; }

    /// <summary>The same at the best epoch, where epochs before the last were looked at.</summary>
    public IReadOnlyDictionary<string, BenchmarkAccuracy> Best { get; init; } =
        new Dictionary<string, BenchmarkAccuracy>(StringComparer.Ordinal);

    /// <summary>What differs from the rows of baselines in how it was evaluated or labelled; null for nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Own { get; init; }

    /// <summary>Updates of S, the mean over seeds; null of a baseline.</summary>
    public double? Updates { get; init; }

    /// <summary>Seconds of the updates, the mean over seeds.</summary>
    public double? Seconds { get; init; }

    /// <summary>Images that passed forward through a network in the updates, the mean over seeds.</summary>
    public double? Images { get; init; }

    /// <summary>The most memory that tensors held while S was distilled, in bytes, over all seeds.</summary>
    public long? PeakBytes { get; init; }

    /// <summary>How many seeds came to each verdict.</summary>
    public IReadOnlyDictionary<string, int> Verdicts { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>The cells that have a result.</summary>
    public IReadOnlyList<string> Cells { get; init; } = [];

    /// <summary>The cells that have none.</summary>
    public IReadOnlyList<MissingCell> Missing { get; init; } = [];

    /// <summary>The verdict of all seeds together, such as "better" or "worse, 1 of 3 diverged"; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Verdict { get; init; }
}

/// <summary>table.json: the result of a benchmark.</summary>
internal sealed record BenchmarkTable
{
    /// <summary>Its name in the folder.</summary>
    public const string FileName = "table.json";

    /// <summary>The column of the distilled sets.</summary>
    public const string Distilled = "distilled";

    /// <summary>The data set.</summary>
    public required string Dataset { get; init; }

    /// <summary>What the accuracies are of where they are not of the test images, as in <see cref="Summary.EvaluatedOn"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? EvaluatedOn { get; init; }

    /// <summary>How networks are trained and evaluated, in one line.</summary>
    public string? Protocol { get; init; }

    /// <summary>The networks that gave the soft labels, in one line; of most methods, see <see cref="BenchmarkRow.Own"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SoftLabels { get; init; }

    /// <summary>The experts that all cells share, in one line.</summary>
    public string? Experts { get; init; }

    /// <summary>What the updates of each set might cost; null where each method had its own number of updates.</summary>
    public string? Budget { get; init; }

    /// <summary>What computed.</summary>
    public required string Device { get; init; }

    /// <summary>How many cells were run at a time.</summary>
    public required int AtOnce { get; init; }

    /// <summary>The command that makes it again, with FOLDER for the folder of the data.</summary>
    public string? Command { get; init; }

    /// <summary>The commit of the program.</summary>
    public required string Commit { get; init; }

    /// <summary>The seeds.</summary>
    public required IReadOnlyList<ulong> Seeds { get; init; }

    /// <summary>Whether every cell has a result.</summary>
    public required bool Complete { get; init; }

    /// <summary>A row for each method and number of images per class.</summary>
    public required IReadOnlyList<BenchmarkRow> Rows { get; init; }

    /// <summary>A row for each baseline and number of images per class.</summary>
    public required IReadOnlyList<BenchmarkRow> Baselines { get; init; }

    /// <summary>The methods in their order, as people read them.</summary>
    [JsonIgnore]
    public IReadOnlyList<(string Name, string Label)> Methods =>
    [
        .. Rows.GroupBy(r => r.Name, StringComparer.Ordinal)
            .Select(g => (g.Key, g.Select(r => r.Label).Distinct(StringComparer.Ordinal).ToArray() is [var one] ? one : g.Key)),
    ];

    /// <summary>The baselines in their order, as people read them.</summary>
    [JsonIgnore]
    public IReadOnlyList<(string Name, string Label)> BaselineNames => [.. Baselines.Select(r => (r.Name, r.Label)).DistinctBy(r => r.Name, StringComparer.Ordinal)];

    /// <summary>The numbers of images per class, ascending.</summary>
    [JsonIgnore]
    public IReadOnlyList<int> Ipcs => [.. Rows.Select(r => r.Ipc).Distinct().Order()];

    /// <summary>The row of a method or baseline; null where there is none.</summary>
    public BenchmarkRow? Row(string name, int ipc) => Rows.Concat(Baselines).FirstOrDefault(r => r.Name == name && r.Ipc == ipc);

    /// <summary>The text of the file.</summary>
    public string ToText() => SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject()) + "\n";

    /// <summary>Writes the file into a folder.</summary>
    public void Save(string folder) => AtomicFile.WriteAllText(Path.Combine(folder, FileName), ToText());

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="DistillException">It is no such file, or damaged.</exception>
    public static BenchmarkTable Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            return SealedJson.Read<BenchmarkTable>(path).Value;
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException)
        {
            throw new DistillException(
                ExitCode.Data, "IM3083", $"{path} is no table of a benchmark: {e.Message} 'benchmark --resume' writes it again.", e);
        }
    }
}
