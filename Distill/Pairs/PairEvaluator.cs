using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Evaluates sets of image-text pairs: trains heads on a set from different initialisations and measures how they retrieve
/// on a part that they were not trained on. The k-th heads start alike for every set.</summary>
/// <param name="settings">How they are trained.</param>
/// <param name="data">What they retrieve among.</param>
/// <param name="key">Initialisations and orders follow from it.</param>
/// <param name="cancel">Stops between two steps.</param>
internal sealed class PairEvaluator(RunSettings settings, PairData data, RandomKey key, CancellationToken cancel)
{
    /// <summary>Recall of heads that were trained on sets by a plan.</summary>
    /// <param name="network">The heads, with the loss of the training.</param>
    /// <param name="plan">How they are trained.</param>
    /// <param name="setOf">What the heads of a number are trained on; it is made within the scope of their training.</param>
    /// <param name="repeats">How many.</param>
    /// <param name="stage">Shows how far it is; its total is steps of all.</param>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public IReadOnlyList<RetrievalRecall> Evaluate(
        PairNetwork network, TrainingPlan plan, Func<int, LabelledImages> setOf, int repeats, IProgressStage? stage)
    {
        var found = new List<RetrievalRecall>();
        long done = 0;
        for (int k = 0; k < repeats; k++)
        {
            using var scope = TensorScope.Begin();
            RandomKey own = key.Split("heads").Split((ulong)k);
            var trainer = new Trainer(network, setOf(k), plan, own.Split("train"));
            Tensor start = network.Initialise(data.Backend, DType.Float32, own.Split("init"));
            Tensor theta = trainer.Run(start, _ => stage?.Report(++done, $"{k + 1}/{repeats}"), cancel: cancel);
            found.Add(network.Recall(theta, data.Evaluated));
        }
        return found;
    }

    /// <summary>Recall of heads that were trained on a synthetic set by its own loss.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public IReadOnlyList<RetrievalRecall> OnSet(SyntheticSet set, int repeats, IProgressStage? stage)
    {
        using var scope = TensorScope.Begin();
        SyntheticSet seen = data.Seen(set);
        PairNetwork network = PairPlans.OnSet(settings, data.NetworkOf(settings));
        TrainingPlan plan = PairPlans.OnPairs(settings, set.Count, LearnedRate.Of(settings, set.Numbers, "the set"));
        return Evaluate(
            network, plan, _ => seen.AsTrainingPairs(network.Options.Loss.UsesSimilarity), repeats, stage);
    }

    /// <summary>Recall of heads that were trained on so many real pairs of a choice, infonce their loss; where the choice is drawn, each
    /// heads have their own.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public IReadOnlyList<RetrievalRecall> OnSelection(PairSelection kind, int pairs, RandomKey chosen, IProgressStage? stage)
    {
        int[]? once = kind.IsDrawn ? null : Choose(kind, pairs, chosen);
        return Evaluate(
            data.NetworkOf(settings), PairPlans.OnPairs(settings, pairs),
            k => SyntheticPairs.Of(
                    data.Train, once ?? Choose(kind, pairs, chosen.Split((ulong)k)), key.Split("texts").Split((ulong)k))
                .AsTrainingPairs(withSimilarity: false),
            settings.Repeats, stage);
    }

    /// <summary>So many real pairs of a choice.</summary>
    public int[] Choose(PairSelection kind, int pairs, RandomKey chosen) => kind.Choose(
        new SelectionContext(data.Train, data.NetworkOf(settings), PlanFactory.ExpertPlan(settings, data.Dataset), chosen), pairs);

    /// <summary>Recall of heads that were trained on all pairs.</summary>
    /// <exception cref="NumericalException">A loss stops being finite.</exception>
    public RetrievalRow OnAll(IProgressView progress)
    {
        TrainingPlan plan = PairPlans.OnAll(settings);
        using IProgressStage stage = progress.Begin(
            PairRows.Full, (long)settings.Repeats * plan.Steps(data.Train.Count), plan.BatchSize);
        return RetrievalRow.Of(
            PairRows.Full, Evaluate(data.NetworkOf(settings), plan, _ => data.Train, settings.Repeats, stage));
    }

    /// <summary>What real pairs of a number are chosen by in a run of a seed.</summary>
    public static RandomKey KeyOfReal(RandomKey run, int pairs) => run.Split("real").Split((ulong)pairs);
}
