using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// RaT-BPTT, random truncated backpropagation through training on S (Feng, Vedantam and Kempe, ICLR 2024): a fresh network makes t
/// steps on S without a gradient and Window steps with one, and the loss of real images at their end,
/// loss = CE(D; θ_{t+Window}), is differentiated through these. t is uniform in 0 … MostSteps − Window and drawn anew every ten
/// updates. No expert has a part in it: S is evaluated where it leads to. A gradient in the images that is longer than twice the
/// running mean of its length (share 0.9) is scaled down to that. S and D are augmented each under draws of its own; of each step
/// on S, and of each 256 images of D, one operation is drawn, with numbers for each image. Differs from the authors' code: images start
/// from N(0, 1) and are not scaled to unit length.
/// </summary>
public sealed class RandomTruncation : DistillationMethod
{
    private const int UpdatesOfStart = 10;

    private const double MostOfMean = 2, ShareOfMean = 0.9;

    /// <summary>Steps with a gradient.</summary>
    public static WholeSetting Window { get; } = new(
        "Window", "Steps of training on S through which its gradient goes.", 60, 1, 10_000);

    /// <summary>The longest training.</summary>
    public static WholeSetting MostSteps { get; } = new(
        "MostSteps", "Steps of training on S at most, of which the last ones are the window.", 200, 1, 100_000);

    /// <summary>How many real images an update sees.</summary>
    public static WholeSetting RealBatch { get; } = new(
        "RealBatch", "Real images of all classes on which an update measures the outcome; 0 for all.", 5000, 0, 1 << 20);

    /// <summary>What moves the network in training on S.</summary>
    public static ChoiceSetting InnerOptimiser { get; } = new(
        "InnerOptimiser", "How networks train on S: Adam, or SGD with momentum 0.9 and decay 5e-4 as in the evaluation", "adam", "adam", "sgd");

    /// <summary>Its rate.</summary>
    public static RealSetting InnerRate { get; } = new("InnerRate", "The rate with which networks train on S.", 1e-3);

    /// <inheritdoc/>
    public override string Name => "rat";

    /// <inheritdoc/>
    public override string Help => "truncated backpropagation through training on S (RaT-BPTT, Feng et al., ICLR 2024)";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = ["start", "gradient_norm"];

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.Networks;

    /// <inheritdoc/>
    public override bool TakesBatchesOfS => true;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } = [Window, MostSteps, RealBatch, InnerOptimiser, InnerRate];

    /// <inheritdoc/>
    // 60,000 epochs of ten batches of CIFAR-10; the other sets take them over.
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
    [
        ("Iterations", "600000"), ("Optimiser", "adam"), ("LrImg", "0.001"), ("RateSchedule", "constant"),
        ("ImageStart", "noise"), ("Labels", "hard"), ("MatchAugment", "flip-rotate"),
        .. at.Dataset.Contains("mnist", StringComparison.OrdinalIgnoreCase) ? [] : ((string, string)[])[("Zca", "0.1")],
        ("Width", "128"), ("Depth", at.Dataset == "tiny-imagenet" ? "4" : "3"), ("EvalWidth", "128"), ("Augment", "flip-rotate"),
    ];

    /// <inheritdoc/>
    public override void Check(MethodValues values, ExpertPlan experts)
    {
        if (MostSteps.Of(values) < Window.Of(values))
            throw new SettingException(MostSteps.Name, values[MostSteps], $"at least the window of {values[Window]} steps");
    }

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) => new Session(context);

    private sealed class Session(MethodContext run) : MethodSession
    {
        // Real images at once: as many as keep memory small.
        private const int AtOnce = 256;

        private const string Mean = "gradient_norm";

        // The slope of a step of Adam is longest where gradients are shortest. Differences in float32 along that direction count units
        // that pass the kink of their ReLU: cosines to the exact gradient were 0.45 to 0.83 (docs/theory.md, "Where differences fail").
        private static readonly SecondOrderProducts s_products = new(SecondDerivatives.Exact);

        private readonly int _window = Window.Of(run.Values), _most = MostSteps.Of(run.Values);

        private readonly int _batch = RealBatch.Of(run.Values) is > 0 and var asked
            ? Math.Min(asked, run.Real.Train.Count)
            : run.Real.Train.Count;

        private readonly StepRule _rule = Kinds.Find<StepRule>(InnerOptimiser.Of(run.Values))!;

        private readonly StepRates _rates = InnerOptimiser.Of(run.Values) == "sgd"
            ? new StepRates(InnerRate.Of(run.Values), 0.9, 5e-4)
            : new StepRates(InnerRate.Of(run.Values));

        private double _mean; // of the length of gradients; 0 before the first

        public override void BeginSet() => _mean = 0;

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            int start = StartOf(iteration);
            SyntheticLoss loss = LossOn(s, key);
            WalkState at = Begun(s, loss, start, key);
            Walk walk = new WalkPlan(_rule, _window, _rates) { FirstDraw = start }.From(at, s, loss, s_products);
            (double outcome, Tensor u) = Outcome(walk.End.Theta, iteration, key);
            if (!double.IsFinite(outcome))
                return new MethodStep(outcome, null, []) { Place = $"the outcome of training on S from step {start} (rat)" };
            SyntheticGradient gradient = walk.Pullback(s_products, s, loss, u).Set;
            double norm = gradient.Images.Norm(), mean = _mean == 0 ? norm : ShareOfMean * _mean + (1 - ShareOfMean) * norm;
            if (norm > MostOfMean * mean)
            {
                gradient = new SyntheticGradient([.. gradient.Parts.Select(part => part.Name == SyntheticSet.ImagesPart
                    ? part with { Value = part.Value.Times(MostOfMean * mean / norm) }
                    : part)]);
            }
            return new MethodStep(outcome, gradient, [new Metric("start", start), new Metric("gradient_norm", norm)])
            {
                Commit = _ => _mean = mean,
                Place = $"the outcome of training on S from step {start} (rat)",
            };
        }

        // The outcome at the ends of as many trainings, whose starts are spread over all.
        public override double Probe(SyntheticSet s, RandomKey key) => MeanOfPlaces(i =>
        {
            RandomKey own = key.Split((ulong)i);
            int steps = _window + (_most - _window) * i / (PlacesOfProbe - 1);
            return Outcome(Begun(s, LossOn(s, own), steps, own).Theta, i, own).Loss;
        });

        private int StartOf(int iteration) =>
            run.Key.Split("start").Split((ulong)(iteration / UpdatesOfStart)).Below(_most - _window + 1, 0);

        private SyntheticLoss LossOn(SyntheticSet s, RandomKey key) => run.LossOf(s, WalkOf(key), siamese: false);

        // A fresh network after so many steps on S.
        private WalkState Begun(SyntheticSet s, SyntheticLoss loss, int steps, RandomKey key)
        {
            Tensor theta = run.Network.Initialise(s.Images.Backend, s.Images.DType, key.Split("network"));
            return new WalkPlan(_rule, steps, _rates).End(WalkState.At(theta), s, loss);
        }

        // The cross-entropy of a batch of D at θ, and its gradient [p].
        private (double Loss, Tensor Gradient) Outcome(Tensor theta, int iteration, RandomKey key)
        {
            LabelledImages all = run.Real.Train;
            int[] rows = RowsOf(iteration, all.Count);
            using var scope = TensorScope.Begin();
            Tensor loss = Tensor.Full(theta.Backend, theta.DType, Shape.Scalar, 0), gradient = theta.ZerosLike();
            for (int first = 0; first < _batch; first += AtOnce)
            {
                using var part = TensorScope.Begin();
                LabelledImages some = all.Rows(rows[first..Math.Min(_batch, first + AtOnce)]);
                Variable images = run.Augmentation.Apply(Variable.Constant(some.Images), RealOf(key, first), siamese: false);
                Variable at = Variable.Leaf(theta), mean = run.Network.Loss(at, images, Variable.Constant(some.Labels));
                double share = some.Count / (double)_batch;
                loss = part.Replace(loss, TensorAlgebra.Axpy(share, mean.Value, loss));
                gradient = part.Replace(gradient, TensorAlgebra.Axpy(share, Gradient.Of(mean, at).Value, gradient));
            }
            return (loss.ToScalar(), scope.Keep(gradient));
        }

        // Epochs over D: a permutation each, cut into batches.
        private int[] RowsOf(int iteration, int count)
        {
            int batches = count / _batch;
            return run.Key.Split("real").Split((ulong)(iteration / batches)).Permutation(count)
                .AsSpan(iteration % batches * _batch, _batch).ToArray();
        }

        private static RandomKey WalkOf(RandomKey key) => key.Split("walk");

        // Under one key the images of every part would draw the same numbers.
        private static RandomKey RealOf(RandomKey key, int first) => key.Split("real augmentation").Split((ulong)first);

        public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key) => Enumerable.Range(StartOf(iteration), _window)
            .Select(step => WalkOf(key).Split((ulong)step))
            .Concat(Enumerable.Range(0, (_batch + AtOnce - 1) / AtOnce).Select(part => RealOf(key, part * AtOnce)))
            .Select(draw => run.Augmentation.FormOf(draw, siamese: false).ToString()).ToHashSet(StringComparer.Ordinal);

        public override IReadOnlyList<NamedArray> Save() => [NamedArray.From(Mean, [1], (double[])[_mean])];

        public override void Restore(ArraySet state)
        {
            double[] mean = [.. state[Mean].AsFloat64()];
            _mean = mean is [>= 0 and < double.PositiveInfinity]
                ? mean[0]
                : throw new ShapeException($"The saved array '{Mean}' must hold one number from 0 on, got [{string.Join(", ", mean)}].");
        }
    }
}
