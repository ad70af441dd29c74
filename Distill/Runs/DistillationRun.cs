using System.Text;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>The inputs of a run.</summary>
/// <param name="Folder">Where its files are.</param>
/// <param name="Settings">Its settings.</param>
/// <param name="Pair">The data.</param>
/// <param name="Backend">The device that computes.</param>
/// <param name="Progress">Shows how far it is.</param>
/// <param name="Cancel">Ends it early.</param>
internal sealed record RunInputs(
    RunFolder Folder, RunSettings Settings, DatasetPair Pair, Backend Backend, IProgressView Progress, CancellationToken Cancel)
{
    /// <summary>Known accuracies of random real images, by images per class; runs with the same seed and protocol share
    /// them.</summary>
    public IReadOnlyDictionary<int, AccuracySet>? Baselines { get; init; }

    /// <summary>Data that the caller has prepared and will dispose of; null to prepare them here.</summary>
    public PreparedData? Prepared { get; init; }

    /// <summary>The ranks that distil together; this process alone by default.</summary>
    public LockStep Ranks { get; init; } = LockStep.Alone;

    /// <summary>What all random numbers of the run follow from.</summary>
    public RandomKey Key => RandomKey.FromSeed(Settings.Seed);
}

/// <summary>
/// One run from data to summary: experts, then distilling and evaluating for each number of images per class. Every
/// finished part is on disk, so the same call on the same folder continues where an earlier one stopped, with the same
/// bits. <see cref="RunCheck"/> has checked all that can be known before.
/// </summary>
internal sealed class DistillationRun(RunInputs inputs)
{
    private readonly RunSettings _settings = inputs.Settings;
    private readonly RunFolder _folder = inputs.Folder;
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly List<IpcResult> _results = [];
    private double _secondsBefore;
    private long _peakBefore;
    private bool _wasComplete;
    private string? _softLabels, _labelNetworks;

    /// <summary>Does the whole run, or the rest of it.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what is known is on disk.</exception>
    /// <exception cref="NumericalException">A number stopped being finite; the last good state is on disk.</exception>
    /// <exception cref="DeviceMemoryException">The device has no more memory; the last state is on disk.</exception>
    public Summary Execute()
    {
        ReadSummary();
        using PreparedData? own = inputs.Prepared is null
            ? PreparedData.Load(inputs.Pair, inputs.Backend, _settings, inputs.Progress, inputs.Cancel)
            : null;
        PreparedData data = inputs.Prepared ?? own!;
        using MetricsFile metrics = MetricsFile.Open(_folder.Metrics, SavedIterations(), inputs.Progress.Note);
        using var stages = StagesFile.Open(_folder.Path, inputs.Backend);
        using var costs = CostFile.Open(_folder.Path);
        if (data.Preparation is { } prepared)
            stages.Add("data", prepared.Began, prepared.Took);
        try
        {
            DistilAll(data, metrics, stages, costs);
            stages.RequireWritten();
        }
        catch (Exception e) when (Failure.LeavesState(e))
        {
            Save(complete: false);
            throw;
        }
        return Save(complete: true);
    }

    private void DistilAll(PreparedData data, MetricsFile metrics, StagesFile stages, CostFile costs)
    {
        Network network = data.NetworkOf(_settings, _settings.Width);
        Network evaluated = data.NetworkOf(_settings, _settings.EvalWidth);
        using ExpertLibrary library = Gather(network, data, stages);
        inputs.Ranks.FromFirst(Encoding.UTF8.GetBytes(Path.GetFullPath(ExpertFolder)));
        using var teacher = LabelTeacher.For(_settings, data, library.Experts);
        _softLabels = teacher.Describe(_settings);
        _labelNetworks = teacher.Hash;
        ImageBaselines? known = ImageBaselines.Of(_settings, inputs.Pair);
        if (known?.Describe() is { } source)
            inputs.Progress.Note(source);
        ConfusionMatrix? whole = null;
        ConfusionFile confusion = ConfusionFile.Open(_folder.Path, inputs.Pair.Train.ClassNames);
        using MethodSession method = BeginMethod(_settings, data, network, library.Experts, inputs.Key, inputs.Ranks);
        var parts = new RunParts(inputs, data, library, method, metrics, Keep)
        {
            Real = new RealImages(data, teacher.Networks, _settings.Temperature, inputs.Key.Split("real"))
            {
                RightOnly = _settings.LabelStart == PlanFactory.Right,
            },
            Known = ipc => inputs.Baselines?.GetValueOrDefault(ipc) ?? known?.At(ipc, _settings, _labelNetworks) ?? new AccuracySet(),
            Count = column => (confusion = confusion.With(column)).Save(_folder.Path),
            CountWhole = ipc => (confusion = confusion.With(new ColumnConfusion(
                ipc, ResultColumn.Of<WholeSetColumn>().Name, whole ??= library.Confusion(data))))
                .Save(_folder.Path),
            Stages = stages,
            Costs = costs,
            OnTheWay = new SetEvaluator(
                evaluated, _settings.OnTheWay, data, inputs.Key.Split("judge"), inputs.Cancel),
            Evaluator = new SetEvaluator(evaluated, _settings, data, inputs.Key.Split("judge"), inputs.Cancel),
        };
        foreach (int ipc in _settings.Ipc)
        {
            if (_results.Find(r => r.Ipc == ipc) is { } done && (_wasComplete || done.Accuracy.IsComplete))
                RequireSet(done);
            else
                new SetRun(parts, ipc).Execute();
        }
        inputs.Ranks.FromFirst([]); // no more sets
    }

    private string ExpertFolder => _settings.ExpertsFrom ?? _folder.Experts;

    private ExpertLibrary Gather(Network network, PreparedData data, StagesFile stages)
    {
        using IDisposable stage = stages.Begin("experts");
        return ExpertLibrary.Gather(
            _settings, network, data, ExpertFolder, inputs.Progress, inputs.Cancel);
    }

    private void ReadSummary()
    {
        if (!File.Exists(_folder.Summary))
            return;
        Summary earlier = Summary.Read(_folder.Summary);
        if (!earlier.HasHash)
            inputs.Progress.Note(OlderFile.Note(_folder.Summary));
        _results.AddRange(earlier.Results);
        _secondsBefore = earlier.Seconds;
        (_softLabels, _labelNetworks) = (earlier.SoftLabels, earlier.LabelNetworks);
        if (_settings.LabelFrom is { } labels)
            LabelTeacher.RequireSame(earlier, labels, _folder.Path);
        _peakBefore = earlier.PeakMemoryBytes;
        _wasComplete = earlier.Complete; // one of an earlier version may have fewer columns
    }

    // A finished set is not made again, so it must be sound.
    private void RequireSet(IpcResult result)
    {
        string path = _folder.Set(result.Ipc);
        if (!File.Exists(path))
            return;
        SyntheticArtifact set = SyntheticArtifact.Read(path);
        if (result.SetHash is { } hash && set.Metadata.GetValueOrDefault("set_sha256") != hash)
        {
            throw new DistillException(
                ExitCode.Data, "IM3053",
                $"{path} is not the set of this run, whose hash is {hash}. Put it back; or delete {_folder.Summary}, and 'resume' " +
                "makes it again.");
        }
    }

    /// <summary>The method of a run, begun.</summary>
    /// <exception cref="DistillException">The experts do not have what the method's settings need.</exception>
    public static MethodSession BeginMethod(
        RunSettings settings, PreparedData data, Network network, IReadOnlyList<Expert> experts, RandomKey run,
        LockStep? ranks = null)
    {
        try
        {
            return settings.MethodKind.Begin(new MethodContext
            {
                Network = network,
                Real = data,
                Experts = experts,
                Values = settings.OfMethod,
                Key = run,
                Augmentation = PlanFactory.AugmentationOf(settings.MatchAugment, data.Pair.Name),
                BatchSyn = settings.BatchSyn ?? 0,
                BatchesAreOfTiles = settings.BatchOf == PlanFactory.Tile,
                Products = SyntheticProducts.Of(settings.MethodKind, settings.OfMethod),
                Ranks = ranks ?? LockStep.Alone,
            });
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2007", e.Message, e);
        }
    }

    /// <summary>The distiller of a run for a number of images per class.</summary>
    public static Distiller MakeDistiller(
        RunSettings settings, PreparedData data, MethodSession method, SyntheticSet start, RandomKey run, int ipc) => new(
        method, start, PlanFactory.DistillationPlanOf(settings, data.PixelRange), run.Split("distil").Split((ulong)ipc));

    private Dictionary<int, int> SavedIterations() => _settings.Ipc
        .Where(ipc => File.Exists(_folder.Checkpoint(ipc)))
        .ToDictionary(ipc => ipc, ipc => FromState(() => CheckpointFile.IterationOf(_folder.Checkpoint(ipc))));

    /// <summary>Reads a saved state; to an error about damage it adds what to do in this run.</summary>
    /// <exception cref="DistillException">It is damaged.</exception>
    public static int FromState(Func<int> read)
    {
        try
        {
            return read();
        }
        catch (ArrayFileException e)
        {
            throw new DistillException(
                ExitCode.Data, "IM3054", $"{e.Message.TrimEnd('.')}. Delete it to distil this set afresh.", e);
        }
    }

    private IpcResult Keep(IpcResult result)
    {
        int at = _results.FindIndex(r => r.Ipc == result.Ipc);
        if (at < 0)
            _results.Add(result);
        else
            _results[at] = result;
        Save(complete: false);
        return result;
    }

    private Summary Save(bool complete)
    {
        var summary = new Summary
        {
            Seconds = Math.Round(_secondsBefore + TimeProvider.System.GetElapsedTime(_start).TotalSeconds, 1),
            Device = inputs.Backend.Description,
            PeakMemoryBytes = Math.Max(_peakBefore, inputs.Backend.Memory.Peak),
            Dataset = inputs.Pair.Name,
            Commit = EnvironmentReport.Commit,
            Complete = complete,
            ProtocolName = Protocols.NameOf(_settings),
            Protocol = PlanFactory.Describe(_settings, inputs.Pair.Name),
            EvaluatedOn = PlanFactory.EvaluatedOn(_settings),
            WholeSet = PlanFactory.DescribeExperts(_settings),
            SoftLabels = _softLabels,
            LabelNetworks = _labelNetworks,
            Results = _results,
        };
        summary.Save(_folder.Summary);
        return summary;
    }
}
