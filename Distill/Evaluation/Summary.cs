using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>Test accuracy over several networks, in percent.</summary>
/// <param name="Mean">The mean.</param>
/// <param name="Std">The sample standard deviation (n − 1); 0 for one network.</param>
/// <param name="Runs">Each network's.</param>
internal sealed record Accuracy(double Mean, double Std, IReadOnlyList<double> Runs)
{
    private const double Rounding = 1e-6;

    /// <summary>The same networks at their best evaluated epoch; null where only the last epoch was
    /// evaluated.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Accuracy? Best { get; init; }

    /// <summary>The key of the column whose networks these are, because both would train on the same set; null where they are its
    /// own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SameAs { get; init; }

    /// <summary>From the accuracies of single networks, in percent.</summary>
    public static Accuracy Of(IReadOnlyList<double> runs)
    {
        (double mean, double deviation, _) = Spread.OfAll(runs);
        return new Accuracy(mean, runs.Count > 1 ? deviation : 0, runs);
    }

    /// <summary>Fails unless these are percents, with their own mean and deviation.</summary>
    /// <exception cref="JsonException">They are not; the message names the key.</exception>
    public void RequireAcceptable(string place)
    {
        if (Runs.Count == 0 || Runs.Any(r => r is < 0 or > 100))
        {
            throw new JsonException(FormattableString.Invariant(
                $"{place}.runs is [{string.Join(", ", Runs.Take(5))}]; expected numbers from 0 to 100, at least one."));
        }
        Accuracy own = Of(Runs);
        if (!(Math.Abs(own.Mean - Mean) <= Rounding && Math.Abs(own.Std - Std) <= Rounding))
        {
            throw new JsonException(FormattableString.Invariant(
                $"{place} has the mean {Mean} and the std {Std}; expected {own.Mean} and {own.Std}, those of its runs."));
        }
        Best?.RequireAcceptable($"{place}.best");
    }

    /// <summary>A JSON object with this under a name.</summary>
    public string ToJson(string name) => new JsonObject
    {
        [name] = JsonSerializer.SerializeToNode(this, JsonText.Options),
    }.ToJsonString(JsonText.Options);

    /// <summary>As people read it: "53.1 ± 0.8", or "53.1" of one network, which has no deviation.</summary>
    [JsonIgnore]
    public string Shown => Runs.Count == 1 ? FormattableString.Invariant($"{Mean:F1}") : ToString();

    /// <summary>As a cell of a table shows it: after the last epoch, and behind it at the best one where that was looked for.</summary>
    /// <param name="accuracy">What is shown; null for what is not known.</param>
    /// <param name="none">What stands for that.</param>
    /// <param name="space">What stands between a mean and its deviation.</param>
    public static string Cell(Accuracy? accuracy, string none = "-", char space = ' ')
    {
        if (accuracy is null)
            return none;
        string Number(Accuracy a) => a.Shown.Replace(' ', space);
        string last = $"{(accuracy.SameAs is null ? "" : $"={space}")}{Number(accuracy)}";
        return accuracy.Best is { } best ? $"{last} (best {Number(best)})" : last;
    }

    /// <summary>"53.1 ± 0.8", as files hold it.</summary>
    public override string ToString() => FormattableString.Invariant($"{Mean:F1} ± {Std:F1}");
}

/// <summary>The result for one number of images per class.</summary>
/// <param name="Ipc">Images per class.</param>
/// <param name="Method">What was matched; its key is that of earlier versions, which knew one method.</param>
/// <param name="Accuracy">What was measured.</param>
internal sealed record IpcResult(int Ipc, [property: JsonPropertyName("estimator")] string Method, AccuracySet Accuracy)
{
    /// <summary>The network that was evaluated with, where several were.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Network { get; init; }

    /// <summary>Updates of S that were done.</summary>
    public int? Iterations { get; init; }

    /// <summary>Images that passed forward through a network in these updates; null where it is not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ImagesProcessed { get; init; }

    /// <summary>How long the updates took; null where it is not known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? UpdateSeconds { get; init; }

    /// <summary>Mean loss of the last tenth of the iterations.</summary>
    public double? Objective { get; init; }

    /// <summary>SHA-256 of the distilled set's images and label logits.</summary>
    public string? SetHash { get; init; }

    /// <summary>What the accuracies say; null where they are not all known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Verdict? Verdict { get; init; }
}

/// <summary>summary.json: the result of a run.</summary>
internal sealed record Summary
{
    public required double Seconds { get; init; }

    public required string Device { get; init; }

    /// <summary>The most memory of the device that was held at once, in bytes: tensors and the pool.</summary>
    public long PeakMemoryBytes { get; init; }

    public required string Dataset { get; init; }

    public required string Commit { get; init; }

    public required bool Complete { get; init; }

    /// <summary>The protocol's name: A, B, release or DC.</summary>
    public string? ProtocolName { get; init; }

    /// <summary>How networks are trained and evaluated, in one line.</summary>
    public string? Protocol { get; init; }

    /// <summary>What the accuracies under 'whole' are: the experts at their own plan and not the protocol. Null where
    /// there are none.</summary>
    public string? WholeSet { get; init; }

    /// <summary>Whose logits the soft labels are, in one line; null in files from before it was told.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SoftLabels { get; init; }

    /// <summary>SHA-256 over the recordings of the networks that give soft labels; null in files from before it was told.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LabelNetworks { get; init; }

    /// <summary>What the accuracies are of where they are not of the test images, such as "validation (10 % of the training images
    /// held out)"; else null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? EvaluatedOn { get; init; }

    /// <summary>The heading of a table of it.</summary>
    [JsonIgnore]
    public string Heading => HeadingOf(Dataset, EvaluatedOn);

    /// <summary>The lines below a table of it that say what columns are.</summary>
    [JsonIgnore]
    public IEnumerable<string> Notes =>
    [
        .. SoftLabels is { } labels && Results.Any(r => r.Accuracy.RandomRealSoftLabels is not null) ? [$"Soft labels: {labels}."] : Array.Empty<string>(),
        .. Results.Any(r => r.Accuracy.Whole is not null) ? [$"Whole set: {WholeSet}."] : Array.Empty<string>(),
        .. ResultColumn.NoteOfSame(Results.Select(r => r.Accuracy)) is { } same ? [$"{same}."] : Array.Empty<string>(),
    ];

    /// <summary>The heading of a table of accuracies of a data set.</summary>
    public static string HeadingOf(string dataset, string? evaluatedOn) => evaluatedOn is null
        ? $"Test accuracy in percent, {dataset}"
        : $"Accuracy in percent, {dataset}, {evaluatedOn}";

    /// <summary>How the data differ from those of the evaluated set; null where they do not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Note { get; init; }

    public required IReadOnlyList<IpcResult> Results { get; init; }

    /// <summary>Whether the file from which it was read states a hash of its content, as those of this version do.</summary>
    [JsonIgnore]
    public bool HasHash { get; init; }

    /// <summary>The file as text.</summary>
    public string ToJson() => SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject());

    /// <summary>Reads the file again.</summary>
    /// <exception cref="DistillException">It is no summary, or damaged.</exception>
    public static Summary Read(string path)
    {
        try
        {
            (Summary read, bool hasHash) = SealedJson.Read<Summary>(path);
            RequireAcceptable(read.Results, "results");
            return read with
            {
                HasHash = hasHash,
                Results = [.. read.Results.Select(r => r with { Method = OlderNames.TodayOf("estimator", r.Method) })],
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DistillException(
                ExitCode.Data, "IM3020", $"{path} is no summary: {e.Message} Delete it to start afresh.", e);
        }
    }

    /// <summary>Fails unless results that were read are ones that can have been measured.</summary>
    /// <exception cref="JsonException">They are not; the message names the key.</exception>
    public static void RequireAcceptable(IReadOnlyList<IpcResult> results, string place)
    {
        for (int i = 0; i < results.Count; i++)
        {
            if (results[i].Ipc < 1)
                throw new JsonException($"{place}[{i}].ipc is {results[i].Ipc}; expected a number from 1.");
            foreach ((ResultColumn column, Accuracy accuracy) in results[i].Accuracy.All())
                accuracy.RequireAcceptable($"{place}[{i}].accuracy.{column.Name}");
            results[i].Verdict?.RequireAcceptable($"{place}[{i}].verdict");
        }
    }

    /// <summary>Writes the file.</summary>
    public void Save(string path) => AtomicFile.WriteAllText(path, ToJson() + "\n");
}
