using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using InfMatch.Nn;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A row of a table of retrieval: heads that were trained on the same pairs, or on choices by the same rule.</summary>
/// <param name="Name">What they were trained on.</param>
/// <param name="Runs">Of each heads six shares in percent: R@1, R@5 and R@10 of images for texts, and of texts for images.</param>
internal sealed record RetrievalRow(string Name, IReadOnlyList<IReadOnlyList<double>> Runs)
{
    /// <summary>The names of the six numbers, in their order.</summary>
    public static ImmutableArray<string> Measures { get; } = ["IR@1", "IR@5", "IR@10", "TR@1", "TR@5", "TR@10"];

    // Shares are counts over queries: rounding only removes the error of the division.
    private const int Digits = 6;

    /// <summary>The mean of the six over the heads, with its deviation.</summary>
    [JsonIgnore]
    public Spread Mean => Spread.OfAll([.. Runs.Select(run => run.Average())]);

    /// <summary>The mean of the six of each heads.</summary>
    [JsonIgnore]
    public Accuracy Means => Accuracy.Of([.. Runs.Select(run => run.Average())]);

    /// <summary>One of the six over the heads, with its deviation.</summary>
    public Spread Of(int measure) => Spread.OfAll([.. Runs.Select(run => run[measure])]);

    /// <summary>What some heads retrieved, in percent.</summary>
    public static RetrievalRow Of(string name, IReadOnlyList<RetrievalRecall> runs) => new(name, [.. runs.Select(Percents)]);

    private static double[] Percents(RetrievalRecall recall) =>
    [
        .. new[]
        {
            recall.TextToImage1, recall.TextToImage5, recall.TextToImage10, recall.ImageToText1, recall.ImageToText5, recall.ImageToText10,
        }.Select(share => Math.Round(100 * share, Digits)),
    ];

    /// <summary>Fails unless these are percents, six of each heads.</summary>
    /// <exception cref="JsonException">They are not; the message names the key.</exception>
    public void RequireAcceptable(string place)
    {
        if (string.IsNullOrEmpty(Name) || Runs.Count == 0)
            throw new JsonException($"{place} has the name \"{Name}\" and {Runs.Count} runs; expected a name, and at least one.");
        if (Runs.Any(run => run.Count != Measures.Length || run.Any(r => r is not (>= 0 and <= 100))))
            throw new JsonException($"{place}.runs has something other than {Measures.Length} numbers from 0 to 100.");
    }

    /// <summary>A spread as a cell of a table, with one digit.</summary>
    public static string Cell(Spread spread) => spread.Count < 2
        ? FormattableString.Invariant($"{spread.Mean:F1}")
        : FormattableString.Invariant($"{spread.Mean:F1} ± {spread.Deviation:F1}");
}

/// <summary>What is known of the set of so many pairs.</summary>
/// <param name="Pairs">N.</param>
/// <param name="Method">What was matched.</param>
/// <param name="Rows">What was measured, in the order of a table.</param>
internal sealed record RetrievalResult(int Pairs, string Method, IReadOnlyList<RetrievalRow> Rows)
{
    /// <summary>Updates of S that were done.</summary>
    public int? Iterations { get; init; }

    /// <summary>How long the updates took.</summary>
    public double? UpdateSeconds { get; init; }

    /// <summary>Mean loss of the last tenth of the updates.</summary>
    public double? Objective { get; init; }

    /// <summary>SHA-256 of the distilled set.</summary>
    public string? SetHash { get; init; }

    /// <summary>What the rows say; null where they are not all known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Verdict? Verdict { get; init; }

    /// <summary>Whether every row is there.</summary>
    public bool Complete { get; init; }

    /// <summary>The row of a name; null where it is not known.</summary>
    public RetrievalRow? Row(string name) => Rows.FirstOrDefault(row => row.Name == name);

    /// <summary>The same with a row, in the place of one of its name.</summary>
    public RetrievalResult With(RetrievalRow row) => this with
    {
        Rows = Row(row.Name) is null ? [.. Rows, row] : [.. Rows.Select(r => r.Name == row.Name ? row : r)],
    };
}

/// <summary>retrieval.json: the result of a run on image-text pairs.</summary>
internal sealed record RetrievalSummary
{
    /// <summary>Its name in a run folder.</summary>
    public const string FileName = "retrieval.json";

    /// <summary>How long the run took.</summary>
    public required double Seconds { get; init; }

    /// <summary>What computed.</summary>
    public required string Device { get; init; }

    /// <summary>The name of the data set.</summary>
    public required string Dataset { get; init; }

    /// <summary>The part that retrieval was measured on: dev or test.</summary>
    public required string Split { get; init; }

    /// <summary>The images that a text is to find its own among.</summary>
    public required int Images { get; init; }

    /// <summary>The captions of each of them; where they differ, the most.</summary>
    public required int CaptionsEach { get; init; }

    /// <summary>The captions of all of them, where not each has as many; else null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Captions { get; init; }

    /// <summary>How heads are trained on a set, in one line.</summary>
    public required string Protocol { get; init; }

    /// <summary>How they are trained on all pairs, in one line.</summary>
    public required string Full { get; init; }

    /// <summary>The revision of this program.</summary>
    public required string Commit { get; init; }

    /// <summary>Whether the run is at its end.</summary>
    public required bool Complete { get; init; }

    /// <summary>One for each set.</summary>
    public required IReadOnlyList<RetrievalResult> Results { get; init; }

    /// <summary>The heading of a table of it.</summary>
    [JsonIgnore]
    public string Heading => $"Recall in percent, {Dataset}, {Split}: {Images} images with " +
        (Captions is { } all ? $"{all} captions, {CaptionsEach} at most" : $"{CaptionsEach} captions each");

    /// <summary>The file as text.</summary>
    public string ToJson() => SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject());

    /// <summary>What --json prints: the file, and with each row's runs the means that the table shows.</summary>
    public JsonObject ToShownJson()
    {
        JsonObject shown = JsonNode.Parse(ToJson())!.AsObject();
        foreach ((RetrievalResult result, JsonNode? ofResult) in Results.Zip(shown["results"]!.AsArray()))
        {
            foreach ((RetrievalRow row, JsonNode? ofRow) in result.Rows.Zip(ofResult!["rows"]!.AsArray()))
            {
                ofRow!["mean"] = Shown(row.Mean, row.Runs.Select(run => run.Average()));
                for (int m = 0; m < RetrievalRow.Measures.Length; m++)
                    ofRow[RetrievalRow.Measures[m].Replace("@", "", StringComparison.Ordinal)] = Shown(row.Of(m), row.Runs.Select(run => run[m]));
            }
        }
        return shown;
    }

    private static JsonObject Shown(Spread spread, IEnumerable<double> runs) => new()
    {
        ["mean"] = spread.Mean, ["std"] = double.IsNaN(spread.Deviation) ? null : spread.Deviation, ["runs"] = new JsonArray([.. runs.Select(r => JsonValue.Create(r))]),
    };

    /// <summary>Writes the file.</summary>
    public void Save(string path) => AtomicFile.WriteAllText(path, ToJson() + "\n");

    /// <summary>Reads the file again.</summary>
    /// <exception cref="DistillException">It is no such file, or damaged.</exception>
    public static RetrievalSummary Read(string path)
    {
        try
        {
            (RetrievalSummary read, bool hasHash) = SealedJson.Read<RetrievalSummary>(path);
            if (!hasHash)
                throw new JsonException("it does not state the hash of its content.");
            foreach (RetrievalResult result in read.Results)
            {
                foreach (RetrievalRow row in result.Rows)
                    row.RequireAcceptable($"results.{result.Pairs}.{row.Name}");
                result.Verdict?.RequireAcceptable($"results.{result.Pairs}.verdict");
            }
            return read;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DistillException(
                ExitCode.Data, "IM3020", $"{path} is no summary: {e.Message} Delete it to start afresh.", e);
        }
    }
}
