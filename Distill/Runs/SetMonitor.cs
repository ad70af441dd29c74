using System.Text.Json.Nodes;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What is written down and drawn while a set is distilled: its updates, evaluations on the way, the loss in fixed places,
/// and pictures. What it does after so many updates follows from their number alone, so a resumed run leaves the same lines.</summary>
internal sealed class SetMonitor(RunParts run, int ipc)
{
    private const int PicturesBetween = 8;

    // By a budget: nobody knows how many updates it pays for.
    private const int ProbesOfBudget = 50, FewestBetweenProbes = 100;

    /// <summary>As often the loss in fixed places is measured at most in a run with a budget that does not say otherwise.</summary>
    public const int MostProbesOfBudget = ProbesOfBudget + 2;

    // A picture takes its time from the updates: at most about a fiftieth of it.
    private const int ShareOfRefreshing = 50;
    private static readonly TimeSpan s_leastRefresh = TimeSpan.FromSeconds(2);

    private readonly RunSettings _settings = run.Inputs.Settings;
    private readonly SetPictures _pictures = new(run.Data, run.Inputs, ipc);
    private readonly SetEvaluator _evaluator = run.OnTheWay;
    private int _lastProbe =
        MetricsFile.Curve(run.Inputs.Folder.Metrics, ipc, MetricsFile.ProbeKey).Select(p => p.Iteration).LastOrDefault();

    private readonly List<double> _probes = [.. MetricsFile.Curve(run.Inputs.Folder.Metrics, ipc, MetricsFile.ProbeKey).Select(p => p.Value)];
    private long _refreshed = TimeProvider.System.GetTimestamp();
    private TimeSpan _untilRefresh = s_leastRefresh;

    /// <summary>The pictures of the set.</summary>
    public SetPictures Pictures => _pictures;

    /// <summary>What a line of progress says of an update: the loss in fixed places from first to last, which falls when things go
    /// well, or the update's own where there is none.</summary>
    public string Describe(DistillationStep step, int skipped)
    {
        string name = _settings.MethodKind.LossName;
        string loss = _probes.Count < 2
            ? FormattableString.Invariant($"{name} {step.Loss:F3}")
            : FormattableString.Invariant($"{name} {_probes[0]:F2} to {_probes[^1]:F2}");
        string counted = _settings.Budget is null ? loss : $"update {step.Iteration + 1}, {loss}";
        return skipped > 0 ? $"{counted}, {skipped} skipped" : counted;
    }

    /// <summary>Writes an update down.</summary>
    public void Add(DistillationStep step)
    {
        foreach (Metric metric in step.Metrics)
        {
            if (!_settings.MethodKind.Metrics.Contains(metric.Name, StringComparer.Ordinal))
            {
                throw new InvalidOperationException(
                    $"The method {_settings.MethodName} measured {metric.Name}, which is not among its Metrics. Name it there.");
            }
        }
        run.Metrics.Append(MetricsFile.LineOf(ipc, step));
    }

    /// <summary>Does what is due after the updates that are done, unless it is done already: so a run that was interrupted between
    /// an update and what follows it catches up.</summary>
    public void Look(Distiller distiller)
    {
        int done = distiller.Iteration;
        if (IsEach(_settings.EvaluateEvery, done) && !run.Metrics.Has(ipc, done, MetricsFile.Evaluation))
        {
            run.Costs.Add(ipc, distiller);
            run.Metrics.Append(new JsonObject
            {
                ["ipc"] = ipc,
                ["iteration"] = done,
                [MetricsFile.AccuracyKey] = _evaluator.Evaluate(
                    new EvaluatedSet("", _ => distiller.Set.AsTrainingSet())
                    {
                        Rate = LearnedRate.Of(_settings, distiller.Set.Numbers, "the set"),
                    },
                    repeats: 1, stage: null).Mean,
            });
        }
        if (IsProbed(distiller) && !run.Metrics.Has(ipc, done, MetricsFile.Probe))
            Probe(distiller);
        bool isBetween = done > 0 && !distiller.IsDone && Passes(distiller, PicturesBetween);
        if (isBetween)
        {
            _pictures.DrawStep(distiller.Set, done);
            MetricsTable.Write(run.Inputs.Folder.Metrics, run.Inputs.Folder.MetricsTable);
        }
        if (isBetween || TimeProvider.System.GetElapsedTime(_refreshed) > _untilRefresh)
            Refresh(distiller);
    }

    /// <summary>How the loss went, best in fixed places; null where there was none.</summary>
    public LossCourse? Course(IReadOnlyList<double> updates) => LossCourse.OfFixed(_probes) ?? LossCourse.OfUpdates(updates);

    private bool IsProbed(Distiller distiller)
    {
        int done = distiller.Iteration;
        if (_settings.ProbeEvery is null && _settings.Budget is not null)
            return done == 0 || distiller.IsDone || (done - _lastProbe >= FewestBetweenProbes && Passes(distiller, ProbesOfBudget));
        return _settings.ProbeInterval > 0 && (IsEach(_settings.ProbeInterval, done) || distiller.IsDone);
    }

    // Whether one of so many equal parts of all updates, or of the budget, ended with the last update.
    private bool Passes(Distiller distiller, int parts) => _settings.Budget is null
        ? distiller.Iteration * (long)parts / _settings.Iterations != (distiller.Iteration - 1L) * parts / _settings.Iterations
        : Math.Floor(distiller.Done * parts) != Math.Floor(distiller.DoneBefore * parts);

    private static bool IsEach(int every, int done) => every > 0 && done % every == 0;

    private void Probe(Distiller distiller)
    {
        double loss = distiller.Probe();
        if (!double.IsFinite(loss))
            return; // the next update ends the run and says where, or is skipped
        _probes.Add(loss);
        _lastProbe = distiller.Iteration;
        run.Metrics.Append(new JsonObject
        {
            [MetricsFile.KindKey] = MetricsFile.Probe, ["ipc"] = ipc, ["iteration"] = distiller.Iteration, [MetricsFile.ProbeKey] = loss,
        });
    }

    private void Refresh(Distiller distiller)
    {
        long start = TimeProvider.System.GetTimestamp();
        _pictures.DrawNow(distiller.Set, distiller.Iteration);
        _refreshed = TimeProvider.System.GetTimestamp();
        TimeSpan took = TimeProvider.System.GetElapsedTime(start, _refreshed);
        _untilRefresh = took * ShareOfRefreshing > s_leastRefresh ? took * ShareOfRefreshing : s_leastRefresh;
    }
}
