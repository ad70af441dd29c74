using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>metrics.jsonl: one JSON object a line, on disk as soon as it is known, so that a plot can follow a run.</summary>
internal sealed class MetricsFile : IDisposable
{
    private readonly StreamWriter _writer;

    private MetricsFile(string path) =>
        _writer = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read)) { NewLine = "\n" };

    /// <summary>Opens the file to append; of what an earlier process wrote only the lines to keep stay.</summary>
    public static MetricsFile Open(string path, Func<JsonObject, bool> keep)
    {
        if (File.Exists(path))
        {
            string[] kept = [.. Read(path).Where(keep).Select(o => o.ToJsonString())];
            AtomicFile.WriteAllText(path, string.Concat(kept.Select(line => line + "\n")));
        }
        return new MetricsFile(path);
    }

    /// <summary>All complete lines; a last one that a crash cut off is left out.</summary>
    public static IEnumerable<JsonObject> Read(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var lines = new List<JsonObject>();
        while (reader.ReadLine() is { } line)
        {
            try
            {
                lines.Add(JsonNode.Parse(line)!.AsObject());
            }
            catch (JsonException) when (reader.EndOfStream)
            {
                break;
            }
        }
        return lines;
    }

    /// <summary>Appends one line.</summary>
    public void Append(JsonObject line)
    {
        _writer.WriteLine(line.ToJsonString());
        _writer.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
