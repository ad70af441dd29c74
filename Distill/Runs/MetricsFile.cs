using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// metrics.jsonl: one JSON object a line, on disk as soon as it is known, so that a plot can follow a run. The last entry of
/// a line, "check", follows from the line and the check before it: a line that is changed, lost or moved is found when the
/// file is read.
/// </summary>
internal sealed class MetricsFile : IDisposable
{
    private const string CheckKey = "check";
    private const int CheckDigits = 16;

    private readonly FileStream _stream;
    private readonly StreamWriter _writer;
    private string _check;

    private MetricsFile(FileStream stream, string check)
    {
        (_stream, _check) = (stream, check);
        _writer = new StreamWriter(stream) { NewLine = "\n" };
    }

    /// <summary>Opens the file to append. Of what an earlier process wrote the lines before the saved iteration of each number
    /// of images per class stay: the others would stand there twice once the steps are done again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="saved">The iterations of the states; a number of images without a state has none.</param>
    /// <param name="note">Hears of a file that carries no checks.</param>
    /// <exception cref="DistillException">The file is damaged, or lacks lines before a saved iteration.</exception>
    /// <exception cref="FileWriteException">The file is a link.</exception>
    public static MetricsFile Open(string path, IReadOnlyDictionary<int, int> saved, Action<string> note)
    {
        FileOperations.RefuseLink(path);
        if (!File.Exists(path))
            return new MetricsFile(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read), "");
        (List<JsonObject> lines, bool hasChecks) = ReadAll(path);
        if (!hasChecks)
            note(OlderFile.Note(path));
        JsonObject[] kept = [.. lines.Where(line => IsBefore(line, saved))];
        if (hasChecks)
            RequireAll(path, kept, saved);
        var text = new StringBuilder();
        string check = "";
        foreach (JsonObject line in kept)
            text.Append(Checked(line, ref check)).Append('\n');
        AtomicFile.WriteAllText(path, text.ToString());
        return new MetricsFile(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read), check);
    }

    /// <summary>All complete lines, without their checks; a last one that a crash cut off is left out.</summary>
    /// <exception cref="DistillException">The file is damaged.</exception>
    public static IEnumerable<JsonObject> Read(string path) => ReadAll(path).Lines;

    /// <summary>Appends one line.</summary>
    public void Append(JsonObject line)
    {
        _writer.WriteLine(Checked(line, ref _check));
        _writer.Flush();
    }

    /// <summary>Returns when all lines are on the device: a state that is saved afterwards never knows more than they tell.
    /// </summary>
    public void FlushToDisk() => _stream.Flush(flushToDisk: true);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private static (List<JsonObject> Lines, bool HasChecks) ReadAll(string path)
    {
        string text;
        using (var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)))
            text = reader.ReadToEnd();
        string[] parts = text.Split('\n');
        var lines = new List<JsonObject>();
        bool? hasChecks = null;
        string check = "";
        for (int i = 0; i < parts.Length; i++)
        {
            if (i == parts.Length - 1 && IsCutOff(parts[i]))
                break;
            try
            {
                lines.Add(Parse(parts[i], ref hasChecks, ref check));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException
                or ArgumentException)
            {
                throw Damaged(path, $"line {i + 1} {e.Message}", e);
            }
        }
        return (lines, hasChecks ?? true);
    }

    // What stands behind the last line feed: nothing, or a line that a crash cut off. A line that ends is none of these,
    // whatever stands where its line feed was.
    private static bool IsCutOff(string tail)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(tail), isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == 0)
                    return false;
            }
        }
        catch (JsonException)
        {
            return !tail.Contains($"\"{CheckKey}\":", StringComparison.Ordinal);
        }
        return true;
    }

    private static JsonObject Parse(string text, ref bool? hasChecks, ref string check)
    {
        var line = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false })
            as JsonObject ?? throw new JsonException("is no JSON object.");
        string? stated = line.ContainsKey(CheckKey) ? line[CheckKey]?.GetValue<string>() ?? "" : null;
        line.Remove(CheckKey);
        hasChecks ??= stated is not null;
        if (hasChecks != stated is not null)
            throw new JsonException("and the first differ in whether they have a check.");
        if (stated is not null)
        {
            check = Next(check, line.ToJsonString());
            if (stated != check)
                throw new JsonException("does not have the check that follows from it and the lines before it.");
        }
        _ = (line["ipc"]!.GetValue<int>(), line["iteration"]!.GetValue<int>(), line["j"]?.GetValue<double>(),
            line["accuracy"]?.GetValue<double>());
        return line;
    }

    private static bool IsBefore(JsonObject line, IReadOnlyDictionary<int, int> saved)
    {
        int iterations = saved.GetValueOrDefault(line["ipc"]!.GetValue<int>()), iteration = line["iteration"]!.GetValue<int>();
        return line.ContainsKey("accuracy") ? iteration <= iterations : iteration < iterations;
    }

    // The lines were on the device before the state. The first may be missing: somebody may have deleted the file.
    private static void RequireAll(string path, JsonObject[] kept, IReadOnlyDictionary<int, int> saved)
    {
        foreach (IGrouping<int, int> steps in kept.Where(l => !l.ContainsKey("accuracy"))
            .GroupBy(l => l["ipc"]!.GetValue<int>(), l => l["iteration"]!.GetValue<int>()))
        {
            int first = steps.First();
            if (!steps.SequenceEqual(Enumerable.Range(first, saved[steps.Key] - first)))
            {
                throw Damaged(
                    path, $"it lacks steps of ipc {steps.Key} before iteration {saved[steps.Key]}, from which the run goes on.");
            }
        }
    }

    private static string Checked(JsonObject line, ref string check)
    {
        string text = line.ToJsonString();
        check = Next(check, text);
        return $"{text[..^1]},\"{CheckKey}\":\"{check}\"}}";
    }

    private static string Next(string check, string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{check}\n{text}")))[..CheckDigits];

    private static DistillException Damaged(string path, string what, Exception? inner = null) => new(
        ExitCode.Data, "IM3028",
        $"{path} is damaged: {what} Delete it to go on without the curves of what is done; the set does not depend on it.", inner);
}
