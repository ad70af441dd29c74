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

    /// <summary>The numbers of images per class that it is about.</summary>
    public IReadOnlyList<int> Ipcs => Settings is { } settings ? [.. settings.Ipc] : [.. Results.Select(r => r.Ipc).Distinct()];

    /// <summary>Its results so far.</summary>
    public IReadOnlyList<IpcResult> Results => Summary?.Results ?? [];

    /// <summary>The names of the classes; empty where no file tells them.</summary>
    public IReadOnlyList<string> Classes =>
        Data?.Classes ?? Ipcs.Select(ipc => Set(ipc)?.ClassNames).FirstOrDefault(names => names is not null) ?? [];

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
        if (!File.Exists(run.Files.Config) && !File.Exists(run.Files.Summary))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2003",
                $"{path} has neither {RunFiles.ConfigName} nor {RunFiles.SummaryName}, so this is no run folder. Name a folder that a run made.");
        }
        run.ReadFiles();
        return run.Settings is { IsOfPairs: true }
            ? throw new DistillException(
                ExitCode.Usage, "IM2034",
                $"{path} is a run on image-text pairs, and pages are of runs on classified images. Its table and numbers are in {RetrievalSummary.FileName}.")
            : run;
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
