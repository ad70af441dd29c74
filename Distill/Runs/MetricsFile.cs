using System.Text;
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
    /// <exception cref="DistillException">A line is none that was written here.</exception>
    public static IEnumerable<JsonObject> Read(string path)
    {
        byte[] bytes;
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
        var read = new List<JsonObject>();
        for (int i = 0; i < lines.Length; i++)
        {
            bool hasEnd = i < lines.Length - 1; // only a line without one can have been cut off
            if (!hasEnd && lines[i].Length == 0)
                break;
            try
            {
                using JsonDocument document = JsonFile.Parse(lines[i]);
                JsonFile.Require(document.RootElement, typeof(MetricsLine), isNullable: false, "");
                read.Add(JsonObject.Create(document.RootElement.Clone())!);
            }
            catch (JsonException e) when (hasEnd)
            {
                throw new DistillException(
                    ExitCode.Data, "IM3027",
                    $"{path}, line {i + 1}: {e.Message} Mend or delete the line; it is a point of the run's curves.", e);
            }
            catch (JsonException)
            {
                break;
            }
        }
        return read;
    }

    // Every key that a line may have; what was not measured is missing, and not null.
    private sealed record MetricsLine
    {
        public required int Ipc { get; init; }

        public required int Iteration { get; init; }

        public double J { get; init; }

        public double Cosine { get; init; }

        public double Mass { get; init; }

        public int Expert { get; init; }

        public int First { get; init; }

        public int Last { get; init; }

        public bool Skipped { get; init; }

        public double Accuracy { get; init; }
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
