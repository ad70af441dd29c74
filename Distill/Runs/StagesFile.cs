using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>stages.jsonl: how long each stage of a run took and the most memory that it held, a line for each stage of each
/// sitting. Times differ from run to run, so nothing is decided by it.</summary>
internal sealed class StagesFile : IDisposable
{
    /// <summary>Its name in a run folder.</summary>
    public const string FileName = "stages.jsonl";

    private readonly CheckedLines _lines;
    private readonly Backend _backend;
    private readonly int _sitting;
    private IOException? _failure;

    internal StagesFile(CheckedLines lines, Backend backend, int sitting) =>
        (_lines, _backend, _sitting) = (lines, backend, sitting);

    /// <summary>Opens the file of a folder; what is measured from here on belongs to a new sitting.</summary>
    /// <exception cref="DistillException">The file is damaged.</exception>
    public static StagesFile Open(string folder, Backend backend)
    {
        string path = Path.Combine(folder, FileName);
        List<StageRecord> before = Read(path);
        int sitting = before.Select(s => s.Sitting).DefaultIfEmpty(0).Max() + 1;
        return new StagesFile(CheckedLines.Open(path, [.. before.Select(s => s.ToJson())]), backend, sitting);
    }

    /// <summary>All stages of a file, in their order; none where it is missing.</summary>
    /// <exception cref="DistillException">The file is damaged.</exception>
    public static List<StageRecord> Read(string path)
    {
        (List<JsonObject> lines, _) = CheckedLines.Read(path, json => StageRecord.Of(json), (what, e) => new DistillException(
            ExitCode.Data, "IM3055", $"{path} is damaged: {what} Delete it; nothing else depends on it.", e));
        return [.. lines.Select(line => StageRecord.Of(JsonSerializer.SerializeToElement(line)))];
    }

    /// <summary>Measures a stage until it is disposed of. That its line cannot be written is told by
    /// <see cref="RequireWritten"/>: told at once, it would hide the error that ended the stage.</summary>
    /// <param name="stage">What is done.</param>
    /// <param name="set">For which set, such as ipc10; null for all.</param>
    public IDisposable Begin(string stage, string? set = null) => new Stage(this, stage, set);

    /// <summary>Writes down a stage that was measured elsewhere.</summary>
    public void Add(string stage, DateTimeOffset began, TimeSpan took) =>
        Append(stage, null, began, took, _backend.Memory.WatchedPeak);

    /// <summary>Fails unless every stage so far is in the file.</summary>
    /// <exception cref="IOException">A line could not be written.</exception>
    public void RequireWritten()
    {
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _lines.Dispose();
        }
        catch (IOException) when (_failure is not null) // the line that could not be written is tried once more
        {
        }
    }

    private void Append(string stage, string? set, DateTimeOffset began, TimeSpan took, long peak)
    {
        if (_failure is not null)
            return;
        try
        {
            _lines.Append(new StageRecord(
                stage, set, Math.Round(took.TotalSeconds, 3), peak, _sitting,
                began.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)).ToJson());
        }
        catch (IOException e)
        {
            _failure = e;
        }
    }

    private sealed class Stage : IDisposable
    {
        private readonly StagesFile _file;
        private readonly string _name;
        private readonly string? _set;
        private readonly DateTimeOffset _began = TimeProvider.System.GetLocalNow();
        private readonly long _start = TimeProvider.System.GetTimestamp();

        public Stage(StagesFile file, string name, string? set)
        {
            (_file, _name, _set) = (file, name, set);
            file._backend.WatchPeak();
        }

        // Also where the stage was interrupted: what it took is taken.
        public void Dispose() => _file.Append(
            _name, _set, _began, TimeProvider.System.GetElapsedTime(_start), _file._backend.Memory.WatchedPeak);
    }
}

/// <summary>One stage of a run.</summary>
/// <param name="Stage">data, experts, distil, pictures or evaluate.</param>
/// <param name="Set">The set, such as ipc10; null where it is for all.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="PeakBytes">The most that tensors held at once in it; 0 where the device does not tell.</param>
/// <param name="Sitting">Which start of the program it belongs to, from 1.</param>
/// <param name="Began">When, as ISO 8601 in UTC.</param>
internal sealed record StageRecord(string Stage, string? Set, double Seconds, long PeakBytes, int Sitting, string Began)
{
    /// <summary>A line of the file.</summary>
    public JsonObject ToJson() => JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject();

    /// <summary>Reads a line.</summary>
    /// <exception cref="JsonException">It is none; the message names the key.</exception>
    public static StageRecord Of(JsonElement json)
    {
        StageRecord read = JsonFile.Read<StageRecord>(json, CheckedLines.CheckKey);
        return read is { Seconds: >= 0, PeakBytes: >= 0, Sitting: >= 1 }
            ? read
            : throw new JsonException($"seconds, peakBytes and sitting are {read.Seconds}, {read.PeakBytes} and {read.Sitting}; expected numbers from 0, and sitting from 1.");
    }
}
