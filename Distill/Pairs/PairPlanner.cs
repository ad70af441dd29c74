using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What a run on image-text pairs, or the rest of it, would take, by a few steps of heads and a few updates. Nothing is made: a
/// fresh initialisation stands for what an expert would have recorded.</summary>
/// <param name="settings">The run.</param>
/// <param name="data">Its data.</param>
/// <param name="budget">What measuring may cost.</param>
/// <param name="cancel">Stops it.</param>
internal sealed class PairPlanner(RunSettings settings, PairData data, ProbeBudget budget, CancellationToken cancel)
{
    private const int Updates = 3, Steps = 20;

    // S stays what it is, whatever the rates.
    private const double LeastRate = 1e-9;

    private readonly TrainingPace _training = new(data.Backend, TimeProvider.System, cancel);
    private readonly RandomKey _key = RandomKey.FromSeed(settings.Seed).Split("probe");

    private PairBaselines Baselines { get; } = PairBaselines.Of(settings, data);

    private ProbeSlot Slot => new(budget.Least / (1 + 2 * settings.Pairs!.Value.Length), Steps);

    /// <summary>The plan.</summary>
    /// <param name="folder">The run to continue; null for a new one.</param>
    /// <param name="needs">Disk and memory.</param>
    public RunPlan Plan(RunFolder? folder, Requirements needs)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        string experts = settings.ExpertsFrom ?? folder?.Experts ?? "";
        int missing = ExpertLibrary.Missing(settings, experts).Length;
        PairNetwork network = data.NetworkOf(settings);
        TrainingPlan plan = PlanFactory.ExpertPlan(settings, data.Dataset);
        double ofStep = _training.SecondsOfStep(network, data.Train, plan, _key, Slot);
        var stages = new List<TimedStage>();
        if (missing > 0)
        {
            int steps = plan.Steps(data.Train.Count);
            stages.Add(new TimedStage(
                new PlannedStage(PlannedStage.Experts, null, $"{missing} × {steps} steps of {plan.BatchSize} pairs") { Things = missing },
                missing * steps * ofStep, true));
        }
        float[] standIn;
        using (Tensor theta = network.Initialise(data.Backend, DType.Float32, _key.Split("init")))
            standIn = theta.ToArray<float>();
        var expert = Expert.Placeholder(
            network, data.Train, plan, PlanFactory.Checkpoints(settings), RandomKey.FromSeed(settings.Seed), standIn);
        using MethodSession method = PairRun.BeginMethod(
            settings, data, [.. Enumerable.Repeat(expert, settings.Experts)], RandomKey.FromSeed(settings.Seed));
        foreach (int pairs in settings.Pairs!.Value)
            Add(stages, folder, method, pairs, ofStep);
        return new RunPlan(stages, needs);
    }

    private void Add(List<TimedStage> stages, RunFolder? folder, MethodSession method, int pairs, double ofBatch)
    {
        using var scope = TensorScope.Begin();
        SyntheticSet set = PairDryRun.StartOf(settings, data, pairs);
        RetrievalResult? known = folder is not null && File.Exists(folder.Retrieval)
            ? RetrievalSummary.Read(folder.Retrieval).Results.FirstOrDefault(r => r.Pairs == pairs)
            : null;
        string[] rows = [.. PairRows.Of(settings).Where(name => known?.Row(name) is null && Baselines.Row(pairs, name) is null)];
        int left = known is { Complete: true } ? 0 : settings.Iterations - DoneIn(folder?.PairCheckpoint(pairs));
        bool isAlone = rows.Contains(PairRows.WithSimilarity, StringComparer.Ordinal);
        double ofUpdate = left > 0 || isAlone ? SecondsOfUpdate(method, set) : 0;
        if (left > 0)
            stages.Add(Distilling(pairs, left, "", ofUpdate));
        if (isAlone && settings.Iterations - DoneIn(folder?.SimilarityCheckpoint(pairs)) is > 0 and var alone)
            stages.Add(Distilling(pairs, alone, " of the similarity of random pairs", ofUpdate));
        if (rows.Length == 0)
            return;
        PairNetwork network = PairPlans.OnSet(settings, data.NetworkOf(settings));
        double ofNetwork = settings.Epochs * _training.SecondsOfStep(
            network, data.Seen(set).AsTrainingPairs(network.Options.Loss.UsesSimilarity), PairPlans.OnPairs(settings, pairs), _key, Slot);
        bool hasFull = rows.Contains(PairRows.Full, StringComparer.Ordinal) && pairs == settings.Pairs!.Value[0];
        int steps = hasFull ? PairPlans.OnAll(settings).Steps(data.Train.Count) : 0, small = rows.Count(row => row != PairRows.Full);
        stages.Add(new TimedStage(
            new PlannedStage(PlannedStage.Evaluate, pairs, $"{rows.Length} rows of {settings.Repeats} networks")
            {
                Things = rows.Length * settings.Repeats, IsOfPairs = true,
            },
            settings.Repeats * (small * ofNetwork + steps * ofBatch), false)); // choosing real pairs is not among them
    }

    private static int DoneIn(string? state) => File.Exists(state) ? CheckpointFile.IterationOf(state) : 0;

    private TimedStage Distilling(int pairs, int updates, string of, double ofUpdate)
    {
        bool isBySeconds = settings.BudgetOfSet is { Unit: BudgetUnit.Seconds };
        return new TimedStage(
            new PlannedStage(PlannedStage.Distil, pairs, (isBySeconds ? $"until {settings.Budget} are spent" : $"{updates} updates") + of)
            {
                IsOfPairs = true,
            },
            isBySeconds ? settings.BudgetOfSet!.Amount : updates * ofUpdate, true);
    }

    // The first update also prepares what others find kept.
    private double SecondsOfUpdate(MethodSession method, SyntheticSet set)
    {
        RunSettings still = settings with
        {
            Budget = null, Iterations = Math.Max(Updates, settings.Iterations), LrImageFeatures = settings.LrImageFeatures * LeastRate,
            LrTextFeatures = settings.LrTextFeatures * LeastRate, LrPixels = PairSettings.PixelRateOf(settings) * LeastRate,
            LrSimilarity = PairSettings.SimilarityRateOf(settings) * LeastRate,
        };
        using var distiller = new Distiller(method, set, PairPlans.DistillationPlanOf(still), RandomKey.FromSeed(0));
        var pace = new Pace(TimeProvider.System, new ProbeSlot(Slot.Seconds, Updates));
        while (!pace.IsOver)
        {
            cancel.ThrowIfCancellationRequested();
            distiller.SkipTo(0);
            try
            {
                distiller.Step();
            }
            catch (NumericalException)
            {
                // A stand-in's numbers may run away under rates that suit an expert's; the step has been computed all the same.
            }
            pace.Add();
        }
        return pace.Seconds;
    }
}
