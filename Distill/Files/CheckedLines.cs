using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// A file with one JSON object a line, each on disk as soon as it is known. The last entry of a line, "check", follows from the
/// line and the check before it: a line that is changed, lost or moved is found when the file is read.
/// </summary>
internal sealed class CheckedLines : IDisposable
{
    /// <summary>The entry with the check.</summary>
    public const string CheckKey = "check";

    private const int CheckDigits = 16;

    private readonly FileStream _stream;
    private readonly StreamWriter _writer;
    private string _check;

    /// <summary>Over a stream that is open.</summary>
    /// <param name="stream">Where lines are appended; it is closed with this.</param>
    /// <param name="check">The check of the last line that is there; empty for none.</param>
    internal CheckedLines(FileStream stream, string check)
    {
        (_stream, _check) = (stream, check);
        _writer = new StreamWriter(stream) { NewLine = "\n" };
    }

    /// <summary>Opens a file to append; what it holds is replaced by the lines given, as <see cref="Read"/> found them.</summary>
    /// <exception cref="FileWriteException">The file is a link.</exception>
    public static CheckedLines Open(string path, IReadOnlyCollection<JsonObject> lines)
    {
        FileOperations.RefuseLink(path);
        if (!File.Exists(path))
            return new CheckedLines(new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read), "");
        var text = new StringBuilder();
        string check = "";
        foreach (JsonObject line in lines)
            text.Append(Checked(line, ref check)).Append('\n');
        AtomicFile.WriteAllText(path, text.ToString());
        return new CheckedLines(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read), check);
    }

    /// <summary>All complete lines, without their checks, and whether they have any; a last one that a crash cut off is left
    /// out. A file that is missing has none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="inspect">Throws as <see cref="JsonFile"/> does where a line is none that was written there; it may have a
    /// <see cref="CheckKey"/>.</param>
    /// <param name="damaged">The error for what is wrong.</param>
    public static (List<JsonObject> Lines, bool HasChecks) Read(
        string path, Action<JsonElement> inspect, Func<string, Exception, Exception> damaged)
    {
        FileOperations.RefuseLink(path);
        var lines = new List<JsonObject>();
        if (!File.Exists(path))
            return (lines, true);
        string text;
        using (var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)))
            text = reader.ReadToEnd();
        string[] parts = text.Split('\n');
        bool? hasChecks = null;
        string check = "";
        for (int i = 0; i < parts.Length; i++)
        {
            if (i == parts.Length - 1 && IsCutOff(parts[i]))
                break;
            try
            {
                using JsonDocument document = JsonFile.Parse(parts[i]);
                inspect(document.RootElement);
                lines.Add(Checked(document.RootElement, ref hasChecks, ref check));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or FormatException
                or ArgumentException)
            {
                throw damaged($"line {i + 1}: {e.Message}", e);
            }
        }
        return (lines, hasChecks ?? true);
    }

    /// <summary>Appends one line.</summary>
    public void Append(JsonObject line)
    {
        _writer.WriteLine(Checked(line, ref _check));
        _writer.Flush();
    }

    /// <summary>Returns when all lines are on the device.</summary>
    public void FlushToDisk() => _stream.Flush(flushToDisk: true);

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

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

    private static JsonObject Checked(JsonElement root, ref bool? hasChecks, ref string check)
    {
        var line = JsonObject.Create(root.Clone())!;
        string? stated = line.ContainsKey(CheckKey) ? line[CheckKey]?.GetValue<string>() ?? "" : null;
        line.Remove(CheckKey);
        hasChecks ??= stated is not null;
        if (hasChecks != stated is not null)
            throw new JsonException("it and the first differ in whether they have a check.");
        if (stated is not null)
        {
            check = Next(check, line.ToJsonString());
            if (stated != check)
                throw new JsonException("it does not have the check that follows from it and the lines before it.");
        }
        return line;
    }

    private static string Checked(JsonObject line, ref string check)
    {
        string text = line.ToJsonString();
        check = Next(check, text);
        return $"{text[..^1]},\"{CheckKey}\":\"{check}\"}}";
    }

    private static string Next(string check, string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{check}\n{text}")))[..CheckDigits];
}
