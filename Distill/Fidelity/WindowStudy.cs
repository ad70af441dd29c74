using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What 'influence windows' is asked for.</summary>
/// <param name="Folder">The run whose experts and windows are used.</param>
/// <param name="Settings">Its settings, with where data and experts are now.</param>
/// <param name="Sets">The files of the sets, at least one.</param>
/// <param name="Windows">How many windows, evenly over all that the run draws from.</param>
/// <param name="Images">Real images whose loss and answers are taken.</param>
/// <param name="HasTwin">Whether D's windows are trained a second time for the share of noise.</param>
internal sealed record WindowStudySettings(
    RunFiles Folder, RunSettings Settings, IReadOnlyList<string> Sets, int Windows, int Images, bool HasTwin);

/// <summary>One window: where it lies, what D does on it, and what each set does.</summary>
/// <param name="Window">The window.</param>
/// <param name="Epoch">Where in the expert's training it begins.</param>
/// <param name="Real">What D does.</param>
/// <param name="Sets">What the sets do, in their order.</param>
internal sealed record StudiedWindow(Window Window, double Epoch, RealOutcome Real, IReadOnlyList<SyntheticOutcome> Sets);

/// <summary>A set that is studied.</summary>
/// <param name="File">Its file.</param>
/// <param name="Accuracy">The accuracy that it claims, in percent; null where it claims none.</param>
/// <param name="PerClass">Images per class.</param>
internal sealed record StudiedSet(string File, Accuracy? Accuracy, int PerClass);

/// <summary>'influence windows': how sets act on windows of recorded trainings, in parameters, in answers and on their own path.</summary>
/// <param name="settings">What is asked for.</param>
/// <param name="progress">Shows how far it is.</param>
/// <param name="cancel">Stops it.</param>
internal sealed class WindowStudy(WindowStudySettings settings, IProgressView progress, CancellationToken cancel)
{
    private readonly RunSettings _run = settings.Settings;

    /// <summary>The sets, once they were read.</summary>
    public IReadOnlyList<StudiedSet> Sets { get; private set; } = [];

    /// <summary>Measures all windows.</summary>
    /// <param name="pair">The data set of the run.</param>
    /// <param name="backend">What computes.</param>
    /// <exception cref="DistillException">The run is of another method, or a set is not one of its data.</exception>
    public IReadOnlyList<StudiedWindow> Run(DatasetPair pair, Backend backend)
    {
        if (_run.MethodKind is not InfluenceMatching)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2045",
                $"{settings.Folder.Path} is a run of {_run.MethodName}, and windows are those of influence matching. Name a run of " +
                "'--method influence' on the same data first, and the sets of other methods behind it.");
        }
        using var scope = TensorScope.Begin();
        SyntheticArtifact[] artifacts = [.. settings.Sets.Select(file => Read(file, pair))];
        Sets = [.. artifacts.Select(a => new StudiedSet(a.Source, a.Claim?.Accuracy, a.Count / a.Classes))];
        using PreparedData data = PreparedData.Load(pair, backend, _run, progress, cancel);
        Network network = data.NetworkOf(_run, _run.Width);
        using ExpertLibrary library = ExpertLibrary.Gather(
            _run, network, data, _run.ExpertsFrom ?? settings.Folder.Experts, progress, cancel);
        var method = new MethodContext
        {
            Network = network,
            Real = data,
            Experts = library.Experts,
            Values = _run.OfMethod,
            Key = RandomKey.FromSeed(_run.Seed).Split("windows"),
            Augmentation = PlanFactory.AugmentationOf(_run.MatchAugment, pair.Name),
            BatchSyn = _run.BatchSyn ?? 0,
            BatchesAreOfTiles = _run.BatchOf == PlanFactory.Tile,
        };
        SyntheticSet[] sets = [.. artifacts.Select(a => a.ToSet(backend))];
        return Measure(method, sets);
    }

    private StudiedWindow[] Measure(MethodContext method, SyntheticSet[] sets)
    {
        var estimator = InfluenceEstimator.Of(InfluenceMatching.Estimator.Of(method.Values));
        WindowPlan plan = InfluenceMatching.PlanOf(method.Values);
        int[][] starts = [.. method.Experts.Select(expert => StartsOf(expert, plan, estimator))];
        IRealData data = method.Real;
        int smallest = Enumerable.Range(0, data.Classes).Min(data.CountOfClass);
        int each = Math.Clamp(settings.Images / data.Classes, 1, smallest);
        LabelledImages real = data.Train.Rows(data.RandomOfEachClass(each, method.Key.Split("real")));
        using var outcomes = new WindowOutcomes(
            estimator, InfluenceMatching.ContextOf(method), InfluenceMatching.RuleOf(method.Values), real);
        using IProgressStage stage = progress.Begin("Windows", settings.Windows);
        var found = new StudiedWindow[settings.Windows];
        for (int i = 0; i < found.Length; i++)
        {
            cancel.ThrowIfCancellationRequested();
            Window window = plan.Place(starts, i, found.Length);
            Expert expert = method.Experts[window.Expert];
            RandomKey key = method.Key.Split((ulong)i);
            RealOutcome ofReal = outcomes.OfReal(window, settings.HasTwin ? key.Split("twin") : null);
            found[i] = new StudiedWindow(
                window, (double)expert.Trajectory.StepOf(window.First) / expert.Replay.StepsPerEpoch, ofReal,
                [.. sets.Select(s => outcomes.OfSet(window, s, method.LossOf(s, key.Split("augmentation"), estimator.IsSiamese)))]);
            stage.Report(i + 1, $"checkpoint {window.First} of expert {window.Expert + 1}");
        }
        return found;
    }

    private static int[] StartsOf(Expert expert, WindowPlan plan, InfluenceEstimator estimator)
    {
        try
        {
            return WindowStarts.Of(
                plan, estimator.Windows, [.. Enumerable.Range(0, expert.Trajectory.Count).Select(expert.Trajectory.StepOf)],
                expert.Trajectory.Path);
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2007", e.Message, e);
        }
    }

    private SyntheticArtifact Read(string file, DatasetPair pair)
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(file);
        ImageDataset train = pair.Train;
        var image = new Shape(train.Channels, train.Height, train.Width);
        string? problem = artifact.Image != image ? $"its images are {artifact.Image}, those of {train.Name} {image}"
            : artifact.Classes != train.Classes ? $"it has {artifact.Classes} classes, {train.Name} {train.Classes}"
            : !artifact.Standardisation.Equals(pair.Standardisation) ? "its images are standardised by other means and deviations"
            : artifact.Whitening?.Epsilon != _run.Zca ? "it is not whitened as the images of the run are"
            : SetAgreement.Of(artifact, pair).Contradiction?.TrimEnd('.');
        return problem is null
            ? artifact
            : throw new DistillException(
                ExitCode.Usage, "IM2046",
                $"{file} cannot be held to the windows of {settings.Folder.Path}: {problem}. Name sets of the same data, prepared alike.");
    }
}
