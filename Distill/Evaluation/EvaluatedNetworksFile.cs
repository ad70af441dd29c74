using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace InfMatch.Distill;

/// <summary>Which set a network was trained on, and which network it was.</summary>
/// <param name="Network">The network's name, such as convnet-d3-w128.</param>
/// <param name="Ipc">Images per class.</param>
/// <param name="Set">The column, such as "random real".</param>
internal readonly record struct EvaluatedColumn(string Network, int Ipc, string Set);

/// <summary>
/// networks.jsonl: each network of an evaluation on a line of its own, on disk as soon as it is evaluated, with a hash of the line and
/// of what the evaluation is of: a line that was changed, or belongs to another evaluation, is refused.
/// </summary>
internal sealed class EvaluatedNetworksFile : IDisposable
{
    public const string FileName = "networks.jsonl";

    private const int HashLength = 16;

    private readonly Dictionary<EvaluatedColumn, Dictionary<int, EvaluatedNetwork>> _known = [];
    private readonly string _identity;
    private readonly CheckedLines _file;

    /// <summary>Opens the file of an evaluation's folder, which may not exist yet, and reads what is known.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="identity">All that decides the accuracies.</param>
    /// <param name="repeats">Networks in a column.</param>
    /// <exception cref="DistillException">A line is damaged, or of another evaluation.</exception>
    public EvaluatedNetworksFile(string folder, string identity, int repeats)
    {
        string path = Path.Combine(folder, FileName);
        _identity = identity;
        (List<JsonObject> lines, _) = CheckedLines.Read(path, line => Take(JsonObject.Create(line.Clone())!, repeats), (what, e) => new DistillException(
            ExitCode.Data, "IM3052",
            $"{path} was changed or damaged after it was written, or belongs to another evaluation: {what} Delete it to evaluate all " +
            "networks again.", e));
        _file = CheckedLines.Open(path, lines);
    }

    /// <summary>How many networks are known.</summary>
    public int Count
    {
        get
        {
            lock (_known)
                return _known.Values.Sum(c => c.Count);
        }
    }

    /// <summary>What is known of a column, by the numbers of its networks.</summary>
    public IReadOnlyDictionary<int, EvaluatedNetwork> Of(EvaluatedColumn column)
    {
        lock (_known)
            return new Dictionary<int, EvaluatedNetwork>(_known.GetValueOrDefault(column) ?? []);
    }

    /// <summary>Keeps a network.</summary>
    public void Add(EvaluatedColumn column, int number, EvaluatedNetwork network)
    {
        lock (_known)
        {
            var line = new JsonObject
            {
                ["network"] = column.Network, ["ipc"] = column.Ipc, ["set"] = column.Set, ["number"] = number,
                ["last"] = network.Last, ["best"] = network.Best, ["hash"] = HashOf(column, number, network),
            };
            if (network.Confusion is { } counts)
                line["counts"] = new JsonArray([.. counts.Counts.Select(row => new JsonArray([.. row.Select(n => JsonValue.Create(n))]))]);
            _file.Append(line);
            Keep(column, number, network);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Take(JsonObject line, int repeats)
    {
        var column = new EvaluatedColumn(
            line["network"]!.GetValue<string>(), line["ipc"]!.GetValue<int>(), line["set"]!.GetValue<string>());
        int number = line["number"]!.GetValue<int>();
        var network = new EvaluatedNetwork(line["last"]!.GetValue<double>(), line["best"]!.GetValue<double>())
        {
            Confusion = line["counts"] is JsonArray counts ? CountsOf(counts) : null,
        };
        if (line["hash"]!.GetValue<string>() != HashOf(column, number, network) || number < 0 || number >= repeats
            || network is not { Last: >= 0 and <= 100, Best: >= 0 and <= 100 })
        {
            throw new FormatException($"the line of network {number} on {column.Set} does not have its hash.");
        }
        Keep(column, number, network);
    }

    private static ConfusionMatrix CountsOf(JsonArray counts)
    {
        var read = new ConfusionMatrix(
            1, [.. counts.Select(row => (IReadOnlyList<int>)[.. row!.AsArray().Select(n => n!.GetValue<int>())])]);
        read.RequireAcceptable(counts.Count, "it");
        return read;
    }

    private void Keep(EvaluatedColumn column, int number, EvaluatedNetwork network)
    {
        if (!_known.TryGetValue(column, out Dictionary<int, EvaluatedNetwork>? of))
            _known[column] = of = [];
        of[number] = network;
    }

    private string HashOf(EvaluatedColumn column, int number, EvaluatedNetwork network)
    {
        string text = string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{_identity}\n{column.Network}\n{column.Ipc}\n{column.Set}\n{number}\n{network.Last:R}\n{network.Best:R}");
        if (network.Confusion is { } counts)
            text += "\n" + string.Join('\n', counts.Counts.Select(row => string.Join(' ', row)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..HashLength];
    }
}
