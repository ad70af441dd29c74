using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Takes a run apart into work of known kinds: the steps follow from the settings, and from what is on disk already. It mirrors
/// <see cref="DistillationRun"/>, <see cref="ExpertLibrary"/> and <see cref="EvaluationRun"/>; tests hold it to them.
/// </summary>
/// <param name="settings">Of the run.</param>
/// <param name="data">Its data.</param>
internal sealed class RunPlanner(RunSettings settings, PreparedData data)
{
    // RealImages looks at so many images of a class at a time, and Fit at so many of the training set.
    private const int LeastLooked = 64, WhiteningSide = 384;

    // SetPictures draws S before and after, and twice at each of the steps between; then before and after beside each other, which
    // is done again when the accuracy is known.
    private const double PicturesOfDistilling = 2 * 7 + 5, PicturesOfEvaluation = 3;

    private readonly Network _network = data.NetworkOf(settings, settings.Width);
    private readonly (Network Network, int Count) _teacher = settings.LabelFrom is { } folder
        ? LabelTeacher.Outline(folder, data.Image, data.Classes)
        : (data.NetworkOf(settings, settings.Width), settings.Experts);
    private readonly TrainingPlan _expertPlan = PlanFactory.ExpertPlan(settings, data.Pair.Name);
    private readonly List<PlannedWork> _work = [];
    private bool _countsWhole;

    private int TestImages => data.TestImages.Shape[0];

    /// <summary>Adds the training of experts that a folder lacks; of all where there is no folder yet.</summary>
    public RunPlanner Experts(string? folder)
    {
        int missing = folder is null ? settings.Experts : ExpertLibrary.Missing(settings, folder).Length;
        if (missing == 0)
            return this;
        int steps = _expertPlan.Steps(data.Train.Count);
        var stage = new PlannedStage(
            PlannedStage.Experts, null,
            $"{missing} × {steps} steps of {Math.Min(_expertPlan.BatchSize, data.Train.Count)} images ({_network.Name}" +
            $"{(_expertPlan.SharpnessAware is null ? "" : ", two gradients each")})")
        {
            Things = missing,
        };
        int atOnce = ExpertLibrary.AtOnce(missing, _network, _expertPlan, data);
        Add(
            stage, $"step {_network.Name} experts", (missing + atOnce - 1) / atOnce * StepsOf(_expertPlan, data.Train.Count),
            (probe, slot) => probe.TrainingStep(_network, () => probe.Train, _expertPlan, atOnce, slot));
        Classify(stage, _network, missing * (double)TestImages);
        Add(
            stage, "hash", ExpertLibrary.MissingBytes(settings, _network, data.Pair, folder ?? ""),
            (probe, slot) => probe.HashedByte(_network.Layout.Count * sizeof(float), slot));
        return this;
    }

    /// <summary>Adds the distilling of a set from an iteration on.</summary>
    /// <param name="ipc">Images per class.</param>
    /// <param name="evaluated">What evaluates the set on the way.</param>
    /// <param name="from">The iteration.</param>
    /// <param name="times">How many such sets there are.</param>
    public RunPlanner Distil(int ipc, Network evaluated, int from, int times = 1)
    {
        int all = UpdatesOf(ipc), left = all - from;
        if (left <= 0 || times == 0)
            return this;
        var stage = new PlannedStage(
            PlannedStage.Distil, ipc,
            $"{(times > 1 ? $"{times} × " : "")}{(IsTimed ? $"{BudgetText.Shown(settings.BudgetOfSet!)} for" : $"{left}")} updates of " +
            $"{ipc * data.Classes} images{Windows} ({_network.Name})")
        {
            Things = times,
        };
        if (settings.StartFrom is null)
            Classify(stage, _teacher.Network, times * ImagesOfStart(ipc) * _teacher.Count);
        if (IsTimed)
            Add(stage, "second", times * settings.BudgetOfSet!.Amount, (_, _) => 1);
        else
            Add(stage, $"update ipc{ipc}", times * (double)left, (probe, slot) => probe.Update(_network, ipc, from, slot));
        Add(stage, $"picture ipc{ipc}", times * PicturesOfDistilling, (probe, slot) => probe.Picture(ipc, slot));
        // As SetMonitor looks: after each so many updates, and at the loss before the first and after the last one, too.
        RunSettings counted = settings with { Iterations = all };
        int probes = settings.BudgetOfSet is not null && settings.ProbeEvery is null ? SetMonitor.MostProbesOfBudget
            : counted.ProbeInterval == 0 ? 0 : DueIn(all, counted.ProbeInterval, from) + (from == 0 ? 1 : 0)
            + (all % counted.ProbeInterval == 0 ? 0 : 1);
        Add(stage, $"fixed loss ipc{ipc}", times * (double)probes, (probe, slot) => probe.FixedLoss(_network, ipc, slot));
        if (settings.EvaluateEvery > 0 && !IsTimed) // how many there will be is not known then
        {
            TrainAndTest(
                stage, evaluated, settings.OnTheWay, OfSet(ipc), times * (DueIn(all, settings.EvaluateEvery, from) + (from == 0 ? 1 : 0)), 1);
        }
        return this;
    }

    private string Windows =>
        WindowMean.CountOf(settings.MethodKind, settings.OfMethod) is > 1 and var windows ? $" on {windows} windows each" : "";

    private static int DueIn(int iterations, int every, int from) => iterations / every - from / every;

    private bool IsTimed => settings.BudgetOfSet is { Unit: BudgetUnit.Seconds };

    // By a budget of images, what it pays for; by seconds that is not known before, and so many updates are taken for it.
    private int UpdatesOf(int ipc)
    {
        if (settings.BudgetOfSet is not { Unit: BudgetUnit.Images } budget)
            return settings.LookedIterations;
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        var dryRun = new MemoryDryRun(data.Backend, captures: false);
        var probe = new StepProbe(
            settings, PreparedData.Placeholder(data.Pair, dryRun), new WorkClock(dryRun), CancellationToken.None);
        return (int)Math.Min(settings.Iterations, Math.Ceiling(probe.UpdatesFor(budget.Amount, _network, ipc)));
    }

    /// <summary>Adds the evaluation of sets by networks that are still to be trained.</summary>
    /// <param name="network">What evaluates.</param>
    /// <param name="ipc">Images per class.</param>
    /// <param name="left">How many networks, and on what.</param>
    /// <param name="experts">How many experts there are for soft labels.</param>
    /// <param name="isOfRun">Whether it ends the distilling of the set, with pictures of it.</param>
    public RunPlanner Evaluate(Network network, int ipc, NetworksLeft left, int experts, bool isOfRun = true)
    {
        if (left.All == 0)
            return this;
        TrainingPlan plan = Protocols.Plan(settings, data.Pair.Name);
        // Real images have no tiles.
        (int Networks, TrainedOn On)[] groups = settings.FactorOf(ipc) == 1
            ? [(left.All, OfSet(ipc))]
            : [.. ((int, TrainedOn)[])[(left.OnSet, OfSet(ipc)), (left.OnReal, OfReal(ipc))]];
        groups = [.. groups.Where(group => group.Networks > 0)];
        var stage = new PlannedStage(
            PlannedStage.Evaluate, ipc,
            $"{groups[0].Networks} networks × {plan.Epochs} epochs of {groups[0].On.Images} images ({network.Name})" +
            string.Concat(groups.Skip(1).Select(group => $", {group.Networks} of {group.On.Images} images")))
        {
            Things = left.All,
        };
        foreach ((int networks, TrainedOn on) in groups)
            EvaluateInRounds(stage, network, on, networks);
        Classify(
            stage, _teacher.Network,
            left.OnSoftLabels * (double)OfReal(ipc).Images * (settings.LabelFrom is null ? experts : _teacher.Count));
        if (left.OnSoftLabels > 0 && !_countsWhole)
            Classify(stage, _network, experts * (double)TestImages); // the confusion of the whole set, once
        _countsWhole |= left.OnSoftLabels > 0;
        if (isOfRun)
            Add(stage, $"picture ipc{ipc}", PicturesOfEvaluation, (probe, slot) => probe.Picture(ipc, slot));
        return this;
    }

    private void EvaluateInRounds(PlannedStage stage, Network network, TrainedOn on, int networks)
    {
        TrainingPlan plan = Protocols.Plan(settings, data.Pair.Name);
        int degree = SetEvaluator.DegreeOfParallelism(network, Math.Min(on.Images, plan.BatchSize), data.Backend);
        int together = 0, alone = 0;
        for (int open = networks; open > 0;)
        {
            int round = SetEvaluator.NextRound(open, degree, data.Backend);
            (together, alone) = round > 1 ? (together + 1, alone) : (together, alone + 1);
            open -= round;
        }
        if (together > 0)
            TrainAndTest(stage, network, settings, on, together, degree);
        TrainAndTest(stage, network, settings, on, alone, 1);
    }

    /// <summary>Adds the whitening of the data.</summary>
    public RunPlanner Whiten(double epsilon)
    {
        double d = data.Image.Count, n = data.Train.Count;
        // Standardised pixels have a variance of 1 each, and neighbours are nearly equal: most of it lies in one direction.
        double products = n * d * d + 3 * MatrixRoots.Steps(epsilon, d / 2) * d * d * d + (n + TestImages) * d * d / 2;
        int side = (int)Math.Min(WhiteningSide, d);
        Add(
            new PlannedStage(PlannedStage.Data, null, FormattableString.Invariant($"ZCA whitening of {n} images, ε {epsilon}")),
            "product", products, (probe, slot) => probe.Product(side, slot), (double)side * side * side);
        return this;
    }

    /// <summary>The plan with its times.</summary>
    public RunPlan Time(Requirements needs, ProbeBudget budget, TimeProvider clock, CancellationToken cancel) => new(
        _work.Count == 0
            ? []
            : PlanTimer.Time(_work, _network, _expertPlan, new ProbeInputs(settings, data, clock, cancel), budget),
        needs);

    private void TrainAndTest(PlannedStage stage, Network network, RunSettings by, TrainedOn on, int times, int atOnce)
    {
        TrainingPlan plan = Protocols.Plan(by, data.Pair.Name);
        Add(
            stage, $"step {network.Name} {on.Name} ×{atOnce}", times * StepsOf(plan, on.Images),
            (probe, slot) => probe.TrainingStep(network, () => on.Of(probe), plan, atOnce, slot));
        int every = by.BestEvery ?? Protocols.BestEvery(by);
        int tests = 1 + (every > 0 ? (plan.Epochs - 1) / every : 0);
        Classify(stage, network, (double)times * tests * TestImages, atOnce);
    }

    private void Classify(PlannedStage stage, Network network, double images, int atOnce = 1) => Add(
        stage, $"test {network.Name} ×{atOnce}", images, (probe, slot) => probe.Classification(network, atOnce, slot),
        Math.Min(TestImages, Evaluation.ImagesAtOnce(network)));

    private void Add(
        PlannedStage stage, string kind, double count, Func<StepProbe, ProbeSlot, double> measure, double together = 1)
    {
        if (count > 0)
            _work.Add(new PlannedWork(stage, kind, count, measure) { Together = together });
    }

    // What networks that evaluate are trained on: its name, how many images it has, and such a set.
    private sealed record TrainedOn(string Name, int Images, Func<StepProbe, LabelledImages> Of);

    private TrainedOn OfSet(int ipc) => new($"ipc{ipc}", ImagesOf(ipc), probe => probe.TrainingSetOf(ipc));

    private TrainedOn OfReal(int ipc) => new($"real{ipc}", ipc * data.Classes, probe => probe.RealSetOf(ipc));

    private int ImagesOf(int ipc) => ipc * data.Classes * settings.FactorOf(ipc) * settings.FactorOf(ipc);

    // Which images the experts are asked about, of which S then starts.
    private double ImagesOfStart(int ipc)
    {
        SetStart start = PlanFactory.StartOf(settings);
        int wanted = ImagesOf(ipc) / data.Classes, batch = Math.Max(LeastLooked, 2 * wanted);
        double looked = start.Images == ImageStart.Correct
            ? Enumerable.Range(0, data.Classes).Sum(c => Math.Min(batch, data.CountOfClass(c)))
            : 0;
        return looked + (start.Labels == LabelStart.Experts ? ImagesOf(ipc) : 0);
    }

    // In steps of full size: the last batch of an epoch takes less.
    private static double StepsOf(TrainingPlan plan, int images) => Math.Min(
        plan.MostSteps ?? double.MaxValue,
        plan.Epochs * (images <= plan.BatchSize ? 1 : (double)images / plan.BatchSize));
}
