using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>metrics.jsonl: the measurements of every step of a distillation and of every evaluation during it, written
/// while the run continues.</summary>
internal sealed class MetricsFile : IDisposable
{
    /// <summary>The key of the method's loss.</summary>
    public const string LossKey = "loss";

    /// <summary>The key of the norm of the gradient of S.</summary>
    public const string GradientKey = "gradient";

    /// <summary>The key of whether a step was left out.</summary>
    public const string SkippedKey = "skipped";

    /// <summary>The key of what a line is, where it is not told by what it holds.</summary>
    public const string KindKey = "kind";

    /// <summary>The key of the loss in fixed places.</summary>
    public const string ProbeKey = "j";

    /// <summary>The key of the accuracy of an evaluation on the way.</summary>
    public const string AccuracyKey = "accuracy";

    /// <summary>What lines are: of an update, of an evaluation on the way, of the loss in fixed places.</summary>
    public const string Update = "update", Evaluation = "evaluation", Probe = "probe";

    // The loss and the weight of S in earlier versions.
    private const string OlderLossKey = "j", OlderWeightKey = "mass";

    private readonly CheckedLines _lines;
    private readonly HashSet<(int Ipc, int Iteration, string Kind)> _known;

    private MetricsFile(CheckedLines lines, IEnumerable<JsonObject> kept)
    {
        _lines = lines;
        _known = [.. kept.Select(PlaceOf).Where(place => place.Kind != Update)];
    }

    /// <summary>Opens the file to append. For each number of images per class only lines before its saved iteration
    /// stay: later steps are done again and would be there twice.</summary>
    /// <param name="path">The file.</param>
    /// <param name="saved">The iterations of the states; a number of images without a state has none.</param>
    /// <param name="note">Called where the file carries no checks.</param>
    /// <exception cref="DistillException">The file is damaged, or lacks lines before a saved iteration.</exception>
    /// <exception cref="FileWriteException">The file is a link.</exception>
    public static MetricsFile Open(string path, IReadOnlyDictionary<int, int> saved, Action<string> note)
    {
        (List<JsonObject> lines, bool hasChecks) = ReadAll(path);
        if (!hasChecks)
            note(OlderFile.Note(path));
        JsonObject[] kept = [.. lines.Where(line => IsBefore(line, saved))];
        if (hasChecks)
            RequireAll(path, kept, saved);
        return new MetricsFile(CheckedLines.Open(path, kept), kept);
    }

    /// <summary>All complete lines, without their checks; a last one that a crash cut off is left out.</summary>
    /// <exception cref="DistillException">The file is damaged.</exception>
    public static IEnumerable<JsonObject> Read(string path) => ReadAll(path).Lines;

    /// <summary>The line of an update.</summary>
    /// <param name="ipc">Images per class, or pairs.</param>
    /// <param name="step">The update.</param>
    public static JsonObject LineOf(int ipc, DistillationStep step)
    {
        var line = new JsonObject { ["ipc"] = ipc, ["iteration"] = step.Iteration, [LossKey] = step.Loss };
        foreach (Metric metric in step.Metrics)
            line[metric.Name] = metric.Value;
        if (step.GradientNorm is { } norm)
            line[GradientKey] = norm;
        line[SkippedKey] = step.Skipped;
        return line;
    }

    /// <summary>Appends one line.</summary>
    public void Append(JsonObject line)
    {
        _lines.Append(line);
        if (PlaceOf(line) is { Kind: not Update } place)
            _known.Add(place);
    }

    /// <summary>Whether there is a line of an evaluation or of the loss in fixed places after so many updates.</summary>
    public bool Has(int ipc, int iteration, string kind) => _known.Contains((ipc, iteration, kind));

    /// <summary>What a line is.</summary>
    public static string KindOf(JsonObject line) =>
        line.ContainsKey(KindKey) ? Probe : line.ContainsKey(AccuracyKey) ? Evaluation : Update;

    private static (int Ipc, int Iteration, string Kind) PlaceOf(JsonObject line) =>
        (line["ipc"]!.GetValue<int>(), line["iteration"]!.GetValue<int>(), KindOf(line));

    /// <summary>Returns when all lines are on disk, so a state saved afterwards never has steps that the lines
    /// lack.</summary>
    public void FlushToDisk() => _lines.FlushToDisk();

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    private static (List<JsonObject> Lines, bool HasChecks) ReadAll(string path) => CheckedLines.Read(
        path,
        RequireLine,
        (what, e) => Damaged(path, what, e));

    /// <summary>One metric of the set with a number of images per class, by iteration.</summary>
    public static (int Iteration, double Value)[] Curve(string path, int ipc, string what) => Curve(Read(path), ipc, what);

    /// <summary>One metric of the set with a number of images per class in some lines of the file, by iteration.</summary>
    public static (int Iteration, double Value)[] Curve(IEnumerable<JsonObject> lines, int ipc, string what) =>
    [
        .. lines.Where(line => line["ipc"]!.GetValue<int>() == ipc)
            .Where(line => (KindOf(line) == Probe) == (what == ProbeKey))
            .Select(line => (Line: line, Value: line[what] ?? (what == LossKey ? line[OlderLossKey] : null)))
            .Where(found => found.Value is not null)
            .Select(found => (found.Line["iteration"]!.GetValue<int>(), found.Value!.GetValue<double>())),
    ];

    private static bool IsKnown(string key) =>
        key is "ipc" or "iteration" or AccuracyKey or KindKey or LossKey or GradientKey or SkippedKey or OlderLossKey or OlderWeightKey
            || Kinds.Of<DistillationMethod>().Any(method => method.Metrics.Contains(key, StringComparer.Ordinal));

    // Every method has metrics of its own, each a number.
    private static void RequireLine(JsonElement line)
    {
        IReadOnlyList<(string Name, JsonElement Value)> members = JsonFile.Members(line, "");
        foreach (string key in (string[])["ipc", "iteration"])
        {
            (string Name, JsonElement Value) found = members.FirstOrDefault(m => m.Name == key);
            if (found.Name is null)
                throw JsonFile.Missing(key);
            if (found.Value.ValueKind != JsonValueKind.Number || !found.Value.TryGetInt32(out int whole) || whole < 0)
                throw JsonFile.Wrong(key, found.Value, "a whole number from 0");
        }
        foreach ((string name, JsonElement value) in members.Where(m => m.Name != CheckedLines.CheckKey))
        {
            if (!IsKnown(name))
                throw JsonFile.Unknown(name);
            if (name == KindKey)
            {
                if (JsonFile.TextOf(value) != Probe)
                    throw JsonFile.Wrong(name, value, Probe);
            }
            else if (name == SkippedKey)
            {
                if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
                    throw JsonFile.Wrong(name, value, "true or false");
            }
            else if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) || !double.IsFinite(number))
            {
                throw JsonFile.Wrong(name, value, "a finite number");
            }
        }
    }

    private static bool IsBefore(JsonObject line, IReadOnlyDictionary<int, int> saved)
    {
        int iterations = saved.GetValueOrDefault(line["ipc"]!.GetValue<int>()), iteration = line["iteration"]!.GetValue<int>();
        // Nothing was saved of a set that has done no updates: it begins anew, and so does its line at 0.
        return KindOf(line) == Update ? iteration < iterations : iterations > 0 && iteration <= iterations;
    }

    // The lines were on the device before the state. The first may be missing: somebody may have deleted the file.
    private static void RequireAll(string path, JsonObject[] kept, IReadOnlyDictionary<int, int> saved)
    {
        foreach (IGrouping<int, int> steps in kept.Where(l => KindOf(l) == Update)
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

    private static DistillException Damaged(string path, string what, Exception? inner = null) => new(
        ExitCode.Data, "IM3028",
        $"{path} is damaged: {what} Delete it to go on without the curves of what is done; the set does not depend on it.", inner);
}
