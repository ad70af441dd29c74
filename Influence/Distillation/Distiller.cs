using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Influence;

/// <summary>What one update of S did.</summary>
/// <param name="Iteration">Its number, from 0.</param>
/// <param name="Window">Where J was taken.</param>
/// <param name="Value">J and the cosine; without the gradient, whose memory has gone back to the pool.</param>
/// <param name="Skipped">Whether J passed the threshold, so that S was left as it is.</param>
public sealed record DistillationStep(int Iteration, Window Window, ObjectiveValue Value, bool Skipped);

/// <summary>
/// The distillation as a value: S, the momenta of images and labels, the mass and the iteration are all its state, and
/// every random number follows from the key and the iteration, so that a saved run continues bit for bit.
/// </summary>
public sealed class Distiller : IDisposable
{
    /// <summary>The root mean square of S's images beyond which a step is refused, in deviations of the data: pixels lie within
    /// about ±3, learned ones within tens; a set beyond has diverged, and norms in the network would hide it.</summary>
    public const double MostDeviations = 1e3;

    /// <summary>The same of the label logits: float32 does not tell the classes apart by less than 1e-3 there, and a softmax has
    /// been one-hot since 100.</summary>
    public const double LargestLogits = 1e4;

    private readonly Network _network;
    private readonly IReadOnlyList<Expert> _experts;
    private readonly InfluenceEstimator _estimator;
    private readonly InfluenceObjective _objective;
    private readonly DistillationPlan _plan;
    private readonly RandomKey _key;
    private readonly int[][] _starts;
    private Tensor _imageVelocity, _labelVelocity;

    /// <summary>A distillation that starts at S; it copies what it changes.</summary>
    /// <exception cref="TrajectoryException">No window of the plan fits the experts' trajectories.</exception>
    public Distiller(
        Network network, IReadOnlyList<Expert> experts, InfluenceEstimator estimator, SyntheticSet start,
        DistillationPlan plan, RandomKey key)
    {
        (_network, _experts, _estimator, _plan, _key) = (network, experts, estimator, plan, key);
        _objective = new InfluenceObjective(estimator, plan.WeightRule, plan.Partition);
        _starts = [.. experts.Select((e, i) => Starts(e, i))];
        using var scope = TensorScope.Begin();
        Tensor images = start.Images.Clone(), labels = start.LabelLogits.Clone();
        (_imageVelocity, _labelVelocity) = (start.Images.ZerosLike(), start.LabelLogits.ZerosLike());
        Set = start with { Images = images, LabelLogits = labels };
        foreach (Tensor part in (Tensor[])[images, labels, _imageVelocity, _labelVelocity])
            scope.Keep(part); // only when all are made: memory may end between two of them
    }

    /// <summary>S as it is now; its tensors are replaced by every step.</summary>
    public SyntheticSet Set { get; private set; }

    /// <summary>The number of steps done.</summary>
    public int Iteration { get; private set; }

    /// <summary>The number of steps that were skipped.</summary>
    public int Skipped { get; private set; }

    /// <summary>One evaluation of J on a random window and one update of S.</summary>
    /// <exception cref="NumericalException">J or S stops being finite, or S grows beyond <see cref="MostDeviations"/> or
    /// <see cref="LargestLogits"/>; the state is as before the step.</exception>
    public DistillationStep Step()
    {
        RandomKey key = KeyOf(Iteration);
        Window window = WindowOf(Iteration);
        using IDisposable _ = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        var loss = new SyntheticLoss(_network, _plan.Augmentation, key.Split("augmentation"), _plan.Siamese)
        {
            Factor = Set.Factor,
        };
        ObjectiveValue value = _objective.Evaluate(window, Set, loss);
        if (value.Gradient is not { } gradient)
        {
            throw new NumericalException(
                $"the objective J ({_estimator.Name}, expert {window.Expert}, checkpoints {window.First} to {window.Last})",
                Iteration, value.Relative, $"Lower --lr-img (now {_plan.ImageRate}) or --lr-label (now {_plan.LabelRate}).");
        }
        bool skip = value.Relative > _plan.Threshold;
        if (!skip)
            Update(value, gradient, scope);
        Skipped += skip ? 1 : 0;
        return new DistillationStep(Iteration++, window, value with { Gradient = null }, skip);
    }

    private void Update(ObjectiveValue value, SyntheticGradient gradient, TensorScope scope)
    {
        SyntheticSet old = Set;
        double factor = _plan.Schedule.At(1, Iteration, _plan.Iterations);
        (Tensor images, Tensor imageVelocity) = Sgd(
            old.Images, _imageVelocity, gradient.Images, factor * _plan.ImageRate, _plan.ImageMomentum);
        (Tensor labels, Tensor labelVelocity) = Sgd(
            old.LabelLogits, _labelVelocity, gradient.LabelLogits, factor * _plan.LabelRate, _plan.LabelMomentum);
        double mass = _plan.WeightRule == WeightRule.Learned
            ? old.Weight * Math.Exp(-factor * _plan.WeightRate * value.WeightGradient * old.Weight)
            : value.Weight;
        double[] squares = TensorAlgebra.Dots((images, images), (labels, labels));
        double size = Math.Sqrt(squares[0]) + Math.Sqrt(squares[1]);
        if (!double.IsFinite(size))
        {
            throw new NumericalException(
                "the synthetic set", Iteration, size, $"Lower --lr-img (now {_plan.ImageRate}) or --lr-label (now {_plan.LabelRate}).");
        }
        RequireBound(
            "the root mean square of the synthetic images, in deviations of the data,", squares[0], images, MostDeviations,
            $"Lower --lr-img (now {_plan.ImageRate}).");
        RequireBound(
            "the root mean square of the label logits", squares[1], labels, LargestLogits,
            $"Lower --lr-label (now {_plan.LabelRate}), or raise --temperature if they start so.");
        if (_plan.WeightRule == WeightRule.Learned && !(mass > 0 && double.IsFinite(mass)))
        {
            throw new NumericalException(
                "the mass of the synthetic set", Iteration, mass, $"Lower its rate (now {_plan.WeightRate}).");
        }
        Set = old with { Images = scope.Keep(images), LabelLogits = scope.Keep(labels), Weight = mass };
        foreach (Tensor gone in (Tensor[])[old.Images, old.LabelLogits, _imageVelocity, _labelVelocity])
            gone.Dispose();
        (_imageVelocity, _labelVelocity) = (scope.Keep(imageVelocity), scope.Keep(labelVelocity));
    }

    // Finite numbers that far out mean nothing, although the run would end with a table.
    private void RequireBound(string what, double squares, Tensor of, double bound, string advice)
    {
        double size = Math.Sqrt(squares / Math.Max(1, of.Count));
        if (size > bound)
            throw new NumericalException(what, Iteration, size, $"Beyond {bound} it means nothing. {advice}");
    }

    private static (Tensor Value, Tensor Velocity) Sgd(
        Tensor value, Tensor velocity, Tensor gradient, double rate, double momentum)
    {
        Tensor newValue = value.Backend.Empty(value.Shape, value.DType);
        Tensor newVelocity = value.Backend.Empty(value.Shape, value.DType);
        value.Backend.Run(new SgdStepCall(
            new SgdTensors(value, velocity), gradient, new SgdRates(rate, momentum, 0),
            new SgdTensors(newValue, newVelocity)));
        return (newValue, newVelocity);
    }

    private RandomKey KeyOf(int iteration) => _key.Split("iteration").Split((ulong)iteration);

    /// <summary>The window that an iteration draws, whatever S is then.</summary>
    public Window WindowOf(int iteration)
    {
        RandomKey key = KeyOf(iteration).Split("window");
        int expert = key.Below(_experts.Count, 0);
        double grown = _plan.ExpansionEnd == 0 ? 1 : Math.Min(1, (double)iteration / _plan.ExpansionEnd);
        int upper = _plan.StartCurrent + (int)((_plan.StartMaximum - _plan.StartCurrent) * grown);
        int[] starts = _starts[expert];
        int allowed = Math.Max(1, starts.Count(start => start < upper));
        int first = starts[key.Below(allowed, 1)];
        return new Window(expert, first, first + _plan.WindowLength);
    }

    /// <summary>The forms of augmentation that an iteration draws (<see cref="Augmentation.FormOf"/>): one, or one for each
    /// step of a training on S.</summary>
    public IReadOnlySet<AugmentationOps> FormsOf(int iteration)
    {
        RandomKey key = KeyOf(iteration).Split("augmentation");
        Window window = WindowOf(iteration);
        return _plan.Siamese
            ? new HashSet<AugmentationOps> { _plan.Augmentation.FormOf(key, siamese: true) }
            : Enumerable.Range(window.First, window.Last - window.First)
                .Select(t => _plan.Augmentation.FormOf(key.Split((ulong)t), siamese: false)).ToHashSet();
    }

    /// <summary>Goes on at another iteration, with S as it is: so a dry run looks ahead.</summary>
    public void SkipTo(int iteration) => Iteration = iteration;

    private int[] Starts(Expert expert, int number)
    {
        TrajectoryFile trajectory = expert.Trajectory;
        return WindowStarts.Of(
            _plan, new WindowNeed(_estimator.Name, _estimator.ShortestWindow, _estimator.NeedsDenseWindow),
            [.. Enumerable.Range(0, trajectory.Count).Select(trajectory.StepOf)], $"expert {number} ({trajectory.Path})");
    }

    /// <summary>The whole state, to be saved.</summary>
    public IReadOnlyList<NamedArray> Save() =>
    [
        Array("images", Set.Images), Array("label_logits", Set.LabelLogits),
        Array("image_velocity", _imageVelocity), Array("label_velocity", _labelVelocity),
        NamedArray.From("mass", [1], (double[])[Set.Weight]),
        NamedArray.From("progress", [2], (int[])[Iteration, Skipped]),
    ];

    /// <summary>Continues from a saved state.</summary>
    /// <exception cref="ShapeException">The state is of another set.</exception>
    /// <exception cref="KeyNotFoundException">The state lacks a part.</exception>
    public void Restore(ArraySet state)
    {
        double mass = state["mass"].AsFloat64()[0];
        (int iteration, int skipped) = (state["progress"].AsInt32()[0], state["progress"].AsInt32()[1]);
        using IDisposable _ = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        Tensor images = From(state["images"], Set.Images), labels = From(state["label_logits"], Set.LabelLogits);
        Tensor imageVelocity = From(state["image_velocity"], Set.Images);
        Tensor labelVelocity = From(state["label_velocity"], Set.LabelLogits);
        Dispose(); // nothing is changed before all parts have been read
        Set = Set with { Images = scope.Keep(images), LabelLogits = scope.Keep(labels), Weight = mass };
        (_imageVelocity, _labelVelocity) = (scope.Keep(imageVelocity), scope.Keep(labelVelocity));
        (Iteration, Skipped) = (iteration, skipped);
    }

    /// <summary>Gives the state's memory back.</summary>
    public void Dispose()
    {
        foreach (Tensor tensor in (Tensor[])[Set.Images, Set.LabelLogits, _imageVelocity, _labelVelocity])
            tensor.Dispose();
    }

    private static NamedArray Array(string name, Tensor tensor) => tensor.DType == DType.Float32
        ? NamedArray.From(name, tensor.Shape.Sizes, tensor.ToArray<float>())
        : NamedArray.From(name, tensor.Shape.Sizes, tensor.ToArray<double>());

    private static Tensor From(NamedArray array, Tensor like) => like.DType == DType.Float32
        ? Tensor.From(like.Backend, array.AsFloat32(), CheckedShape(array, like))
        : Tensor.From(like.Backend, array.AsFloat64(), CheckedShape(array, like));

    private static Shape CheckedShape(NamedArray array, Tensor like)
    {
        var shape = new Shape(array.Dimensions);
        return shape == like.Shape
            ? shape
            : throw new ShapeException($"The saved array '{array.Name}' has the shape {shape}, this run needs {like.Shape}.");
    }
}
