using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The evaluation of a set of pairs beside choices of real pairs, or of these alone. Each row is on disk as soon as it is
/// measured, and the same call on the same folder goes on where an earlier one stopped.</summary>
/// <param name="folder">Where its files are.</param>
/// <param name="settings">By what it is evaluated.</param>
/// <param name="data">What heads retrieve among.</param>
/// <param name="artifact">The set; null for real pairs alone.</param>
/// <param name="context">Where it computes.</param>
internal sealed class PairEvaluation(
    RunFolder folder, RunSettings settings, PairData data, PairArtifact? artifact, RunContext context)
{
    private readonly List<RetrievalResult> _results = [];

    /// <summary>By what a set is evaluated: what is not given is as the set says.</summary>
    public static RunSettings SettingsFor(PairArtifact artifact, ResolvedSettings resolved) => Settings.All.OfType<RunSetting>()
        .Where(s => s.IsOf(resolved.Settings) && resolved.IsGiven(s.Property) && s.Property is not ("Dataset" or "Pairs"))
        .Aggregate(artifact.Settings, (settings, setting) => setting.Copy(settings, resolved.Settings)) with
        {
            Out = resolved.Settings.Out, Data = resolved.Settings.Data, Device = resolved.Settings.Device,
            Threads = resolved.Settings.Threads, MemoryLimit = resolved.Settings.MemoryLimit, Pairs = [artifact.Count],
        };

    /// <summary>Measures every row that is not known yet.</summary>
    /// <exception cref="OperationCanceledException">It was interrupted; what is known is on disk.</exception>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public RetrievalSummary Execute()
    {
        long start = TimeProvider.System.GetTimestamp();
        double before = 0;
        if (File.Exists(folder.Retrieval))
        {
            RetrievalSummary earlier = RetrievalSummary.Read(folder.Retrieval);
            before = earlier.Seconds;
            _results.AddRange(earlier.Results);
        }
        RetrievalSummary Save(bool complete)
        {
            double seconds = before + TimeProvider.System.GetElapsedTime(start).TotalSeconds;
            RetrievalSummary summary = PairRun.SummaryOf(settings, data, seconds, _results) with { Complete = complete };
            summary.Save(folder.Retrieval);
            return summary;
        }
        RandomKey run = RandomKey.FromSeed(settings.Seed);
        var evaluator = new PairEvaluator(settings, data, run.Split("judge"), context.Cancel);
        if (artifact is not null && PairSettings.RankOf(settings) > 0)
            context.Progress.Note($"The row '{PairRows.WithSimilarity}' takes the recorded networks, so only 'distill' measures it.");
        PairBaselines known = PairBaselines.Of(settings, data);
        if (known.Describe() is { } source)
            context.Progress.Note(source);
        RetrievalRow? full = _results.Select(r => r.Row(PairRows.Full)).FirstOrDefault(row => row is not null);
        foreach (int pairs in settings.Pairs!.Value)
        {
            RetrievalResult result = _results.Find(r => r.Pairs == pairs)
                ?? new RetrievalResult(pairs, artifact is null ? "none" : settings.MethodLabel, [])
                {
                    SetHash = artifact?.Metadata[PairArtifact.SetHashKey],
                };
            if (artifact is not null)
                Add(PairRows.Distilled, stage => OnArtifact(evaluator, stage));
            result = known.Add(result);
            foreach (PairSelection kind in PairRows.Selections)
                Add(kind.Name, stage => evaluator.OnSelection(kind, pairs, PairEvaluator.KeyOfReal(run, pairs).Split("chosen"), stage));
            full ??= result.Row(PairRows.Full) ?? evaluator.OnAll(context.Progress);
            result = result.With(full);
            result = result with { Rows = PairRows.InOrder(settings, result.Rows) };
            Keep(result with { Verdict = VerdictOn(result), Complete = true });

            void Add(string name, Func<IProgressStage, IReadOnlyList<RetrievalRecall>> measure)
            {
                if (result.Row(name) is not null)
                    return;
                using IProgressStage stage = context.Progress.Begin($"{pairs} pairs: {name}", (long)settings.Repeats * settings.Epochs, pairs);
                Keep(result = result.With(RetrievalRow.Of(name, measure(stage))));
                Save(complete: false);
            }
        }
        return Save(complete: true);
    }

    private IReadOnlyList<RetrievalRecall> OnArtifact(PairEvaluator evaluator, IProgressStage stage)
    {
        using var scope = TensorScope.Begin();
        return evaluator.OnSet(artifact!.ToSet(data.Backend), settings.Repeats, stage);
    }

    private Verdict? VerdictOn(RetrievalResult result)
    {
        if (artifact is null)
            return null;
        using var scope = TensorScope.Begin();
        return new PairEvidence
        {
            Result = result, Settings = settings, Images = data.Evaluated.Count, Far = PairEvidence.FarOf(artifact.ToSet(data.Backend)),
        }.Decide();
    }

    private void Keep(RetrievalResult result)
    {
        int at = _results.FindIndex(r => r.Pairs == result.Pairs);
        if (at < 0)
            _results.Add(result);
        else
            _results[at] = result;
    }
}
