using System.Text;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The inputs of a run on image-text pairs.</summary>
/// <param name="Folder">Where its files are.</param>
/// <param name="Settings">Its settings.</param>
/// <param name="Data">The data.</param>
/// <param name="Context">Where it computes, and how it tells how far it is.</param>
internal sealed record PairRunInputs(RunFolder Folder, RunSettings Settings, PairData Data, RunContext Context)
{
    /// <summary>What all random numbers of the run follow from.</summary>
    public RandomKey Key => RandomKey.FromSeed(Settings.Seed);
}

/// <summary>What all sets of a run on pairs have in common.</summary>
/// <param name="Inputs">The inputs of the run.</param>
/// <param name="Experts">The experts.</param>
/// <param name="Method">The begun method.</param>
/// <param name="Metrics">The file of metrics.</param>
/// <param name="Keep">Puts a result into the summary, on disk, and returns it.</param>
internal sealed record PairRunParts(
    PairRunInputs Inputs, IReadOnlyList<Expert> Experts, MethodSession Method, MetricsFile Metrics,
    Func<RetrievalResult, RetrievalResult> Keep)
{
    /// <summary>What evaluates sets.</summary>
    public required PairEvaluator Evaluator { get; init; }

    /// <summary>Where it is written down what updates have cost.</summary>
    public required CostFile Costs { get; init; }

    /// <summary>Where it is written down how long stages take.</summary>
    public required StagesFile Stages { get; init; }

    /// <summary>Rows that another table has.</summary>
    public required PairBaselines Known { get; init; }

    /// <summary>What heads reach that are trained on all pairs; measured where it is first asked for.</summary>
    public required Func<RetrievalRow> Full { get; init; }
}

/// <summary>
/// One run on image-text pairs, from data to summary: experts, then distilling and evaluating for each number of pairs. Every
/// finished part is on disk, so the same call on the same folder goes on where an earlier one stopped, with the same bits.
/// </summary>
internal sealed class PairRun(PairRunInputs inputs)
{
    private readonly RunSettings _settings = inputs.Settings;
    private readonly RunFolder _folder = inputs.Folder;
    private readonly RunContext _context = inputs.Context;
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly List<RetrievalResult> _results = [];
    private double _secondsBefore;

    /// <summary>Refuses a run that would fail later.</summary>
    /// <param name="settings">What is asked for.</param>
    /// <param name="data">The data.</param>
    /// <param name="folder">Where its files go, or will.</param>
    /// <param name="experts">Where its experts are or go.</param>
    /// <returns>What it needs.</returns>
    /// <exception cref="DistillException">It would; the message names the option.</exception>
    public static Requirements Check(RunSettings settings, PairData data, string folder, string experts)
    {
        RunCheck.RequireTrajectories(settings, data.Dataset, data.Train.Count);
        if (settings.Pairs!.Value.Max() is var most && most > data.Train.Count)
            throw DistillException.BadValue("--pairs", $"{most}", $"at most the {data.Train.Count} images for training");
        PairNetwork network = data.NetworkOf(settings);
        if (settings.ExpertsFrom is { } recorded)
            ExpertLibrary.RequireFit(settings, network, data, recorded, isWritten: true);
        _ = PairBaselines.Of(settings, data); // what cannot be taken is told before anything is made
        int missing = ExpertLibrary.Missing(settings, experts).Length;
        TrainingPlan plan = PlanFactory.ExpertPlan(settings, data.Dataset);
        long disk = missing * Expert.BytesOnDisk(network, data.Train.Count, DType.Float32, plan, PlanFactory.Checkpoints(settings));
        return new Requirements(disk, PairDryRun.Of(settings, data, missing > 0))
        {
            Levers = "--pairs, --batch-syn, --expert-batch or --head-size",
        }.Checked(folder, data.Backend);
    }

    /// <summary>Does the whole run, or the rest of it.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what is known is on disk.</exception>
    /// <exception cref="NumericalException">A number stopped being finite; the last good state is on disk.</exception>
    public RetrievalSummary Execute()
    {
        if (File.Exists(_folder.Retrieval))
        {
            RetrievalSummary earlier = RetrievalSummary.Read(_folder.Retrieval);
            _results.AddRange(earlier.Results);
            _secondsBefore = earlier.Seconds;
        }
        using MetricsFile metrics = MetricsFile.Open(_folder.Metrics, SavedIterations(), _context.Progress.Note);
        using var stages = StagesFile.Open(_folder.Path, _context.Backend);
        using var costs = CostFile.Open(_folder.Path);
        try
        {
            DistilAll(metrics, stages, costs);
            stages.RequireWritten();
        }
        catch (Exception e) when (Failure.LeavesState(e))
        {
            Save(complete: false);
            throw;
        }
        return Save(complete: true);
    }

    private void DistilAll(MetricsFile metrics, StagesFile stages, CostFile costs)
    {
        PairData data = inputs.Data;
        using ExpertLibrary library = Gather(stages);
        _context.Ranks.FromFirst(Encoding.UTF8.GetBytes(Path.GetFullPath(ExpertFolder)));
        var evaluator = new PairEvaluator(_settings, data, inputs.Key.Split("judge"), _context.Cancel);
        using MethodSession method = BeginMethod(_settings, data, library.Experts, inputs.Key, _context.Ranks);
        PairBaselines known = PairBaselines.Of(_settings, data);
        if (known.Describe() is { } source)
            _context.Progress.Note(source);
        RetrievalRow? full = _results.Select(r => r.Row(PairRows.Full)).FirstOrDefault(row => row is not null);
        var parts = new PairRunParts(inputs, library.Experts, method, metrics, Keep)
        {
            Evaluator = evaluator, Costs = costs, Stages = stages, Known = known, Full = () => full ??= evaluator.OnAll(_context.Progress),
        };
        foreach (int pairs in _settings.Pairs!.Value)
        {
            if (_results.Find(r => r.Pairs == pairs) is { Complete: true } done)
                RequireSet(done);
            else
                new PairSetRun(parts, pairs, _results.Find(r => r.Pairs == pairs)).Execute();
        }
        _context.Ranks.FromFirst([]); // no more sets
    }

    private string ExpertFolder => _settings.ExpertsFrom ?? _folder.Experts;

    private ExpertLibrary Gather(StagesFile stages)
    {
        using IDisposable stage = stages.Begin("experts");
        return ExpertLibrary.Gather(
            _settings, inputs.Data.NetworkOf(_settings), inputs.Data, ExpertFolder, _context.Progress,
            _context.Cancel);
    }

    /// <summary>The method of a run, begun.</summary>
    /// <exception cref="DistillException">The experts do not have what the method's settings need.</exception>
    public static MethodSession BeginMethod(
        RunSettings settings, PairData data, IReadOnlyList<Expert> experts, RandomKey run, LockStep? ranks = null)
    {
        PairNetwork network = data.NetworkOf(settings), onSet = PairPlans.OnSet(settings, network);
        int batch = settings.BatchSyn ?? 0;
        try
        {
            MethodSession session = settings.MethodKind.Begin(new MethodContext
            {
                Network = network, Real = new RealPairs(data.Train), Experts = experts, Values = settings.OfMethod, Key = run,
                BatchSyn = batch, Products = SyntheticProducts.Of(settings.MethodKind, settings.OfMethod),
                Ranks = ranks ?? LockStep.Alone, Loss = key => new SyntheticPairLoss(onSet, key) { BatchSize = batch },
            });
            return data.Encoder is { } encoder ? new EncodedSession(session, SyntheticPairs.ImagesPart, encoder.Features) : session;
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2007", e.Message, e);
        }
    }

    /// <summary>The distiller of a run for a number of pairs.</summary>
    public static Distiller MakeDistiller(RunSettings settings, MethodSession method, SyntheticSet start, RandomKey run, int pairs) => new(
        method, start, PairPlans.DistillationPlanOf(settings), run.Split("distil").Split((ulong)pairs));

    // A finished set is not made again, so it must be sound.
    private void RequireSet(RetrievalResult result)
    {
        string path = _folder.PairSet(result.Pairs);
        if (File.Exists(path) && PairArtifact.Read(path).Metadata[PairArtifact.SetHashKey] != result.SetHash)
        {
            throw new DistillException(
                ExitCode.Data, "IM3053",
                $"{path} is not the set of this run, whose hash is {result.SetHash}. Put it back; or delete {_folder.Retrieval}, and " +
                "'resume' makes it again.");
        }
    }

    private Dictionary<int, int> SavedIterations() => _settings.Pairs!.Value
        .Where(pairs => File.Exists(_folder.PairCheckpoint(pairs)))
        .ToDictionary(pairs => pairs, pairs => DistillationRun.FromState(() => CheckpointFile.IterationOf(_folder.PairCheckpoint(pairs))));

    private RetrievalResult Keep(RetrievalResult result)
    {
        int at = _results.FindIndex(r => r.Pairs == result.Pairs);
        if (at < 0)
            _results.Add(result);
        else
            _results[at] = result;
        Save(complete: false);
        return result;
    }

    private RetrievalSummary Save(bool complete)
    {
        double seconds = _secondsBefore + TimeProvider.System.GetElapsedTime(_start).TotalSeconds;
        RetrievalSummary summary = SummaryOf(_settings, inputs.Data, seconds, _results) with { Complete = complete };
        summary.Save(_folder.Retrieval);
        return summary;
    }

    /// <summary>A summary that is not at its end.</summary>
    public static RetrievalSummary SummaryOf(RunSettings settings, PairData data, double seconds, IEnumerable<RetrievalResult> results) => new()
    {
        Seconds = Math.Round(seconds, 1),
        Device = data.Backend.Description,
        Dataset = data.Dataset,
        Split = PairData.WordOf(data.Part),
        Images = data.Evaluated.Count,
        CaptionsEach = data.Evaluated.LabelsEach,
        Captions = data.Evaluated.LabelCounts is { IsEmpty: false } counts ? counts.Sum() : null,
        Protocol = PairPlans.Describe(settings),
        Full = PairPlans.DescribeFull(settings),
        Commit = EnvironmentReport.Commit,
        Complete = false,
        Results = [.. results],
    };
}
