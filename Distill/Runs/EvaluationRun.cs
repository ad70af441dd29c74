using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Evaluates a set, or random real images alone, by one architecture or several. Each network's accuracy is on disk as
/// soon as it is known; the same call on the same folder trains only the missing networks, with the same bits.
/// </summary>
internal sealed class EvaluationRun(
    RunFolder folder, OpenedEvaluation evaluation, Backend backend, IProgressView progress, CancellationToken cancel)
{
    private readonly RunSettings _settings = evaluation.Settings;
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly List<IpcResult> _results = [];
    private ConfusionFile? _confusion;
    private EvaluatedFolder? _shared;
    private double _secondsBefore;
    private long _peakBefore;

    /// <summary>How many networks there are to evaluate.</summary>
    public int Networks { get; } = evaluation.Networks.Length * evaluation.Settings.Repeats
        * evaluation.Settings.Ipc.Sum(ipc => evaluation.Trained(ipc).Count);

    /// <summary>How many of them are evaluated, and on disk.</summary>
    public int Evaluated { get; private set; }

    /// <summary>Does the whole evaluation, or the rest of it.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what is known is on disk.</exception>
    /// <exception cref="NumericalException">A loss stops being finite; what is known is on disk.</exception>
    public Summary Execute()
    {
        if (File.Exists(folder.Summary))
        {
            Summary earlier = Summary.Read(folder.Summary);
            (_secondsBefore, _peakBefore) = (earlier.Seconds, earlier.PeakMemoryBytes);
        }
        RandomKey key = RandomKey.FromSeed(_settings.Seed);
        using var kept = new EvaluatedNetworksFile(folder.Path, evaluation.Identity, _settings.Repeats);
        Evaluated = kept.Count;
        using var stages = StagesFile.Open(folder.Path, backend);
        _confusion = ConfusionFile.Open(folder.Path, evaluation.Data.Pair.Train.ClassNames);
        RealImages real = evaluation.Real();
        if (evaluation.Baselines?.Describe() is { } source)
            progress.Note(source);
        _shared = evaluation.Shared(backend, progress.Note, isMade: false);
        try
        {
            for (int n = 0; n < evaluation.Networks.Length; n++)
            {
                Network network = evaluation.Networks[n];
                string? model = evaluation.ModelOf(n);
                var evaluator = new SetEvaluator(network, _settings, evaluation.Data, key.Split("judge"), cancel);
                foreach (int ipc in _settings.Ipc)
                {
                    using IDisposable stage = stages.Begin("evaluate", $"ipc{ipc}");
                    Evaluate(evaluator, network, model, ipc, real, kept);
                }
            }
            stages.RequireWritten();
        }
        catch
        {
            Save(complete: false);
            throw;
        }
        return Save(complete: true);
    }

    private void Evaluate(SetEvaluator evaluator, Network network, string? model, int ipc, RealImages real, EvaluatedNetworksFile kept)
    {
        // The experts are the whole set's networks of one architecture; another's row has none.
        Accuracy? whole = evaluation.Experts is { } experts
            && PlanFactory.IsSameArchitecture(experts.Settings, _settings, model)
                ? evaluation.ExpertAccuracy
                : null;
        int at = _results.Count;
        _results.Add(new IpcResult(ipc, evaluation.Record.Estimator, new AccuracySet { Whole = whole })
        {
            Network = model is null ? null : network.Name,
        });
        ColumnSources sources = evaluation.Sources(ipc, real);
        _results[at] = _results[at] with
        {
            Accuracy = evaluation.Known(ipc).All().Aggregate(_results[at].Accuracy, (all, known) => all.With(known.Column, known.Accuracy)),
        };
        evaluator.Evaluate([.. evaluation.Trained(ipc).Select(Column)], _settings.Repeats, progress);
        _results[at] = _results[at] with { Verdict = VerdictOf(_results[at].Accuracy) };
        if (whole is not null)
        {
            Count(new ColumnConfusion(
                ipc, ResultColumn.Of<WholeSetColumn>().Name, evaluation.Experts!.Value.Library.Confusion(evaluation.Data)));
        }

        void Count(ColumnConfusion counted)
        {
            _confusion = _confusion!.With(counted with { Network = _results[at].Network });
            _confusion.Save(folder.Path);
        }

        EvaluatedSet Column(ResultColumn column)
        {
            EvaluatedColumn place = OpenedEvaluation.PlaceOf(network, ipc, column);
            return evaluation.SetOf(network, model, column, sources, _shared) with
            {
                WhenEvaluated = accuracy =>
                {
                    _results[at] = _results[at] with { Accuracy = _results[at].Accuracy.WithMeasured(column, accuracy, sources.Case) };
                    Save(complete: false);
                },
                Known = kept.Of(place),
                WhenCounted = counts =>
                {
                    foreach (ResultColumn measured in column.Measured(sources.Case))
                        Count(new ColumnConfusion(ipc, measured.Name, counts));
                },
                WhenTrained = (number, found) =>
                {
                    kept.Add(place, number, found);
                    Evaluated = kept.Count;
                },
            };
        }
    }

    private Verdict? VerdictOf(AccuracySet accuracy) => new RowEvidence
    {
        Accuracy = accuracy, Settings = _settings, Classes = evaluation.Data.Classes,
        TestImages = evaluation.Data.TestLabels.Length, Images = evaluation.Data.Pair.EvaluationImages,
        Pixels = evaluation.Set is null ? default : evaluation.Data.ExtentOf(evaluation.Set.Images),
    }.Decide();

    /// <summary>How many networks of a column an evaluation's folder knows.</summary>
    /// <exception cref="DistillException">What it knows is damaged, or of another evaluation.</exception>
    public static Func<EvaluatedColumn, int> Known(RunFolder folder, OpenedEvaluation evaluation)
    {
        using var kept = new EvaluatedNetworksFile(folder.Path, evaluation.Identity, evaluation.Settings.Repeats);
        return column => kept.Of(column).Count;
    }

    private Summary Save(bool complete)
    {
        var summary = new Summary
        {
            Seconds = Math.Round(_secondsBefore + TimeProvider.System.GetElapsedTime(_start).TotalSeconds, 1),
            Device = backend.Description,
            PeakMemoryBytes = Math.Max(_peakBefore, backend.Memory.Peak),
            Dataset = evaluation.Data.Pair.Name,
            Commit = EnvironmentReport.Commit,
            Complete = complete,
            ProtocolName = Protocols.NameOf(_settings),
            Protocol = Protocols.Describe(
                _settings, evaluation.Data.Pair.Name, string.Join(", ", evaluation.Networks.Select(n => n.Name))),
            Note = evaluation.Note,
            EvaluatedOn = PlanFactory.EvaluatedOn(_settings),
            WholeSet = evaluation.Experts is { } experts ? PlanFactory.DescribeExperts(experts.Settings) : null,
            SoftLabels = evaluation.Labels is { } labels ? labels.Teacher.Describe(labels.By) : null,
            LabelNetworks = evaluation.Labels?.Teacher.Hash,
            Results = [.. _results],
        };
        summary.Save(folder.Summary);
        return summary;
    }
}
