using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What all sets of a run have in common.</summary>
/// <param name="Inputs">The inputs of the run.</param>
/// <param name="Data">The data on the backend.</param>
/// <param name="Library">The experts.</param>
/// <param name="Method">The begun method.</param>
/// <param name="Metrics">The file of metrics.</param>
/// <param name="Keep">Puts a result into the summary, on disk, and returns it.</param>
internal sealed record RunParts(
    RunInputs Inputs, PreparedData Data, ExpertLibrary Library, MethodSession Method, MetricsFile Metrics,
    Func<IpcResult, IpcResult> Keep)
{
    /// <summary>What sets start from and are compared with.</summary>
    public required RealImages Real { get; init; }

    /// <summary>What evaluates sets.</summary>
    public required SetEvaluator Evaluator { get; init; }

    /// <summary>What evaluates sets while they are distilled.</summary>
    public required SetEvaluator OnTheWay { get; init; }

    /// <summary>Where it is written down what updates have cost.</summary>
    public required CostFile Costs { get; init; }

    /// <summary>Where it is written down how long stages take.</summary>
    public required StagesFile Stages { get; init; }

    /// <summary>What other runs have measured beside a set of so many images per class.</summary>
    public required Func<int, AccuracySet> Known { get; init; }

    /// <summary>Puts what networks of a column took test images for on disk.</summary>
    public required Action<ColumnConfusion> Count { get; init; }

    /// <summary>The same of the experts, beside a set of so many images per class.</summary>
    public required Action<int> CountWhole { get; init; }
}

/// <summary>The set of a run with one number of images per class: distilled, and evaluated next to random real
/// images.</summary>
internal sealed class SetRun(RunParts run, int ipc)
{
    private readonly RunSettings _settings = run.Inputs.Settings;
    private readonly RunFolder _folder = run.Inputs.Folder;
    private readonly SetMonitor _monitor = new(run, ipc);
    private LossCourse? _loss;
    private IpcResult _result = new(ipc, run.Inputs.Settings.MethodLabel, new AccuracySet { Whole = run.Library.Accuracy });

    private string SetName => $"ipc{ipc}";

    /// <summary>Does all of it, or the rest of it.</summary>
    public void Execute()
    {
        SyntheticSet start = Start();
        using Distiller distiller = DistillationRun.MakeDistiller(
            _settings, run.Data, run.Method, start, run.Inputs.Key, ipc);
        SetOrigin origin = SetOrigin.Of(start, run.Library.Experts);
        _monitor.Pictures.DrawBefore(start);
        foreach (Tensor part in start.Tensors)
            part.Dispose();
        if (File.Exists(_folder.Checkpoint(ipc)))
        {
            DistillationRun.FromState(() =>
            {
                CheckpointFile.Restore(_folder.Checkpoint(ipc), distiller, _settings, origin, run.Inputs.Progress.Note);
                return distiller.Iteration;
            });
            if (_settings.BudgetOfSet is not { Unit: BudgetUnit.Seconds }) // whose state tells
                distiller.AddSeconds(run.Costs.SecondsAt(ipc, distiller.Iteration));
        }
        try
        {
            run.Inputs.Ranks.FromFirst(SharedState.Write(run.Inputs.Ranks, distiller, ipc));
            Distil(distiller, origin);
        }
        // Also after an interruption or a NaN: the distiller then is at its last good state. After a failed device the
        // last saved state stays: reading from the device would only hide its error.
        catch (Exception e) when (e is not DeviceException)
        {
            KeepWhatThereIs(distiller, origin);
            if (e is NumericalException)
                run.Keep(_result with { Verdict = Verdict.OfFailure(e.Message) });
            throw;
        }
        KeepWhatThereIs(distiller, origin);
        Evaluate(distiller, origin);
    }

    private SyntheticSet Start() => _settings.StartFrom is { } file
        ? StartFile.Read(file, _settings, run.Data, ipc, run.Inputs.Progress.Note)
        : run.Real.Start(ipc, PlanFactory.StartOf(_settings), _settings.FactorOf(ipc), run.Inputs.Progress.Note);

    private void Distil(Distiller distiller, SetOrigin origin)
    {
        using IDisposable timed = run.Stages.Begin("distil", SetName);
        var units = new DistillingUnits(_settings);
        using IProgressStage stage = run.Inputs.Progress.Begin($"IPC {ipc}: distilling", units.Total, done: units.DoneOf(distiller));
        _monitor.Look(distiller);
        using IDisposable shared = run.Inputs.Ranks.Share();
        var gathering = new GatheringTime(run.Inputs.Ranks);
        int from = distiller.Iteration;
        while (!distiller.IsDone)
        {
            run.Inputs.Cancel.ThrowIfCancellationRequested();
            DistillationStep step = distiller.Step();
            _monitor.Add(step);
            stage.Report(units.DoneOf(distiller), _monitor.Describe(step, distiller.Skipped));
            _monitor.Look(distiller);
            if (distiller.Iteration % _settings.SaveEvery == 0)
                SaveState(distiller, origin);
        }
        if (gathering.Describe($"IPC {ipc}", distiller.Iteration - from) is { } times)
            run.Inputs.Progress.Note(times);
        if (_settings.BudgetOfSet is { } budget)
            run.Inputs.Progress.Note(DescribeSpent(budget, distiller));
    }

    // Equal seconds pay for other numbers of updates on another day.
    private string DescribeSpent(DistillationBudget budget, Distiller distiller)
    {
        int updates = distiller.Iteration;
        string paid = updates == _settings.Iterations && distiller.Cost.In(budget.Unit) < budget.Amount
            ? $"all {updates} updates are done before the budget of {BudgetText.Shown(budget)} is spent"
            : $"the budget of {BudgetText.Shown(budget)} is spent after {updates} updates";
        string again = budget.Unit == BudgetUnit.Images ? ""
            : _settings.RateSchedule == "constant"
                ? $". Seconds do not pay for as many again: --iterations {updates} in place of --budget repeats this set"
                : $". Seconds do not pay for as many again, and the rates followed them: --iterations {updates} in place of --budget comes near this set";
        return $"IPC {ipc}: {paid}; experts are not counted{again}.";
    }

    private void SaveState(Distiller distiller, SetOrigin origin)
    {
        run.Metrics.FlushToDisk();
        run.Costs.Add(ipc, distiller);
        CheckpointFile.Write(_folder.Checkpoint(ipc), distiller, _settings, origin);
    }

    private void KeepWhatThereIs(Distiller distiller, SetOrigin origin)
    {
        using IDisposable timed = run.Stages.Begin("pictures", SetName);
        SaveState(distiller, origin);
        (int Iteration, double Value)[] losses = MetricsFile.Curve(_folder.Metrics, ipc, MetricsFile.LossKey);
        _result = run.Keep(Describe(distiller, losses));
        SyntheticSetFile.Write(_folder.Set(ipc), distiller.Set, new SetRecord(run.Data, _settings, origin, Claimed: null));
        _monitor.Pictures.DrawAfter(distiller.Set, distiller.Iteration, _result.Accuracy);
        _monitor.Pictures.DrawNow(distiller.Set, distiller.Iteration);
        MetricsTable.Write(_folder.Metrics, _folder.MetricsTable);
        CurvePlot.Write(
            _folder.Picture(ipc, "curves"),
            $"{run.Inputs.Pair.Name}, {ipc} per class, {_settings.MethodLabel}", _settings.MethodKind.LossName,
            new Curves(
                losses, MetricsFile.Curve(_folder.Metrics, ipc, MetricsFile.ProbeKey),
                MetricsFile.Curve(_folder.Metrics, ipc, MetricsFile.AccuracyKey)));
    }

    private IpcResult Describe(Distiller distiller, (int Iteration, double Value)[] losses)
    {
        double[] end = [.. losses.Skip(losses.Length * 9 / 10).Select(p => p.Value)];
        _loss = _monitor.Course([.. losses.Select(p => p.Value)]);
        return _result with
        {
            Iterations = distiller.Iteration,
            ImagesProcessed = distiller.Images,
            UpdateSeconds = Math.Round(distiller.Cost.Seconds, 3),
            Objective = end.Length > 0 ? end.Average() : null,
            SetHash = SyntheticSetFile.Hash(distiller.Set),
        };
    }

    private IpcResult WithVerdict(IpcResult result, PixelExtent pixels) => result with
    {
        Verdict = !result.Accuracy.IsComplete ? null : new RowEvidence
        {
            Accuracy = result.Accuracy, Settings = _settings, Classes = run.Data.Classes, TestImages = run.Data.TestLabels.Length,
            Images = run.Data.Pair.EvaluationImages, Pixels = pixels, Loss = _loss,
        }.Decide(),
    };

    private void Evaluate(Distiller distiller, SetOrigin origin)
    {
        using IDisposable timed = run.Stages.Begin("evaluate", SetName);
        AccuracySet known = run.Known(ipc);
        PixelExtent pixels = run.Data.ExtentOf(distiller.Set.Images);
        var sources = new ColumnSources(ipc, run.Real, hasTeacher: true, distiller.Set);
        IReadOnlyList<ResultColumn> trained = ResultColumn.Trained(sources.Case);
        ResultColumn[] shared = [.. trained.Where(column => !column.IsOfSet && known.Of(column) is not null)];
        _result = run.Keep(_result with
        {
            Accuracy = shared.Aggregate(_result.Accuracy, (all, column) => all.With(column, known.Of(column))),
        });
        run.CountWhole(ipc);
        run.Evaluator.Evaluate([.. trained.Except(shared).Select(Column)], _settings.Repeats, run.Inputs.Progress);
        _monitor.Pictures.DrawAfter(distiller.Set, distiller.Iteration, _result.Accuracy);

        EvaluatedSet Column(ResultColumn column) => new(
            $"IPC {ipc}: {column.Title}", network => column.TrainingSet(sources, network),
            accuracy =>
            {
                if (column is DistilledColumn)
                    SyntheticSetFile.Write(_folder.Set(ipc), distiller.Set, new SetRecord(run.Data, _settings, origin, accuracy));
                _result = run.Keep(WithVerdict(
                    _result with { Accuracy = _result.Accuracy.WithMeasured(column, accuracy, sources.Case) }, pixels));
            })
        {
            Images = (long)ipc * run.Data.Classes,
            Rate = column.IsOfSet ? LearnedRate.Of(_settings, distiller.Set.Numbers, SetName) : null,
            WhenCounted = counts =>
            {
                foreach (ResultColumn measured in column.Measured(sources.Case))
                    run.Count(new ColumnConfusion(ipc, measured.Name, counts));
            },
        };
    }
}
