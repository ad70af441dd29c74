using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// The peak memory of a command, found by running its largest steps on a <see cref="MemoryDryRun"/>: training steps of
/// every batch size, evaluations on the test images, an update of S with all that is kept between updates, and the
/// networks that evaluate at once. The run's own code makes the tensors, so nothing about networks and estimators is
/// written down here.
/// </summary>
internal sealed class DryRun
{
    // Enough steps that each form of augmentation is drawn for each size of batch.
    private const int Steps = 48;

    // Not disposed of and not collected yet: a few losses for each trained network.
    private const long Uncollected = 8 << 10;

    /// <summary>A peak with what a dry run does not see.</summary>
    public static long WithRest(long peak) => peak + peak / 32 + Uncollected;

    private readonly RunSettings _settings;
    private readonly Backend _real;
    private readonly PreparedData _data;
    private readonly MemoryDryRun _backend;
    private readonly RandomKey _key;
    private long _most;

    private DryRun(RunSettings settings, DatasetPair pair, Backend backend)
    {
        _settings = settings;
        _real = backend;
        _backend = new MemoryDryRun(backend);
        _data = PreparedData.Placeholder(pair, _backend);
        _key = RandomKey.FromSeed(settings.Seed);
    }

    /// <summary>Bytes of a whole run.</summary>
    /// <param name="settings">Of the run.</param>
    /// <param name="pair">Its data.</param>
    /// <param name="backend">Where it would run.</param>
    /// <param name="trainsExperts">Whether an expert is still to be trained.</param>
    /// <exception cref="DistillException">No window of the settings fits the experts' trajectories.</exception>
    public static long OfRun(RunSettings settings, DatasetPair pair, Backend backend, bool trainsExperts) => In(settings, pair, backend, dryRun =>
    {
        Network network = dryRun._data.NetworkOf(settings, settings.Width);
        if (trainsExperts)
            dryRun.TrainExperts(network);
        dryRun.Distil(network, dryRun._data.NetworkOf(settings, settings.EvalWidth));
    });

    /// <summary>Bytes of the training of experts.</summary>
    public static long OfExperts(RunSettings settings, DatasetPair pair, Backend backend) => In(settings, pair, backend, dryRun =>
        dryRun.TrainExperts(dryRun._data.NetworkOf(settings, settings.Width)));

    /// <summary>Bytes of evaluating sets of a given number of images by each of some networks.</summary>
    /// <param name="settings">The protocol and its values.</param>
    /// <param name="pair">The data.</param>
    /// <param name="backend">Where it would run.</param>
    /// <param name="networks">Which networks are trained, one after the other.</param>
    /// <param name="sets">The stored images of each set, with its factor.</param>
    /// <param name="columns">How many sets are evaluated beside each other.</param>
    public static long OfEvaluation(
        RunSettings settings, DatasetPair pair, Backend backend, IReadOnlyList<Network> networks,
        IReadOnlyList<(int Stored, int Factor)> sets, int columns) =>
        In(settings, pair, backend, dryRun =>
        {
            foreach ((Network network, (int stored, int factor)) in networks.SelectMany(n => sets.Select(s => (n, s))))
            {
                using var scope = TensorScope.Begin();
                dryRun.Evaluate(network, dryRun.SetOf(stored, factor), columns);
            }
        });

    // A captured step of another backend must not be under way, and nothing of the dry run belongs to the caller's scope.
    private static long In(RunSettings settings, DatasetPair pair, Backend backend, Action<DryRun> compute)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        var dryRun = new DryRun(settings, pair, backend);
        compute(dryRun);
        // Its matrix lies beside the rest while images are whitened or shown.
        long whitening = settings.Zca is null ? 0 : (long)pair.Train.ImageSize * pair.Train.ImageSize * sizeof(float);
        long most = Math.Max(dryRun._most, dryRun._backend.Memory.Peak);
        return WithRest(most) + whitening;
    }

    private Tensor Empty(params ReadOnlySpan<int> sizes) => _backend.Empty(new Shape(sizes), DType.Float32);

    private SyntheticSet SetOf(int images, int factor) => new(
        Empty([images, .. _data.Image.Sizes]),
        _settings.LabelsOf is null || factor == 1 ? Empty(images, _data.Classes) : Empty(images, factor * factor, _data.Classes), 1)
    {
        Factor = factor,
    };

    // As many images as make a batch of each size that occurs.
    private static LabelledImages Few(LabelledImages set, int batch)
    {
        int count = set.Count <= batch ? set.Count : batch + set.Count % batch;
        return new LabelledImages(
            set.Images.View(0, new Shape([count, .. set.Images.Shape.Sizes[1..]])),
            set.Labels.View(0, new Shape(count, set.Labels.Shape[1])));
    }

    private void Train(Network network, LabelledImages set, TrainingPlan plan, Action<TrainingStep>? observe = null)
    {
        var trainer = new Trainer(
            network, Few(set, plan.BatchSize),
            plan with { Epochs = Steps, MostSteps = Math.Min(Steps, plan.Steps(set.Count)) }, _key.Split("rehearsal"));
        Tensor theta = trainer.Run(Empty(network.Layout.Count), observe);
        EvaluateOnTest(network, theta);
        theta.Dispose();
    }

    private void EvaluateOnTest(Network network, Tensor theta)
    {
        int count = Math.Min(_data.TestImages.Shape[0], Evaluation.ImagesAtOnce(network));
        network.Accuracy(theta, _data.TestImages.View(0, new Shape([count, .. _data.Image.Sizes])), new int[count]);
    }

    // As many in parallel as there will be.
    private void TrainExperts(Network network)
    {
        TrainingPlan plan = PlanFactory.ExpertPlan(_settings, _data.Pair.Name);
        int atOnce = ExpertLibrary.AtOnce(_settings.Experts, network, plan, _data);
        _most = Math.Max(_most, _backend.Memory.Peak);
        _backend.ForgetPeak();
        long before = _backend.Memory.InUse;
        TrainExpert(network, plan);
        _most = Math.Max(_most, before + atOnce * (_backend.Memory.Peak - before));
    }

    private void TrainExpert(Network network, TrainingPlan plan)
    {
        using var scope = TensorScope.Begin();
        for (int i = 0; i < CheckpointsWaiting(_settings, plan, _data.Train.Count, network.Layout.Count); i++)
            Empty(network.Layout.Count);
        Train(network, _data.Train, plan);
    }

    private const long CheckpointsOnDevice = 64L << 20;

    /// <summary>The most checkpoints of a training that wait on the device for the next time that losses are read.</summary>
    /// <param name="settings">Which are stored.</param>
    /// <param name="plan">The training.</param>
    /// <param name="images">N.</param>
    /// <param name="parameters">p.</param>
    public static int CheckpointsWaiting(RunSettings settings, TrainingPlan plan, int images, int parameters)
    {
        int[] stored = PlanFactory.Checkpoints(settings).Steps(plan.StepsPerEpoch(images), plan.Steps(images));
        long waiting = stored.GroupBy(step => Math.Max(0, step - 1) / Trainer.StepsPerRead).Max(group => group.Count());
        return (int)Math.Min(waiting, CheckpointsOnDevice / (parameters * (long)sizeof(float)) + 1);
    }

    // By then each form has been drawn.
    private const int MostIterations = 1000;

    private void Distil(Network network, Network evaluated)
    {
        using var scope = TensorScope.Begin();
        TrainingPlan plan = PlanFactory.ExpertPlan(_settings, _data.Pair.Name);
        var expert = Expert.Placeholder(network, _data.Train, plan, PlanFactory.Checkpoints(_settings), _key);
        Expert[] experts = [.. Enumerable.Repeat(expert, _settings.Experts)];
        using MethodSession method = DistillationRun.BeginMethod(_settings, _data, network, experts, _key);
        var updates = new List<(int Iteration, RandomKey Key)>();
        int held = 0;
        foreach (int ipc in _settings.Ipc)
        {
            using var own = TensorScope.Begin();
            using Distiller distiller = Start(network, method, ipc);
            updates.AddRange(Enumerable.Range(0, _settings.LookedIterations).Select(i => (i, distiller.KeyOf(i))));
            for (int wanted = method.VectorsKept(updates); held < wanted; held++)
                scope.Keep(own.Keep(Empty(network.Layout.Count)));
            Update(distiller, method, _settings.Iterations);
            Evaluate(evaluated, SetOf(ipc * _data.Classes, _settings.FactorOf(ipc)), ResultColumn.Trained(ColumnCase.OfRun(_settings)).Count);
        }
    }

    /// <summary>An update of each trait, of which some take more than others.</summary>
    /// <param name="distiller">What makes the updates.</param>
    /// <param name="method">Its method.</param>
    /// <param name="iterations">How many updates the run makes.</param>
    public static void Update(Distiller distiller, MethodSession method, int iterations)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < Math.Min(iterations, MostIterations); i++)
        {
            IReadOnlySet<string> traits = distiller.TraitsOf(i);
            if (i > 0 && known.IsSupersetOf(traits))
                continue;
            known.UnionWith(traits);
            method.ForgetCaches(); // so that the update makes itself what it keeps
            distiller.SkipTo(i);
            distiller.Step();
        }
    }

    private Distiller Start(Network network, MethodSession method, int ipc)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        SetStart how = PlanFactory.StartOf(_settings);
        int factor = _settings.FactorOf(ipc), wanted = ipc * factor * factor;
        Network labels = _settings.LabelFrom is { } folder
            ? LabelTeacher.Outline(folder, _data.Image, _data.Classes).Network
            : network;
        if (how.Images == ImageStart.Correct)
        {
            using var looking = TensorScope.Begin();
            int largest = Enumerable.Range(0, _data.Classes).Max(_data.Pair.Train.CountOfClass);
            Tensor part = Empty([Math.Min(largest, Math.Max(64, 2 * wanted)), .. _data.Image.Sizes]);
            labels.Logits(Empty(labels.Layout.Count), part);
        }
        Tensor tiles = Empty([wanted * _data.Classes, .. _data.Image.Sizes]);
        SyntheticSet start = SetOf(ipc * _data.Classes, factor) with { Images = factor > 1 ? Tiles.Pack(tiles, factor) : tiles };
        if (how.Labels is LabelStart.Experts or LabelStart.Right)
        {
            using var looking = TensorScope.Begin();
            labels.Logits(Empty(labels.Layout.Count), Variable.Constant(start.Images).EnlargeTiles(factor).Value);
        }
        using IDisposable detached = TensorScope.BeginDetached();
        return DistillationRun.MakeDistiller(_settings, _data, method, start, _key, ipc);
    }

    // Networks on a set, as many in parallel as there will be.
    private void Evaluate(Network network, SyntheticSet s, int columns)
    {
        using var scope = TensorScope.Begin();
        TrainingPlan plan = Protocols.Plan(_settings, _data.Pair.Name);
        LabelledImages set = s.AsTrainingSet();
        int atOnce = Math.Min(
            columns * _settings.Repeats, SetEvaluator.DegreeOfParallelism(network, Math.Min(set.Count, plan.BatchSize), _real));
        for (int i = 1; i < atOnce; i++)
            s.AsTrainingSet();
        bool isEvaluatedMeanwhile = (_settings.BestEvery ?? Protocols.BestEvery(_settings)) > 0;
        _most = Math.Max(_most, _backend.Memory.Peak);
        _backend.ForgetPeak();
        long before = _backend.Memory.InUse;
        using (TensorScope.Begin())
        {
            Train(network, set, plan, step =>
            {
                if (isEvaluatedMeanwhile && step.Step == 1)
                    EvaluateOnTest(network, step.Theta);
            });
        }
        _most = Math.Max(_most, before + atOnce * (_backend.Memory.Peak - before));
    }
}
