using System.Text.Json;
using System.Text.Json.Serialization;

namespace InfMatch.Benchmarks;

/// <summary>A measured number over several networks.</summary>
/// <param name="Mean">The mean, or the only number.</param>
internal sealed record ResultsFigure(double Mean)
{
    /// <summary>The sample standard deviation; null of one network, and of numbers that are no accuracies.</summary>
    public double? Std { get; init; }

    /// <summary>How many networks; null of numbers that are no accuracies.</summary>
    public int? N { get; init; }

    /// <summary>Digits behind the point, where they are not the column's.</summary>
    public int? Digits { get; init; }
}

/// <summary>A column of a table: a text, a figure, or one of <see cref="ResultsTable.Derived"/>.</summary>
/// <param name="Key">Its key in the labels or figures of the entries.</param>
/// <param name="Heading">Its heading.</param>
internal sealed record ResultsColumn(string Key, string Heading)
{
    /// <summary>Where the figure stands in a row of the program's JSON; null where it cannot be compared again.</summary>
    public string? Path { get; init; }

    /// <summary>Digits behind the point.</summary>
    public int Digits { get; init; } = 1;

    /// <summary>The relative difference that a new measurement may show where no deviation is known.</summary>
    public double Tolerance { get; init; }

    /// <summary>Other figures; this one is set in bold where its interval is above theirs.</summary>
    public IReadOnlyList<string> BoldOver { get; init; } = [];
}

/// <summary>One measurement: what ran, where and when, and what it gave. What an entry lacks is the manifest's.</summary>
/// <param name="Name">Its name in the manifest.</param>
internal sealed record ResultsEntry(string Name)
{
    /// <summary>Texts by the key of their column.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Numbers by the key of their column.</summary>
    public IReadOnlyDictionary<string, ResultsFigure> Figures { get; init; } =
        new Dictionary<string, ResultsFigure>(StringComparer.Ordinal);

    /// <summary>Published accuracies by method, in percent.</summary>
    public IReadOnlyDictionary<string, double> Published { get; init; } = new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>The commands, in order; FOLDER is the folder of the data and RUN the folder of the run before.</summary>
    public IReadOnlyList<string>? Commands { get; init; }

    /// <summary>The commit of the program that ran.</summary>
    public string? Commit { get; init; }

    /// <summary>The machine, a key of machines.json.</summary>
    public string? Machine { get; init; }

    /// <summary>The day, as 2026-11-26.</summary>
    public string? Date { get; init; }

    /// <summary>The seed.</summary>
    public ulong? Seed { get; init; }

    /// <summary>How sets are evaluated, in one line.</summary>
    public string? Protocol { get; init; }

    /// <summary>The factor f: a stored image is f×f tiles.</summary>
    public int? Factor { get; init; }

    /// <summary>The row of the program's JSON, such as results[ipc=1].</summary>
    public string? Row { get; init; }

    /// <summary>What a reader must know besides.</summary>
    public string? Note { get; init; }
}

/// <summary>docs/results/NAME.json: a table of measurements that documents show and a command runs again.</summary>
/// <param name="Title">What was measured.</param>
/// <param name="Columns">The columns of the table.</param>
internal sealed record ResultsManifest(string Title, IReadOnlyList<ResultsColumn> Columns)
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,
    };

    /// <summary>The name of the file, without its ending.</summary>
    [JsonIgnore]
    public string Name { get; init; } = "";

    /// <summary>Where published figures were taken from; null where there are none.</summary>
    public string? PublishedIn { get; init; }

    /// <summary>What entries have that do not say otherwise; its name is not used.</summary>
    public ResultsEntry Defaults { get; init; } = new("defaults");

    /// <summary>The figure by which the best entry is chosen; null where there is no choice.</summary>
    public string? RankBy { get; init; }

    /// <summary>The labels that entries share which are compared in that choice.</summary>
    public IReadOnlyList<string> RankWithin { get; init; } = [];

    /// <summary>The measurements.</summary>
    public IReadOnlyList<ResultsEntry> Entries { get; init; } = [];

    /// <summary>Entries of other manifests, as manifest/entry: this one is then a selection.</summary>
    public IReadOnlyList<string> From { get; init; } = [];

    /// <summary>Reads text; entries come with the defaults filled in.</summary>
    /// <exception cref="JsonException">It is no manifest; the message says where.</exception>
    public static ResultsManifest Parse(string name, string text)
    {
        ResultsManifest read = JsonSerializer.Deserialize<ResultsManifest>(text, s_options)
            ?? throw new JsonException("null is no manifest.");
        return read with { Name = name, Entries = [.. read.Entries.Select(e => Filled(e, read.Defaults))] };
    }

    /// <summary>The best entry of each group, in the order in which the groups begin; all where nothing is ranked.</summary>
    public IEnumerable<ResultsEntry> Best() => RankBy is not { } rank
        ? Entries
        : Entries.Where(e => e.Figures.ContainsKey(rank))
            .GroupBy(e => string.Join('\n', RankWithin.Select(key => e.Labels.GetValueOrDefault(key, ""))), StringComparer.Ordinal)
            .Select(group => group.MaxBy(e => e.Figures[rank].Mean)!);

    private static ResultsEntry Filled(ResultsEntry entry, ResultsEntry other) => entry with
    {
        Labels = other.Labels.Concat(entry.Labels).GroupBy(l => l.Key, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Last().Value, StringComparer.Ordinal),
        Commands = entry.Commands ?? other.Commands,
        Commit = entry.Commit ?? other.Commit,
        Machine = entry.Machine ?? other.Machine,
        Date = entry.Date ?? other.Date,
        Seed = entry.Seed ?? other.Seed,
        Protocol = entry.Protocol ?? other.Protocol,
        Factor = entry.Factor ?? other.Factor,
        Row = entry.Row ?? other.Row,
    };
}
