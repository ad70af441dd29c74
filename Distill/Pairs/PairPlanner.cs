using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What a run on image-text pairs, or the rest of it, would take: one expert is trained, and a few updates and steps of
/// heads are made, all in a folder that is removed again.</summary>
/// <param name="settings">The run.</param>
/// <param name="data">Its data.</param>
/// <param name="cancel">Stops it.</param>
internal sealed class PairPlanner(RunSettings settings, PairData data, CancellationToken cancel)
{
    private const int Updates = 3, Steps = 20;

    /// <summary>The plan.</summary>
    /// <param name="folder">The run to go on with; null for a new one.</param>
    public RunPlan Plan(RunFolder? folder)
    {
        string experts = settings.ExpertsFrom ?? folder?.Experts ?? "";
        int missing = ExpertLibrary.Missing(settings, experts).Length;
        PairNetwork network = data.NetworkOf(settings);
        TrainingPlan plan = PlanFactory.ExpertPlan(settings, data.Dataset);
        string temporary = Directory.CreateTempSubdirectory("infmatch-").FullName;
        try
        {
            RunSettings one = settings with { Experts = 1, Budget = null, Iterations = Updates };
            double ofExpert = Seconds(() => new ExpertJob(one, network, data, temporary, 0).Make(cancel));
            using Expert expert = new ExpertJob(one, network, data, temporary, 0).Open();
            using MethodSession method = PairRun.BeginMethod(one, data, [expert], RandomKey.FromSeed(settings.Seed));
            var stages = new List<TimedStage>();
            if (missing > 0)
            {
                stages.Add(new TimedStage(
                    new PlannedStage(PlannedStage.Experts, null, $"{missing} × {plan.Steps(data.Train.Count)} steps of {plan.BatchSize} pairs")
                    {
                        Things = missing,
                    },
                    missing * ofExpert, true));
            }
            foreach (int pairs in settings.Pairs!.Value)
                Add(stages, folder, one, method, pairs);
            long disk = missing * Expert.BytesOnDisk(network, data.Train.Count, DType.Float32, plan, PlanFactory.Checkpoints(settings));
            return new RunPlan(stages, new Requirements(disk, data.Backend.Memory.Peak));
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    private void Add(List<TimedStage> stages, RunFolder? folder, RunSettings one, MethodSession method, int pairs)
    {
        using var scope = TensorScope.Begin();
        SyntheticSet set = SyntheticPairs.Of(data.Train, [.. Enumerable.Range(0, pairs)], RandomKey.FromSeed(0));
        if (PairSettings.RankOf(settings) is > 0 and int rank)
            set = set.WithSimilarity(rank, RandomKey.FromSeed(0));
        RetrievalResult? known = folder is not null && File.Exists(folder.Retrieval)
            ? RetrievalSummary.Read(folder.Retrieval).Results.FirstOrDefault(r => r.Pairs == pairs)
            : null;
        int done = folder is not null && File.Exists(folder.PairCheckpoint(pairs)) ? CheckpointFile.IterationOf(folder.PairCheckpoint(pairs)) : 0;
        using (var distiller = new Distiller(method, set, PairPlans.DistillationPlanOf(one), RandomKey.FromSeed(0)))
        {
            distiller.Step(); // the first also prepares
            double ofUpdate = Seconds(() =>
            {
                while (!distiller.IsDone)
                    distiller.Step();
            }) / (Updates - 1);
            bool isBySeconds = settings.BudgetOfSet is { Unit: BudgetUnit.Seconds };
            if (settings.Iterations > done && known is not { Complete: true })
            {
                stages.Add(new TimedStage(
                    new PlannedStage(PlannedStage.Distil, pairs, isBySeconds ? $"until {settings.Budget} are spent" : $"{settings.Iterations - done} updates")
                    {
                        IsOfPairs = true,
                    },
                    isBySeconds ? settings.BudgetOfSet!.Amount : (settings.Iterations - done) * ofUpdate, true));
            }
        }
        string[] rows = [.. PairRows.Of(settings).Where(name => known?.Row(name) is null)];
        if (rows.Length == 0)
            return;
        var evaluator = new PairEvaluator(settings with { Epochs = Steps }, data, RandomKey.FromSeed(0), cancel);
        double ofNetwork = Seconds(() => evaluator.OnSet(set with { Numbers = set.Numbers.SetItem(SyntheticSet.RateNumber, 1e-3) }, 1, null)) *
            settings.Epochs / Steps;
        bool hasFull = rows.Contains(PairRows.Full, StringComparer.Ordinal) && pairs == settings.Pairs!.Value[0];
        int steps = hasFull ? PairPlans.OnAll(settings).Steps(data.Train.Count) : 0, small = rows.Count(row => row != PairRows.Full);
        double ofFull = ofNetwork / settings.Epochs * steps; // a step of a batch takes about as long as one of a set
        stages.Add(new TimedStage(
            new PlannedStage(PlannedStage.Evaluate, pairs, $"{rows.Length} rows of {settings.Repeats} networks") { Things = rows.Length * settings.Repeats, IsOfPairs = true },
            settings.Repeats * (small * ofNetwork + ofFull), false));
    }

    private static double Seconds(Action work)
    {
        long start = TimeProvider.System.GetTimestamp();
        work();
        return TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }
}
