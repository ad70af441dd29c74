using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>The peak memory of a run on image-text pairs, found by running its largest steps on a <see cref="MemoryDryRun"/>: a training of
/// heads on all pairs and on a set, retrieval, and an update of S of each trait.</summary>
internal static class PairDryRun
{
    private const int Steps = 4;

    /// <summary>Bytes of a whole run.</summary>
    /// <param name="settings">The run.</param>
    /// <param name="data">Its data.</param>
    /// <param name="trainsExperts">Whether an expert is still to be trained.</param>
    public static long Of(RunSettings settings, PairData data, bool trainsExperts)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        var backend = new MemoryDryRun(data.Backend);
        PairData placeholder = data.Placeholder(backend);
        PairNetwork network = placeholder.NetworkOf(settings);
        TrainingPlan plan = PlanFactory.ExpertPlan(settings, data.Dataset);
        var key = RandomKey.FromSeed(settings.Seed);
        long experts = 0;
        if (trainsExperts)
        {
            using var own = TensorScope.Begin();
            long before = backend.Memory.InUse;
            int waiting = DryRun.CheckpointsWaiting(settings, plan, data.Train.Count, network.Layout.Count);
            for (int i = 0; i < waiting; i++)
                backend.Empty(new Shape(network.Layout.Count), DType.Float32);
            Train(network, placeholder, placeholder.Train, plan);
            int atOnce = ExpertLibrary.AtOnce(settings.Experts, network, plan, placeholder);
            experts = before + atOnce * (backend.Memory.Peak - before);
        }
        using (TensorScope.Begin())
        {
            placeholder.Train.WithOneLabelEach(key); // a choice by training keeps it meanwhile
            Train(network, placeholder, placeholder.Train, plan);
        }
        Distil(settings, placeholder, Expert.Placeholder(network, placeholder.Train, plan, PlanFactory.Checkpoints(settings), key), key);
        Train(network, placeholder, placeholder.Train, PairPlans.OnAll(settings));
        return DryRun.WithRest(Math.Max(experts, backend.Memory.Peak));
    }

    private static void Distil(RunSettings settings, PairData data, Expert expert, RandomKey key)
    {
        using var scope = TensorScope.Begin();
        PairNetwork network = data.NetworkOf(settings);
        using MethodSession method = PairRun.BeginMethod(settings, data, [.. Enumerable.Repeat(expert, settings.Experts)], key);
        var updates = new List<(int Iteration, RandomKey Key)>();
        int held = 0;
        foreach (int pairs in settings.Pairs!.Value)
        {
            using var own = TensorScope.Begin();
            SyntheticSet start = StartOf(settings, data, pairs);
            using var distiller = new Distiller(method, start, PairPlans.DistillationPlanOf(settings), key);
            updates.AddRange(Enumerable.Range(0, settings.LookedIterations).Select(i => (i, distiller.KeyOf(i))));
            for (int wanted = method.VectorsKept(updates); held < wanted; held++)
                scope.Keep(own.Keep(data.Backend.Empty(new Shape(network.Layout.Count), DType.Float32)));
            DryRun.Update(distiller, method, settings.Iterations);
            PairNetwork onSet = PairPlans.OnSet(settings, network);
            Train(onSet, data, data.Seen(start).AsTrainingPairs(onSet.Options.Loss.UsesSimilarity), PairPlans.OnPairs(settings, pairs));
        }
    }

    /// <summary>Real pairs, the first ones, in the place of S.</summary>
    public static SyntheticSet StartOf(RunSettings settings, PairData data, int pairs) =>
        data.StartOf(settings, [.. Enumerable.Range(0, pairs)], RandomKey.FromSeed(0));

    private static void Train(PairNetwork network, PairData data, LabelledImages set, TrainingPlan plan)
    {
        using var scope = TensorScope.Begin();
        var trainer = new Trainer(network, set, plan with { MostSteps = Math.Min(Steps, plan.Steps(set.Count)) }, RandomKey.FromSeed(0));
        network.Recall(trainer.Run(data.Backend.Empty(new Shape(network.Layout.Count), DType.Float32)), data.Evaluated);
    }
}
