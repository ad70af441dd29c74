using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>cost.jsonl: what the updates of a set had cost when its state was saved and when it was evaluated on the way. Times
/// differ from run to run, so they are not among the metrics.</summary>
internal sealed class CostFile : IDisposable
{
    /// <summary>Its name in a run folder.</summary>
    public const string FileName = "cost.jsonl";

    private readonly CheckedLines _lines;
    private readonly Dictionary<(int Ipc, int Iteration), CostRecord> _known;

    private CostFile(CheckedLines lines, IEnumerable<CostRecord> before) =>
        (_lines, _known) = (lines, before.ToDictionary(cost => (cost.Ipc, cost.Iteration)));

    /// <summary>Opens the file of a folder to append.</summary>
    /// <exception cref="DistillException">The file is damaged.</exception>
    public static CostFile Open(string folder)
    {
        string path = Path.Combine(folder, FileName);
        IReadOnlyList<CostRecord> before = Read(path);
        return new CostFile(CheckedLines.Open(path, [.. before.Select(cost => cost.ToJson())]), before);
    }

    /// <summary>What a file tells, the last of each set and iteration; nothing where it is missing.</summary>
    /// <exception cref="DistillException">The file is damaged.</exception>
    public static IReadOnlyList<CostRecord> Read(string path)
    {
        (List<JsonObject> lines, _) = CheckedLines.Read(path, json => CostRecord.Of(json), (what, e) => new DistillException(
            ExitCode.Data, "IM3081", $"{path} is damaged: {what} Delete it; without it the seconds of earlier updates are not known.", e));
        return
        [
            .. lines.Select(line => CostRecord.Of(JsonSerializer.SerializeToElement(line)))
                .GroupBy(cost => (cost.Ipc, cost.Iteration)).Select(group => group.Last()),
        ];
    }

    /// <summary>The seconds of the first updates of a set; 0 where it is not known.</summary>
    public double SecondsAt(int ipc, int iteration) => _known.GetValueOrDefault((ipc, iteration))?.Seconds ?? 0;

    /// <summary>Writes down what the updates so far have cost.</summary>
    public void Add(int ipc, Distiller distiller)
    {
        var cost = new CostRecord(ipc, distiller.Iteration, distiller.Images, Math.Round(distiller.Cost.Seconds, 3));
        if (!_known.TryAdd((ipc, cost.Iteration), cost) && _known[(ipc, cost.Iteration)] == cost)
            return;
        _known[(ipc, cost.Iteration)] = cost;
        _lines.Append(cost.ToJson());
    }

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();
}

/// <summary>What the first updates of a set cost.</summary>
/// <param name="Ipc">Images per class of the set.</param>
/// <param name="Iteration">How many updates.</param>
/// <param name="Images">Images that passed forward through a network; null where it is not known.</param>
/// <param name="Seconds">How long they took.</param>
internal sealed record CostRecord(int Ipc, int Iteration, long? Images, double Seconds)
{
    /// <summary>A line of the file.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject();

    /// <summary>Reads a line.</summary>
    /// <exception cref="JsonException">It is none; the message names the key.</exception>
    public static CostRecord Of(JsonElement json)
    {
        CostRecord read = JsonFile.Read<CostRecord>(json, CheckedLines.CheckKey);
        return read is { Ipc: >= 1, Iteration: >= 0, Images: null or >= 0, Seconds: >= 0 }
            ? read
            : throw new JsonException(
                $"ipc, iteration, images and seconds are {read.Ipc}, {read.Iteration}, {read.Images} and {read.Seconds}; expected " +
                "ipc from 1, the others from 0.");
    }
}
