using System.Text.Json.Nodes;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The set of a run with one number of pairs: distilled, and evaluated next to choices of real pairs.</summary>
internal sealed class PairSetRun(PairRunParts run, int pairs, RetrievalResult? before)
{
    private readonly RunSettings _settings = run.Inputs.Settings;
    private readonly RunFolder _folder = run.Inputs.Folder;
    private readonly PairData _data = run.Inputs.Data;
    private readonly RunContext _context = run.Inputs.Context;
    private RetrievalResult _result = before ?? new RetrievalResult(pairs, run.Inputs.Settings.MethodLabel, []);

    private string SetName => $"pairs{pairs}";

    private RandomKey Key => PairEvaluator.KeyOfReal(run.Inputs.Key, pairs);

    /// <summary>Does all of it, or the rest of it.</summary>
    public void Execute()
    {
        using var scope = TensorScope.Begin();
        SyntheticSet start = Start(_settings.PairStart ?? PairSettings.Random);
        using Distiller distiller = PairRun.MakeDistiller(_settings, run.Method, start, run.Inputs.Key, pairs);
        SetOrigin origin = SetOrigin.Of(start, run.Experts).Through(_data.Encoder?.Hash);
        if (Restore(_folder.PairCheckpoint(pairs), distiller, _settings, origin) && _settings.BudgetOfSet is not { Unit: BudgetUnit.Seconds })
            distiller.AddSeconds(run.Costs.SecondsAt(pairs, distiller.Iteration));
        try
        {
            _context.Ranks.FromFirst(SharedState.Write(_context.Ranks, distiller, pairs));
            Distil(distiller, origin);
        }
        // Also after an interruption or a NaN: the distiller then is at its last good state.
        catch (Exception e) when (e is not DeviceException)
        {
            KeepWhatThereIs(distiller, origin);
            if (e is NumericalException)
                _result = run.Keep(_result with { Verdict = Verdict.OfFailure(e.Message) });
            throw;
        }
        KeepWhatThereIs(distiller, origin);
        Evaluate(distiller.Set, origin);
    }

    // The scope of the caller holds it.
    private SyntheticSet Start(string by)
    {
        PairSelection selection = Kinds.Find<PairSelection>(by)!;
        return _data.StartOf(_settings, run.Evaluator.Choose(selection, pairs, Key.Split("start")), Key.Split("start"));
    }

    // Whether there is a state to continue from.
    private bool Restore(string file, Distiller distiller, RunSettings settings, SetOrigin origin)
    {
        if (!File.Exists(file))
            return false;
        DistillationRun.FromState(() =>
        {
            CheckpointFile.Restore(file, distiller, settings, origin, _context.Progress.Note);
            return distiller.Iteration;
        });
        return true;
    }

    private void Distil(Distiller distiller, SetOrigin origin)
    {
        using IDisposable timed = run.Stages.Begin("distil", SetName);
        var units = new DistillingUnits(_settings);
        using IProgressStage stage = _context.Progress.Begin($"{pairs} pairs: distilling", units.Total, done: units.DoneOf(distiller));
        Look(distiller);
        using IDisposable shared = _context.Ranks.Share();
        var gathering = new GatheringTime(_context.Ranks);
        int from = distiller.Iteration;
        while (!distiller.IsDone)
        {
            _context.Cancel.ThrowIfCancellationRequested();
            DistillationStep step = distiller.Step();
            run.Metrics.Append(MetricsFile.LineOf(pairs, step));
            stage.Report(
                units.DoneOf(distiller), FormattableString.Invariant($"{_settings.MethodKind.LossName} {step.Loss:F3}"));
            Look(distiller);
            if (distiller.Iteration % _settings.SaveEvery == 0)
                SaveState(distiller, origin);
        }
        if (gathering.Describe($"{pairs} pairs", distiller.Iteration - from) is { } times)
            _context.Progress.Note(times);
    }

    // What follows a number of updates is done once, also where a run was interrupted between the two.
    private void Look(Distiller distiller)
    {
        int done = distiller.Iteration;
        if (_settings.EvaluateEvery > 0 && done % _settings.EvaluateEvery == 0 && !run.Metrics.Has(pairs, done, MetricsFile.Evaluation))
        {
            double recall = run.Evaluator.OnSet(distiller.Set, 1, null)[0].Mean;
            run.Metrics.Append(new JsonObject
            {
                ["ipc"] = pairs, ["iteration"] = done, [MetricsFile.AccuracyKey] = Math.Round(100 * recall, 6),
            });
        }
        bool isProbed = _settings.ProbeInterval > 0 && (done % _settings.ProbeInterval == 0 || distiller.IsDone);
        if (isProbed && !run.Metrics.Has(pairs, done, MetricsFile.Probe) && distiller.Probe() is var loss && double.IsFinite(loss))
        {
            run.Metrics.Append(new JsonObject
            {
                [MetricsFile.KindKey] = MetricsFile.Probe, ["ipc"] = pairs, ["iteration"] = done, [MetricsFile.ProbeKey] = loss,
            });
        }
    }

    private void SaveState(Distiller distiller, SetOrigin origin)
    {
        run.Metrics.FlushToDisk();
        run.Costs.Add(pairs, distiller);
        CheckpointFile.Write(_folder.PairCheckpoint(pairs), distiller, _settings, origin);
    }

    private void KeepWhatThereIs(Distiller distiller, SetOrigin origin)
    {
        SaveState(distiller, origin);
        (int Iteration, double Value)[] losses = MetricsFile.Curve(_folder.Metrics, pairs, MetricsFile.LossKey);
        double[] end = [.. losses.Skip(losses.Length * 9 / 10).Select(p => p.Value)];
        _result = run.Keep(_result with
        {
            Iterations = distiller.Iteration,
            UpdateSeconds = Math.Round(distiller.Cost.Seconds, 3),
            Objective = end.Length > 0 ? end.Average() : null,
            SetHash = SyntheticSetFile.Hash(distiller.Set),
        });
        WriteSet(distiller.Set, origin);
        MetricsTable.Write(_folder.Metrics, _folder.MetricsTable);
        CurvePlot.Write(
            System.IO.Path.Combine(_folder.Images, $"{SetName}-curves.png"), $"{_data.Dataset}, {pairs} pairs, {_settings.MethodLabel}",
            _settings.MethodKind.LossName,
            new Curves(
                losses, MetricsFile.Curve(_folder.Metrics, pairs, MetricsFile.ProbeKey),
                MetricsFile.Curve(_folder.Metrics, pairs, MetricsFile.AccuracyKey)));
    }

    private void WriteSet(SyntheticSet set, SetOrigin origin) => PairArtifact.Write(
        _folder.PairSet(pairs), set, new PairSetRecord(_data, _settings, origin, _result.Row(PairRows.Distilled)));

    private void Evaluate(SyntheticSet set, SetOrigin origin)
    {
        using IDisposable timed = run.Stages.Begin("evaluate", SetName);
        Row(PairRows.Distilled, stage => run.Evaluator.OnSet(set, _settings.Repeats, stage));
        WriteSet(set, origin);
        _result = run.Keep(run.Known.Add(_result));
        foreach (PairSelection kind in PairRows.Selections)
            Row(kind.Name, stage => run.Evaluator.OnSelection(kind, pairs, Key.Split("chosen"), stage));
        if (PairSettings.RankOf(_settings) > 0 && _result.Row(PairRows.WithSimilarity) is null)
        {
            using Distiller alone = LearnSimilarity();
            Row(PairRows.WithSimilarity, stage => run.Evaluator.OnSet(alone.Set, _settings.Repeats, stage));
        }
        if (_result.Row(PairRows.Full) is null)
            _result = run.Keep(_result.With(run.Full()));
        _result = _result with { Rows = PairRows.InOrder(_settings, _result.Rows) };
        _result = run.Keep(_result with { Verdict = VerdictOn(set), Complete = true });
    }

    private Verdict? VerdictOn(SyntheticSet set)
    {
        double[] Curve(string key) => [.. MetricsFile.Curve(_folder.Metrics, pairs, key).Select(p => p.Value)];
        return new PairEvidence
        {
            Result = _result, Settings = _settings, Images = _data.Evaluated.Count, Far = PairEvidence.FarOf(set),
            Loss = LossCourse.OfFixed(Curve(MetricsFile.ProbeKey)) ?? LossCourse.OfUpdates(Curve(MetricsFile.LossKey)),
        }.Decide();
    }

    private void Row(string name, Func<IProgressStage, IReadOnlyList<RetrievalRecall>> measure)
    {
        if (_result.Row(name) is not null)
            return;
        _context.Cancel.ThrowIfCancellationRequested();
        using IProgressStage stage = _context.Progress.Begin($"{pairs} pairs: {name}", (long)_settings.Repeats * _settings.Epochs, pairs);
        _result = run.Keep(_result.With(RetrievalRow.Of(name, measure(stage))));
    }

    // Features stay, and the similarity is learned by the same method: the soft labels of this task.
    private Distiller LearnSimilarity()
    {
        RunSettings settings = PairPlans.SimilarityAlone(_settings);
        SyntheticSet start = Start(PairSettings.Random);
        SetOrigin origin = SetOrigin.Of(start, run.Experts).Through(_data.Encoder?.Hash);
        string file = _folder.SimilarityCheckpoint(pairs);
        var distiller = new Distiller(
            run.Method, start, PairPlans.DistillationPlanOf(settings), run.Inputs.Key.Split("similarity").Split((ulong)pairs));
        try
        {
            Restore(file, distiller, settings, origin);
            using IProgressStage stage = _context.Progress.Begin(
                $"{pairs} pairs: learning the similarity of random pairs", _settings.Iterations, done: distiller.Iteration);
            while (!distiller.IsDone)
            {
                _context.Cancel.ThrowIfCancellationRequested();
                distiller.Step();
                stage.Report(distiller.Iteration);
                if (distiller.IsDone || distiller.Iteration % _settings.SaveEvery == 0 || _context.Cancel.IsCancellationRequested)
                    CheckpointFile.Write(file, distiller, settings, origin);
            }
            return distiller;
        }
        catch
        {
            distiller.Dispose();
            throw;
        }
    }
}
