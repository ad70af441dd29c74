using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// One run from data to summary: experts, then for each number of images per class distilling and evaluating. Every part
/// that is finished is on disk, so that the same call on the same folder goes on where an earlier one stopped, with the
/// same bits. Accuracies of random real images that are known, since runs with the same seed and protocol have them in
/// common, can be given, and so can data that are prepared already; whoever prepared them disposes them. What can be known
/// before is checked before, by <see cref="RunCheck"/>.
/// </summary>
internal sealed class DistillationRun(
    RunFolder folder, RunSettings settings, DatasetPair pair, Backend backend, IProgressView progress,
    CancellationToken cancel, IReadOnlyDictionary<int, AccuracySet>? baselines = null, PreparedData? prepared = null)
{
    private readonly RandomKey _key = RandomKey.FromSeed(settings.Seed);
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly List<IpcResult> _results = [];
    private double _secondsBefore;
    private long _peakBefore;

    /// <summary>Does the whole run, or the rest of it.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what is known is on disk.</exception>
    /// <exception cref="NumericalException">A number stopped being finite; the last good state is on disk.</exception>
    /// <exception cref="DeviceMemoryException">The device has no more memory; the last state is on disk.</exception>
    public Summary Execute()
    {
        if (File.Exists(folder.Summary))
        {
            Summary earlier = Summary.Read(folder.Summary);
            if (!earlier.HasHash)
                progress.Note(OlderFile.Note(folder.Summary));
            _results.AddRange(earlier.Results);
            _secondsBefore = earlier.Seconds;
            _peakBefore = earlier.PeakMemoryBytes;
        }
        using PreparedData? own = prepared is null ? PreparedData.Load(pair, backend, settings, progress, cancel) : null;
        PreparedData data = prepared ?? own!;
        Network network = PlanFactory.NetworkOf(settings, data, settings.Width);
        Network evaluated = PlanFactory.NetworkOf(settings, data, settings.EvalWidth);
        string experts = settings.ExpertsFrom ?? folder.Experts;
        using MetricsFile metrics = MetricsFile.Open(folder.Metrics, SavedIterations(), progress.Note);
        try
        {
            using var library = ExpertLibrary.Gather(settings, network, data, experts, progress, cancel);
            var real = new RealImages(data, library.Experts, settings.Temperature, _key.Split("real"));
            using InfluenceEstimator estimator = MakeEstimator(settings, data, library.Experts, _key.Split("real batch"));
            var evaluator = new SetEvaluator(evaluated, settings, data, _key.Split("judge"), cancel);
            foreach (int ipc in settings.Ipc)
            {
                if (_results.Find(r => r.Ipc == ipc) is { Accuracy.IsComplete: true } done)
                    RequireSet(done);
                else
                    RunIpc(ipc, network, data, library, real, estimator, evaluator, metrics);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or NumericalException or DeviceMemoryException)
        {
            Save(complete: false);
            throw;
        }
        return Save(complete: true);
    }

    // A set that is finished is not made again, so that it must be sound.
    private void RequireSet(IpcResult result)
    {
        string path = folder.Set(result.Ipc);
        if (!File.Exists(path))
            return;
        SyntheticArtifact set = SyntheticArtifact.Read(path);
        if (result.SetHash is { } hash && set.Metadata.GetValueOrDefault("set_sha256") != hash)
        {
            throw new DistillException(
                ExitCode.Data, "IM3053",
                $"{path} is not the set of this run, whose hash is {hash}. Put it back; or delete {folder.Summary}, and 'resume' " +
                "makes it again.");
        }
    }

    private void RunIpc(
        int ipc, Network network, PreparedData data, ExpertLibrary library, RealImages real, InfluenceEstimator estimator,
        SetEvaluator evaluator, MetricsFile metrics)
    {
        SyntheticSet start = real.Start(ipc, PlanFactory.StartOf(settings), settings.Factor ?? 1, progress.Note);
        using Distiller distiller =
            MakeDistiller(settings, pair.Name, network, library.Experts, estimator, start, _key, ipc);
        SetOrigin origin = SetOrigin.Of(start, library.Experts);
        DrawPicture(start, data, ipc, "before");
        start.Images.Dispose();
        start.LabelLogits.Dispose();
        if (File.Exists(folder.Checkpoint(ipc)))
        {
            FromState(() =>
            {
                CheckpointFile.Restore(folder.Checkpoint(ipc), distiller, settings, origin, progress.Note);
                return distiller.Iteration;
            });
        }
        var result = new IpcResult(ipc, settings.Estimator, new AccuracySet { Whole = library.Accuracy });
        try
        {
            Distil(distiller, ipc, origin, data, evaluator, metrics);
        }
        // Also after an interruption or a NaN: the distiller then stands at its last good state. Of a device that failed the
        // last saved state stands; asking it again would only hide its error.
        catch (Exception e) when (e is not DeviceException)
        {
            KeepWhatThereIs();
            throw;
        }
        KeepWhatThereIs();

        void KeepWhatThereIs()
        {
            SaveState(distiller, ipc, origin, metrics);
            result = Describe(result, distiller, ipc);
            Keep(result);
            SyntheticSetFile.Write(folder.Set(ipc), distiller.Set, data, settings, origin, claimed: null);
            DrawPicture(distiller.Set, data, ipc, "after");
            DrawCurves(ipc);
        }

        AccuracySet? known = baselines?.GetValueOrDefault(ipc);
        result = Keep(result with
        {
            Accuracy = result.Accuracy with
            {
                RandomReal = known?.RandomReal, RandomRealSoftLabels = known?.RandomRealSoftLabels,
            },
        });
        var sets = new List<EvaluatedSet> { Evaluated("distilled", _ => distiller.Set.AsTrainingSet(), KeepDistilled) };
        if (known?.RandomReal is null)
        {
            sets.Add(Evaluated(
                "random real", r => real.Random(ipc, r), a => result.Accuracy with { RandomReal = a }));
        }
        if (known?.RandomRealSoftLabels is null)
        {
            sets.Add(Evaluated(
                "random real + soft labels", r => real.RandomWithSoftLabels(ipc, r),
                a => result.Accuracy with { RandomRealSoftLabels = a }));
        }
        evaluator.Evaluate(sets, settings.Repeats, progress);

        EvaluatedSet Evaluated(string what, Func<int, LabelledImages> setOf, Func<Accuracy, AccuracySet> with) => new(
            $"IPC {ipc}: {what}", setOf, accuracy => result = Keep(result with { Accuracy = with(accuracy) }));

        AccuracySet KeepDistilled(Accuracy accuracy)
        {
            SyntheticSetFile.Write(folder.Set(ipc), distiller.Set, data, settings, origin, accuracy);
            return result.Accuracy with { Distilled = accuracy };
        }
    }

    private void Distil(
        Distiller distiller, int ipc, SetOrigin origin, PreparedData data, SetEvaluator evaluator, MetricsFile metrics)
    {
        using IProgressStage stage = progress.Begin($"IPC {ipc}: distilling", settings.Iterations);
        while (distiller.Iteration < settings.Iterations)
        {
            cancel.ThrowIfCancellationRequested();
            DistillationStep step = distiller.Step();
            metrics.Append(new JsonObject
            {
                ["ipc"] = ipc,
                ["iteration"] = step.Iteration,
                ["j"] = step.Value.Relative,
                ["cosine"] = step.Value.Cosine,
                ["mass"] = step.Value.Weight,
                ["expert"] = step.Window.Expert,
                ["first"] = step.Window.First,
                ["last"] = step.Window.Last,
                ["skipped"] = step.Skipped,
            });
            string skipped = distiller.Skipped > 0 ? $", {distiller.Skipped} skipped" : "";
            stage.Report(distiller.Iteration, FormattableString.Invariant($"J {step.Value.Relative:F3}{skipped}"));
            if (settings.EvaluateEvery > 0 && distiller.Iteration % settings.EvaluateEvery == 0)
            {
                metrics.Append(new JsonObject
                {
                    ["ipc"] = ipc,
                    ["iteration"] = distiller.Iteration,
                    ["accuracy"] = evaluator.Evaluate(_ => distiller.Set.AsTrainingSet(), 1).Mean,
                });
            }
            if (distiller.Iteration % settings.SaveEvery == 0)
                SaveState(distiller, ipc, origin, metrics);
        }
    }

    /// <summary>The distiller of a run for a number of images per class.</summary>
    /// <exception cref="DistillException">No window of the settings fits the experts' trajectories.</exception>
    public static Distiller MakeDistiller(
        RunSettings settings, string dataset, Network network, IReadOnlyList<Expert> experts, InfluenceEstimator estimator,
        SyntheticSet start, RandomKey run, int ipc)
    {
        try
        {
            return new Distiller(
                network, experts, estimator, start, PlanFactory.DistillationPlanOf(settings, dataset),
                run.Split("distil").Split((ulong)ipc));
        }
        catch (TrajectoryException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2007", e.Message, e);
        }
    }

    /// <summary>The estimator of a run. One fixed balanced part of D; the class with the fewest images sets its size where
    /// that is below the setting.</summary>
    public static InfluenceEstimator MakeEstimator(
        RunSettings settings, PreparedData data, IReadOnlyList<Expert> experts, RandomKey realBatch)
    {
        int smallest = Enumerable.Range(0, data.Classes).Min(data.Pair.Train.CountOfClass);
        int each = settings.RealBatch == 0 ? smallest : Math.Min(settings.RealBatch, smallest);
        int[] chosen = data.RandomOfEachClass(each, realBatch);
        LabelledImages real = settings.RealBatch == 0 ? data.Train : data.SelectLabelled(chosen);
        return Estimators.Create(
            settings.Estimator,
            new EstimationContext(experts, new SecondOrderProducts(SecondDerivatives.FiniteDifference), real)
            {
                RealClasses = settings.Partition == "whole" ? [] : [.. chosen.Chunk(each).Select(data.SelectLabelled)],
                SyntheticRate = settings.SyntheticRate is 0 ? null : settings.SyntheticRate,
            },
            RunCheck.RealSides(settings, data.Classes));
    }

    private Dictionary<int, int> SavedIterations() => settings.Ipc
        .Where(ipc => File.Exists(folder.Checkpoint(ipc)))
        .ToDictionary(ipc => ipc, ipc => FromState(() => CheckpointFile.IterationOf(folder.Checkpoint(ipc))));

    // What is damaged says so itself; what to do about it only the run knows.
    private static int FromState(Func<int> read)
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

    private void SaveState(Distiller distiller, int ipc, SetOrigin origin, MetricsFile metrics)
    {
        metrics.FlushToDisk();
        CheckpointFile.Write(folder.Checkpoint(ipc), distiller, settings, origin);
    }

    private IpcResult Describe(IpcResult result, Distiller distiller, int ipc)
    {
        (int Iteration, double Objective)[] curve = Curve(ipc, "j");
        double[] end = [.. curve.Skip(curve.Length * 9 / 10).Select(p => p.Objective)];
        return result with
        {
            Iterations = distiller.Iteration,
            Objective = end.Length > 0 ? end.Average() : null,
            SetHash = SyntheticSetFile.Hash(distiller.Set),
        };
    }

    private (int Iteration, double Value)[] Curve(int ipc, string what) =>
    [
        .. MetricsFile.Read(folder.Metrics)
            .Where(l => l["ipc"]!.GetValue<int>() == ipc && l.ContainsKey(what))
            .Select(l => (l["iteration"]!.GetValue<int>(), l[what]!.GetValue<double>())),
    ];

    private void DrawCurves(int ipc) => CurvePlot.Write(
        folder.Picture(ipc, "curves"), $"{pair.Name}, {ipc} per class, {settings.Estimator}", Curve(ipc, "j"),
        Curve(ipc, "accuracy"));

    private void DrawPicture(SyntheticSet set, PreparedData data, int ipc, string what) => ImageGrid.Write(
        folder.Picture(ipc, what), data.Pixels(set.Images), data.Image[0], data.Image[1], data.Image[2],
        pair.Train.ClassNames);

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
            Device = backend.Description,
            PeakMemoryBytes = Math.Max(_peakBefore, backend.Memory.Peak),
            Dataset = pair.Name,
            Commit = EnvironmentReport.Commit,
            Complete = complete,
            ProtocolName = Protocols.NameOf(settings),
            Protocol = PlanFactory.Describe(settings, pair.Name),
            WholeSet = PlanFactory.DescribeExperts(settings),
            Results = _results,
        };
        summary.Save(folder.Summary);
        return summary;
    }
}
