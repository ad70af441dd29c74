using System.Collections.Immutable;
using System.Globalization;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>What the classes of one iteration of a <see cref="ClassStepSession"/> have in common.</summary>
/// <param name="Mean">From augmented images [N, C, H, W] of a class to the mean [1, K] over them of what is compared.</param>
/// <param name="Distance">From the mean of real images and that of synthetic ones to a scalar.</param>
/// <param name="Trained">Gives θ [p] of the trained network of the calibration.</param>
/// <param name="Metrics">What the iteration drew.</param>
public sealed record ClassObjective(
    Func<int, Variable, Variable> Mean, Func<Variable, Variable, Variable> Distance, Func<Variable> Trained,
    ImmutableArray<Metric> Metrics);

/// <summary>
/// The updates of NCFM's code (Wang et al., CVPR 2025), which the released code of influence matching took over. An iteration of
/// theirs draws networks; then each class makes a step along its matching loss J_c, and after that each class one along the
/// cross-entropy CE_c of a trained network on its augmented tiles, the calibration. Each of those steps is an update here, so an
/// iteration of theirs is 2C updates. The step of a class leaves the gradient of the others at 0: momentum and weight decay still
/// move them. The loss is Σ_c J_c + w·Σ_c CE_c with what each class had at its latest step, so that it is a steady number and
/// its gradient that of the step; the first update of a set computes all of them. Or all classes make one step together.
/// </summary>
public abstract class ClassStepSession : MethodSession
{
    /// <summary>Real images that pass through a network together.</summary>
    protected const int RealAtOnce = 256;

    private const string Off = "off", On = "on", SavedLosses = "class_losses";

    private readonly MethodContext _run;
    private readonly ClassMeans _means;
    private readonly double _calibration;
    private readonly bool _inTurn;
    private double[]? _latest; // of each step of an iteration, once there has been one

    /// <summary>A run with the settings of this class.</summary>
    protected ClassStepSession(MethodContext run)
    {
        (_run, _means) = (run, new ClassMeans(run, RealBatch.Of(run.Values), RealAtOnce));
        (_calibration, _inTurn) = (Calibration.Of(run.Values), ClassSteps.Of(run.Values) == On);
    }

    /// <summary>How many real images of a class a step sees.</summary>
    public static WholeSetting RealBatch { get; } = new(
        "RealBatch", "Real images of each class that an update draws; 0 for all.", 1024, 0, 1 << 20);

    /// <summary>Whether the classes make steps of their own.</summary>
    public static ChoiceSetting ClassSteps { get; } = new(
        "ClassSteps",
        "Whether an update is the step of one class, matching and calibration in turn as NCFM's code does, or one step of all together",
        On, On, Off);

    /// <summary>The weight of the calibration.</summary>
    public static RealSetting Calibration { get; } = new(
        "Calibration", "Weight of the cross-entropy of a trained expert on the synthetic images; 0 for no such steps.", 1, zero: true);

    /// <summary>The metrics of every such method; <see cref="ClassObjective.Metrics"/> follow.</summary>
    public static IReadOnlyList<string> Metrics { get; } = ["matching", "calibration"];

    /// <summary>How many updates an iteration of the authors is where the classes make steps of their own.</summary>
    public static int UpdatesOf(PublishedCase at) => 2 * ClassesOf(at.Dataset);

    /// <summary>The settings that NCFM and the released influence matching have in common, but for those of their experts. Their
    /// rate and decay are of pixels from 0 to 1; a step of AdamW does not know the scale, so that of standardised pixels is larger by
    /// 1/deviation and the decay smaller.</summary>
    public static IEnumerable<(string Property, string Text)> PublishedFor(PublishedCase at, int iterations)
    {
        double deviation = DeviationOf(at.Dataset);
        bool isTiny = at.Dataset == "tiny-imagenet";
        static string Text(double v) => v.ToString("G2", CultureInfo.InvariantCulture);
        return
        [
            ("Iterations", (iterations * UpdatesOf(at)).ToString(CultureInfo.InvariantCulture)),
            ("Optimiser", "adamw"), ("LrImg", Text(1e-3 / deviation)), ("WeightDecay", Text(5e-4 * deviation)), ("Clamp", "pixels"),
            ("RateSchedule", "plateau"), ("Factor", "2"), ("ImageStart", "real"), ("Labels", "hard"),
            ("MatchAugment", "color-crop-cutout"), ("RealBatch", isTiny ? "128" : "1024"), ("Width", "128"), ("Depth", isTiny ? "4" : "3"),
            ("Protocol", "B"), ("EvalWidth", "128"),
        ];
    }

    /// <summary>Draws an iteration's networks and opens them in the current scope.</summary>
    /// <param name="s">S, for its device and number type.</param>
    /// <param name="own">What all steps of the iteration draw alike.</param>
    /// <param name="key">What this update draws.</param>
    protected abstract ClassObjective Open(SyntheticSet s, RandomKey own, RandomKey key);

    /// <summary>By what iterations differ in memory, besides the augmentation.</summary>
    protected virtual string TraitOf(RandomKey own) => "";

    /// <summary>The inputs of the run.</summary>
    protected MethodContext Run => _run;

    /// <summary>The method in an error message.</summary>
    protected abstract string Place { get; }

    /// <inheritdoc/>
    public override void BeginSet() => _latest = null;

    /// <inheritdoc/>
    public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
    {
        ClassObjective objective = Open(s, OwnOf(iteration), key);
        SyntheticGradient gradient = SyntheticGradient.ZerosLike(s);
        double[] latest = _inTurn ? StepOf(s, objective, iteration, key, gradient) : TogetherOf(s, objective, key, gradient);
        double loss = Sum(latest);
        return new MethodStep(loss, double.IsFinite(loss) ? gradient : null, MetricsOf(latest, objective))
        {
            Place = Place, Commit = _inTurn ? _ => _latest = latest : null,
        };
    }

    /// <inheritdoc/>
    public override double Probe(SyntheticSet s, RandomKey key)
    {
        double sum = 0;
        for (int i = 0; i < PlacesOfProbe; i++)
        {
            using var scope = TensorScope.Begin();
            RandomKey place = key.Split((ulong)i);
            ClassObjective objective = Open(s, place, place);
            sum += Sum([.. Enumerable.Range(0, Steps).Select(step => LossOf(s, objective, step, place, gradient: false).Value)]);
        }
        return sum / PlacesOfProbe;
    }

    /// <inheritdoc/>
    public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key)
    {
        string own = TraitOf(OwnOf(iteration));
        IEnumerable<int> steps = _inTurn ? [iteration % Steps] : Enumerable.Range(0, Steps);
        return steps
            .Select(step => $"{(step < _means.Classes ? $"matching {own}" : "calibration")} {_means.FormOf(step % _means.Classes, key)}")
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<NamedArray> Save() =>
        _latest is null ? [] : [NamedArray.From(SavedLosses, [_latest.Length], _latest)];

    /// <inheritdoc/>
    public override void Restore(ArraySet state)
    {
        double[]? latest = state.TryGet(SavedLosses, out NamedArray? saved) ? saved.AsFloat64().ToArray() : null;
        if (latest is not null && latest.Length != Steps)
            throw new ShapeException($"The saved array '{SavedLosses}' has {latest.Length} numbers, this run has {Steps} steps in turn.");
        _latest = latest;
    }

    // The steps of an iteration: matching of each class, then calibration of each.
    private int Steps => _calibration > 0 ? 2 * _means.Classes : _means.Classes;

    private RandomKey OwnOf(int iteration) =>
        _run.Key.Split("iteration of class steps").Split((ulong)(_inTurn ? iteration / Steps : iteration));

    private double[] StepOf(
        SyntheticSet s, ClassObjective objective, int iteration, RandomKey key, SyntheticGradient gradient)
    {
        double[] latest = _latest is null
            ? [.. Enumerable.Range(0, Steps).Select(step => LossOf(s, objective, step, key, gradient: false).Value)]
            : [.. _latest];
        int mine = iteration % Steps;
        using var scope = TensorScope.Begin();
        ClassLoss loss = LossOf(s, objective, mine, key, gradient: true);
        Weighted(loss, mine).WriteTo(gradient);
        latest[mine] = loss.Value;
        return latest;
    }

    private double[] TogetherOf(SyntheticSet s, ClassObjective objective, RandomKey key, SyntheticGradient gradient)
    {
        var losses = new double[Steps];
        for (int c = 0; c < _means.Classes; c++)
        {
            using var scope = TensorScope.Begin();
            ClassLoss all = LossOf(s, objective, c, key, gradient: true);
            losses[c] = all.Value;
            if (_calibration > 0)
            {
                ClassLoss calibration = LossOf(s, objective, _means.Classes + c, key, gradient: true);
                losses[_means.Classes + c] = calibration.Value;
                all = all.Plus(_calibration, calibration);
            }
            all.WriteTo(gradient);
        }
        return losses;
    }

    private ClassLoss Weighted(ClassLoss loss, int step) => step < _means.Classes || _calibration == 1
        ? loss
        : loss with { Gradient = loss.Gradient!.Times(_calibration) };

    // J_c or CE_c, by the number of the step.
    private ClassLoss LossOf(SyntheticSet s, ClassObjective objective, int step, RandomKey key, bool gradient)
    {
        int label = step % _means.Classes;
        if (step < _means.Classes)
            return Kept(() => _means.Match(s, label, key, images => objective.Mean(label, images), objective.Distance, gradient));
        return Kept(() =>
        {
            Variable trained = objective.Trained();
            return _means.OfSynthetic(s, label, key.Split("calibration"), images => CrossEntropy(trained, images, label), gradient);
        });
    }

    private static ClassLoss Kept(Func<ClassLoss> compute)
    {
        using var scope = TensorScope.Begin();
        ClassLoss loss = compute();
        if (loss.Gradient is { } own)
            scope.Keep(own);
        return loss;
    }

    private Variable CrossEntropy(Variable theta, Variable images, int label)
    {
        Variable labels = Variable.Constant(LabelledImages.OneHot(
            images.Value.Backend, images.Value.DType, [.. Enumerable.Repeat(label, images.Shape[0])], _means.Classes));
        return _run.Network.Forward(theta, images).CrossEntropy(labels);
    }

    private double Sum(double[] losses) =>
        losses.Take(_means.Classes).Sum() + _calibration * losses.Skip(_means.Classes).Sum();

    private ImmutableArray<Metric> MetricsOf(double[] losses, ClassObjective objective) =>
    [
        new(Metrics[0], losses.Take(_means.Classes).Average()),
        new(Metrics[1], losses.Skip(_means.Classes).DefaultIfEmpty().Average()),
        .. objective.Metrics,
    ];

    private static int ClassesOf(string dataset) => dataset switch
    {
        "cifar-100" => 100,
        "tiny-imagenet" => 200,
        _ => 10,
    };

    private static double DeviationOf(string dataset) => dataset switch
    {
        "mnist" => 0.31,
        "cifar-100" => 0.27,
        _ when dataset.StartsWith("fashion", StringComparison.Ordinal) => 0.35,
        "tiny-imagenet" or "image-folder" => 0.23,
        _ => 0.2,
    };
}
