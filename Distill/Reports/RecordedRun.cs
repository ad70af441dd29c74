using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A run as its files tell it. What is missing or damaged is left out, and is said.</summary>
internal sealed class RecordedRun
{
    private readonly List<string> _problems = [];
    private readonly Dictionary<int, SyntheticArtifact?> _sets = [];
    private readonly Dictionary<int, PairArtifact?> _pairSets = [];
    private readonly Lazy<IReadOnlyList<JsonObject>> _metrics;

    private RecordedRun(string path)
    {
        Files = new RunFiles(path);
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        _metrics = new(() => Try<List<JsonObject>>(Files.Metrics, () => [.. MetricsFile.Read(Files.Metrics)]) ?? []);
    }

    /// <summary>Where its files are.</summary>
    public RunFiles Files { get; }

    /// <summary>The name of its folder.</summary>
    public string Name { get; }

    /// <summary>The command that began it; empty where the configuration cannot be read.</summary>
    public string Command { get; private set; } = "";

    /// <summary>Its settings with their origins, or null.</summary>
    public ResolvedSettings? Resolved { get; private set; }

    /// <summary>Its settings, or null.</summary>
    public RunSettings? Settings => Resolved?.Settings;

    /// <summary>Its result, or null.</summary>
    public Summary? Summary { get; private set; }

    /// <summary>Its result where it is on image-text pairs, or null.</summary>
    public RetrievalSummary? Retrieval { get; private set; }

    /// <summary>Whether it is on image-text pairs.</summary>
    public bool IsOfPairs => Settings?.IsOfPairs ?? Retrieval is not null;

    /// <summary>Whether it is at its end.</summary>
    public bool IsComplete => (Retrieval?.Complete ?? Summary?.Complete) == true;

    /// <summary>The name of its data set, or null.</summary>
    public string? Dataset => Retrieval?.Dataset ?? Summary?.Dataset ?? Settings?.Dataset;

    /// <summary>The revision of the program that made it, or null.</summary>
    public string? Commit => Retrieval?.Commit ?? Summary?.Commit ?? Environment?["commit"]?.ToString();

    /// <summary>What an evaluation evaluates; null of another run.</summary>
    public EvaluationRecord? Evaluation { get; private set; }

    /// <summary>What it ran on, or null.</summary>
    public JsonObject? Environment { get; private set; }

    /// <summary>Which classes its networks take for which, or null.</summary>
    public ConfusionFile? Confusion { get; private set; }

    /// <summary>What its stages took; empty where it did not record it.</summary>
    public IReadOnlyList<StageRecord> Stages { get; private set; } = [];

    /// <summary>The data that it began on, or null.</summary>
    public RunData? Data { get; private set; }

    /// <summary>The lines of its metrics.</summary>
    public IReadOnlyList<JsonObject> Metrics => _metrics.Value;

    /// <summary>What could not be read, each in a sentence.</summary>
    public IReadOnlyList<string> Problems => _problems;

    /// <summary>The sizes of the sets that it is about: numbers of images per class, or of pairs.</summary>
    public IReadOnlyList<int> Sizes => IsOfPairs
        ? Settings?.Pairs is { } pairs ? [.. pairs] : [.. PairResults.Select(r => r.Pairs)]
        : Settings is { } settings ? [.. settings.Ipc] : [.. Results.Select(r => r.Ipc).Distinct()];

    /// <summary>Its results so far.</summary>
    public IReadOnlyList<IpcResult> Results => Summary?.Results ?? [];

    /// <summary>Its results so far where it is on image-text pairs.</summary>
    public IReadOnlyList<RetrievalResult> PairResults => Retrieval?.Results ?? [];

    /// <summary>The sets that it made or evaluated so far, with their hashes.</summary>
    public IEnumerable<RecordedSet> Sets => IsOfPairs
        ? PairResults.Select(r => new RecordedSet(r.Pairs, Files.PairSet(r.Pairs), r.SetHash, r.Row(PairRows.Distilled) is not null))
        : Results.Select(r => new RecordedSet(r.Ipc, Files.Set(r.Ipc), r.SetHash, r.Accuracy.Distilled is not null));

    /// <summary>The names of the classes; empty where no file tells them.</summary>
    public IReadOnlyList<string> Classes =>
        Data?.Classes ?? Sizes.Select(ipc => Set(ipc)?.ClassNames).FirstOrDefault(names => names is not null) ?? [];

    /// <summary>Reads a run's folder.</summary>
    /// <exception cref="DistillException">It is no folder of a run, or that of an ablation.</exception>
    public static RecordedRun Read(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2003", $"the run folder {path} does not exist. Name one, or start a run with 'distill'.");
        }
        if (File.Exists(Path.Combine(path, AblationSummary.FileName)))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2030",
                $"{path} is an ablation, whose rows are runs of their own. Compare them: compare {ShellWord.OfPath(ShownPath.Of(path))}/rows/*");
        }
        if (BenchmarkFile.IsIn(path))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2043",
                $"{path} is a benchmark, whose cells are runs of their own. Compare them: compare {ShellWord.OfPath(ShownPath.Of(path))}/cells/*");
        }
        var run = new RecordedRun(path);
        if (!File.Exists(run.Files.Config) && !File.Exists(run.Files.Summary) && !File.Exists(run.Files.Retrieval))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2003",
                $"{path} has neither {RunFiles.ConfigName} nor {RunFiles.SummaryName} nor {RetrievalSummary.FileName}, so this is no run folder. Name a folder that a run made.");
        }
        run.ReadFiles();
        return run;
    }

    /// <summary>A size of a set in words, such as "10 images per class" and "100 pairs".</summary>
    public string WordsOf(int size) => IsOfPairs ? $"{size} pairs" : $"{size} {(size == 1 ? "image" : "images")} per class";

    /// <summary>The set of so many pairs; null where there is none yet, or it cannot be read.</summary>
    public PairArtifact? PairSet(int pairs)
    {
        if (!_pairSets.TryGetValue(pairs, out PairArtifact? set))
        {
            string path = Evaluation?.Set ?? Files.PairSet(pairs);
            _pairSets[pairs] = set = Try(path, () => PairArtifact.Read(path));
        }
        return set;
    }

    /// <summary>A run's set; null where there is none yet, or it cannot be read.</summary>
    public SyntheticArtifact? Set(int ipc)
    {
        if (!_sets.TryGetValue(ipc, out SyntheticArtifact? set))
        {
            string path = Evaluation?.Set ?? Files.Set(ipc);
            _sets[ipc] = set = Try(path, () => SyntheticArtifact.Read(path));
        }
        return set;
    }

    /// <summary>What its metrics tell of one thing, by iteration.</summary>
    public (int Iteration, double Value)[] Curve(int ipc, string what) => MetricsFile.Curve(Metrics, ipc, what);

    /// <summary>After how many updates a set was evaluated, and the mean accuracy or recall in percent; null where it was not.</summary>
    public (int Iteration, double Value)? EndOf(int size) => IsOfPairs
        ? PairResults.FirstOrDefault(r => r.Pairs == size) is { Iterations: { } done } pairs && pairs.Row(PairRows.Distilled) is { } row
            ? (done, row.Mean.Mean)
            : null
        : Results.FirstOrDefault(r => r.Ipc == size) is { Accuracy.Distilled: { } distilled, Iterations: { } iterations }
            ? (iterations, distilled.Mean)
            : null;

    /// <summary>The pictures of a set's images in the order of the iterations: before, between, after.</summary>
    public IReadOnlyList<SetPicture> Pictures(int ipc)
    {
        var found = new List<SetPicture>();
        string before = Files.Picture(ipc, "before"), after = Files.Picture(ipc, "after");
        if (File.Exists(before))
            found.Add(new SetPicture(before, 0));
        const string Step = "step";
        if (Directory.Exists(Files.Images))
        {
            found.AddRange(Directory.EnumerateFiles(Files.Images, $"ipc{ipc}-{Step}*.png")
                .Select(file => (File: file, Number: Path.GetFileNameWithoutExtension(file)[$"ipc{ipc}-{Step}".Length..]))
                .Where(f => int.TryParse(f.Number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                .Select(f => new SetPicture(f.File, int.Parse(f.Number, CultureInfo.InvariantCulture)))
                .OrderBy(p => p.Iteration));
        }
        if (File.Exists(after))
            found.Add(new SetPicture(after, Results.FirstOrDefault(r => r.Ipc == ipc)?.Iterations ?? Settings?.Iterations ?? 0));
        return [.. found.DistinctBy(p => p.Iteration)];
    }

    /// <summary>Takes note of what cannot be shown.</summary>
    public void AddProblem(string problem) => _problems.Add(problem);

    private void ReadFiles()
    {
        if (Try(Files.Config, () => ConfigFile.Read(Files.Config)) is { Command: { } command, Resolved: { } resolved })
            (Command, Resolved) = (command, resolved);
        Summary = Try(Files.Summary, () => Distill.Summary.Read(Files.Summary));
        Retrieval = Try(Files.Retrieval, () => RetrievalSummary.Read(Files.Retrieval));
        Environment = Try(Files.Environment, () => SealedJson.Read(Files.Environment).Root);
        string data = Path.Combine(Files.Path, RunData.FileName);
        Data = Try(data, () => SealedJson.Read<RunData>(data).Value);
        string confusion = Path.Combine(Files.Path, ConfusionFile.FileName);
        Confusion = Try(confusion, () => ConfusionFile.Read(confusion));
        string stages = Path.Combine(Files.Path, StagesFile.FileName);
        Stages = Try(stages, () => StagesFile.Read(stages)) ?? [];
        string evaluation = Path.Combine(Files.Path, EvaluationRecord.FileName);
        Evaluation = Try(evaluation, () => EvaluationRecord.Read(Files.Path));
    }

    // A damaged file takes its own part off the page and no other.
    private T? Try<T>(string path, Func<T> read)
    {
        if (!File.Exists(path))
            return default;
        try
        {
            return read();
        }
        catch (Exception e) when (e is DistillException or ArrayFileException or JsonException or IOException
            or UnauthorizedAccessException)
        {
            _problems.Add(e.Message.Contains(path, StringComparison.Ordinal) ? e.Message : $"{path}: {e.Message}");
            return default;
        }
    }
}

/// <summary>A picture of a set's images.</summary>
/// <param name="Path">The file.</param>
/// <param name="Iteration">How many updates were done.</param>
internal sealed record SetPicture(string Path, int Iteration);

/// <summary>A set as a run's result tells of it.</summary>
/// <param name="Size">Images per class, or pairs.</param>
/// <param name="File">Where a run of 'distill' has it.</param>
/// <param name="Hash">Its SHA-256, or null.</param>
/// <param name="IsMeasured">Whether networks were trained on it.</param>
internal sealed record RecordedSet(int Size, string File, string? Hash, bool IsMeasured);
