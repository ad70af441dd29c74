using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace InfMatch.Benchmarks;

/// <summary>The table of 'benchmark' as a manifest: an entry for each method, or baseline, and number of images per class.</summary>
internal static partial class ResultsBenchmark
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // Columns that are figures, with their place in a row of the table, digits, and by how much a new measurement may differ.
    private static readonly (string Key, string Heading, string Path, int Digits, double Tolerance)[] s_columns =
    [
        ("distilled", "accuracy", "accuracy.distilled", 1, 0), ("best", "best epoch", "best.distilled", 1, 0),
        ("updates", "updates", "updates", 0, 0.5), ("seconds", "seconds", "seconds", 0, 1), ("images", "images processed", "images", 0, 0.5),
    ];

    /// <summary>The manifest of a table, as text.</summary>
    /// <param name="table">The text of table.json.</param>
    /// <param name="machine">The machine, a key of machines.json.</param>
    /// <param name="date">The day, as 2026-11-26.</param>
    /// <exception cref="JsonException">It is no table of a benchmark, or tells too little.</exception>
    public static string ManifestOf(string table, string machine, string date)
    {
        JsonNode root = JsonNode.Parse(table) ?? throw new JsonException("null is no table.");
        JsonNode[] rows = [.. Require(root, "rows").AsArray().Concat(Require(root, "baselines").AsArray()).Select(r => r!)];
        string[] extra =
        [
            .. rows.SelectMany(r => Require(r, "accuracy").AsObject().Select(a => a.Key)).Distinct(StringComparer.Ordinal).Where(k => k != "distilled"),
        ];
        (string Key, string Heading, string Path, int Digits, double Tolerance)[] columns =
        [
            s_columns[0], .. extra.Select(k => (k, Capital().Replace(k, " $0").ToLowerInvariant(), $"accuracy.{k}", 1, 0.0)), .. s_columns[1..],
        ];
        columns = [.. columns.Where(c => rows.Any(r => FigureOf(r, c.Path) is not null))];
        var manifest = new JsonObject
        {
            ["title"] = $"Methods on {Require(root, "dataset")}, {(root["budget"] is { } budget ? $"{budget} a set" : "each with its own updates")}",
            ["columns"] = new JsonArray(
            [
                new JsonObject { ["key"] = "method", ["heading"] = "method" }, new JsonObject { ["key"] = "ipc", ["heading"] = "images per class" },
                new JsonObject { ["key"] = "factor", ["heading"] = "factor" },
                .. columns.Select(c => new JsonObject
                {
                    ["key"] = c.Key, ["heading"] = c.Heading, ["path"] = c.Path, ["digits"] = c.Digits, ["tolerance"] = c.Tolerance,
                }),
                new JsonObject { ["key"] = "verdict", ["heading"] = "verdict" },
            ]),
            ["defaults"] = new JsonObject
            {
                ["name"] = "defaults", ["seed"] = Require(root, "seeds")[0]!.GetValue<ulong>(), ["factor"] = 1, ["machine"] = machine,
                ["commit"] = Require(root, "commit").GetValue<string>().Split('+', '-')[0], ["date"] = date,
                ["protocol"] = Require(root, "protocol").GetValue<string>(),
                ["commands"] = new JsonArray(Require(root, "command").GetValue<string>()),
            },
            ["entries"] = new JsonArray([.. rows.Select(r => EntryOf(r, columns)).OfType<JsonNode>()]),
        };
        return manifest.ToJsonString(s_options) + "\n";
    }

    // A row without a result has no figure to show; its reasons stand in the table of the benchmark.
    private static JsonObject? EntryOf(JsonNode row, (string Key, string Heading, string Path, int Digits, double Tolerance)[] columns)
    {
        var figures = new JsonObject();
        foreach ((string key, _, string path, _, _) in columns)
        {
            if (FigureOf(row, path) is { } figure)
                figures[key] = figure;
        }
        if (figures.Count == 0)
            return null;
        string key0 = Require(row, "key").GetValue<string>();
        string[] missing = [.. (row["missing"]?.AsArray() ?? []).Select(m => $"{m!["cell"]}: {m["reason"]}")];
        var entry = new JsonObject
        {
            ["name"] = Capital().Replace(key0, "-$0").ToLowerInvariant(),
            ["labels"] = new JsonObject
            {
                ["method"] = Require(row, "label").GetValue<string>(), ["ipc"] = Require(row, "ipc").ToString(), ["factor"] = $"{FactorOf(row)}",
                ["verdict"] = row["verdict"]?.GetValue<string>() ?? "",
            },
            ["factor"] = FactorOf(row),
            ["figures"] = figures,
            ["row"] = $"{(row["updates"] is null ? "baselines" : "rows")}[key={key0}]",
        };
        string[] notes =
        [
            .. row["own"]?.GetValue<string>() is { } own ? [own] : Array.Empty<string>(),
            .. missing.Length > 0 ? [$"missing: {string.Join("; ", missing)}"] : Array.Empty<string>(),
        ];
        if (notes.Length > 0)
            entry["note"] = string.Join("; ", notes);
        return entry;
    }

    private static JsonObject? FigureOf(JsonNode row, string path) => ResultsRerun.At(row, path) switch
    {
        JsonObject accuracy when accuracy["mean"] is { } mean && accuracy["runs"] is JsonArray runs => runs.Count > 1
            ? new JsonObject { ["mean"] = Rounded(mean, 4), ["std"] = Rounded(accuracy["std"]!, 4), ["n"] = runs.Count }
            : new JsonObject { ["mean"] = Rounded(mean, 4), ["n"] = 1 },
        JsonValue value => new JsonObject { ["mean"] = Rounded(value, 1) },
        _ => null,
    };

    private static int FactorOf(JsonNode row) => row["factor"]?.GetValue<int>() ?? 1;

    private static double Rounded(JsonNode number, int digits) => Math.Round(number.GetValue<double>(), digits);

    private static JsonNode Require(JsonNode from, string key) => from[key] ?? throw new JsonException(
        string.Create(CultureInfo.InvariantCulture, $"it has no {key}: expected the table.json of a benchmark of which some cells are done."));

    [GeneratedRegex("[A-Z]")]
    private static partial Regex Capital();
}
