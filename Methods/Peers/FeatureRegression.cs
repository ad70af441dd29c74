using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// FRePo, feature regression with pooling (Zhou, Nezhadarya and Ba, NeurIPS 2022): the last layer W_S that S determines exactly, by
/// kernel ridge on the features of a network in training on S, shall fit real images,
/// loss = ½·E_D‖y − φ(x)·W_S‖² − E_S min(margin of the label, 1/M). For a squared loss on fixed features this is influence matching
/// of the last layer without any expansion: I_{−D} + I_{+S} = W_S − W_D exactly, and the first term is a constant plus
/// ½‖W_S − W_D‖² in the metric of D's own Hessian φᵀφ. Networks come from a <see cref="StudentPool"/>; S is joined by its mirror
/// images where the augmentation of matching holds flips, and what else it holds is drawn once for S and D. The authors learn a
/// vector a label, start it at (one-hot − 1/M)/√(M/10) and evaluate by the squared loss. Here labels are q = softmax ℓ as
/// everywhere, and the ridge regresses q − 1/M: the same kind of vector, but kept to the simplex, so that networks that are trained
/// by cross-entropy read what the ridge read. The authors' network has no norm (--norm none) and doubles its width with each block,
/// which the ConvNet here does not; their LAMB adds 1e-6 and not 1e-8 to the root of the mean of squares.
/// </summary>
public sealed class FeatureRegression : DistillationMethod
{
    private const string SquaredLoss = "squared";

    /// <summary>How many real images an update sees.</summary>
    public static WholeSetting RealBatch { get; } = new(
        "RealBatch", "Real images of all classes that an update draws; 0 for all.", 1024, 0, 1 << 20);

    /// <summary>λ.</summary>
    public static RealSetting Ridge { get; } = new("Ridge", "The ridge, as a share of the mean of the kernel's diagonal.", 1e-6);

    /// <summary>The size of the pool.</summary>
    public static WholeSetting PoolSize { get; } = new("PoolSize", "Networks in training on S, of which an update takes one.", 10, 1, 1000);

    /// <summary>The age at which a network ends.</summary>
    public static WholeSetting PoolAge { get; } = new("PoolAge", "Steps on S after which a network of the pool gives way to a fresh one.", 100, 0, 1_000_000);

    /// <summary>The rate of the networks in training.</summary>
    public static RealSetting StudentRate { get; } = new("StudentRate", "The rate of Adam with which networks of the pool train on S.", 3e-4);

    /// <summary>The loss of the networks in training.</summary>
    public static ChoiceSetting StudentLoss { get; } = new(
        "StudentLoss", "With what networks of the pool train on S: the squared loss of the authors, or cross-entropy as in the evaluation",
        SquaredLoss, SquaredLoss, "cross-entropy");

    /// <inheritdoc/>
    public override string Name => "frepo";

    /// <inheritdoc/>
    public override string Help => "exact influence of the last layer by kernel ridge (FRePo, Zhou et al., NeurIPS 2022)";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = ["student_age", "label_margin"];

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.Features | MethodNeeds.Networks;

    /// <inheritdoc/>
    public override bool TakesBatchesOfS => true;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } =
        [RealBatch, Ridge, PoolSize, PoolAge, StudentRate, StudentLoss];

    /// <inheritdoc/>
    // The rates are those of LAMB, whose steps are shares of the length of S. Whitening and mirror images are for photographs.
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at)
    {
        bool isGrey = at.Dataset.Contains("mnist", StringComparison.OrdinalIgnoreCase);
        bool isMirrored = !isGrey && !((at.Dataset is "cifar-100" or "tiny-imagenet") && at.Ipc >= 10);
        return
        [
            ("Iterations", "500000"), ("Optimiser", "lamb"), ("LrImg", "0.0003"), ("LrLabel", "0.0003"),
            ("RateSchedule", "cosine-tenth"), ("ImageStart", "real"), ("Labels", "learned"), ("LabelStart", "hard"),
            ("MatchAugment", isMirrored ? "flip" : "none"), ("BatchSyn", "1000"), .. isGrey ? [] : ((string, string)[])[("Zca", "0.1")],
            ("Norm", "none"), ("Width", "128"), ("Depth", at.Dataset == "tiny-imagenet" ? "4" : "3"), ("EvalWidth", "128"), ("Augment", "auto"),
        ];
    }

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) => new Session(context);

    private sealed class Session(MethodContext run) : MethodSession
    {
        // Images whose features are made at once: as many as keep memory small beside S.
        private const int AtOnce = 256;

        private readonly StudentPool _pool = new(
            run.Network, new StudentPlan(PoolSize.Of(run.Values), PoolAge.Of(run.Values), StudentRate.Of(run.Values)));

        private readonly double _ridge = Ridge.Of(run.Values);
        private readonly bool _isSquared = StudentLoss.Of(run.Values) == SquaredLoss;
        private readonly bool _isMirrored = run.Augmentation.Ops.HasFlag(AugmentationOps.Flip);

        // What is drawn; mirror images stand beside the others instead.
        private readonly Augmentation _drawn = run.Augmentation with { Ops = run.Augmentation.Ops & ~AugmentationOps.Flip };

        public override void BeginSet() => _pool.Clear();

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            StudentDraw draw = _pool.Draw(key, s.Images, theta => Differential.GradientAt(LossOfStudent(s, key), theta));
            (double loss, double margin, SyntheticGradient? gradient) = At(draw.Student.Theta, s, key);
            return new MethodStep(
                loss, gradient, [new Metric("student_age", draw.Student.Age), new Metric("label_margin", margin)])
            {
                Commit = draw.Commit,
                Place = $"the loss of the last layer on a network of age {draw.Student.Age} (frepo)",
            };
        }

        // Networks of the pool change with S; fresh ones are the same each time.
        public override double Probe(SyntheticSet s, RandomKey key) => MeanOfPlaces(i =>
        {
            RandomKey own = key.Split((ulong)i);
            return At(run.Network.Initialise(s.Images.Backend, s.Images.DType, own.Split("network")), s, own).Loss;
        });

        private (double Loss, double Margin, SyntheticGradient? Gradient) At(Tensor at, SyntheticSet s, RandomKey key)
        {
            var theta = Variable.Constant(at);
            RandomKey draw = DrawOf(key);
            (Variable real, Variable labels) = Real(theta, key);
            (int First, int Count)[] parts = [.. PartsOf(s)];
            Variable[] images = [.. parts.Select(p => Variable.Leaf(s.Rows(p.First, p.Count).Images))];
            // The ridge is far below what float32 resolves of the kernel, so that part is computed in float64.
            // One part is differentiated where it was computed; of several each is computed again, so that one is held at a time.
            Variable? only = parts.Length == 1 ? OfS(theta, images[0], s.Factor, draw) : null;
            Tensor rows = only?.Value ?? Joined(images.Length, i => OfS(theta, images[i], s.Factor, draw));
            Variable features = Variable.Leaf(rows.To(DType.Float64)), logits = Variable.Leaf(s.LabelLogits.To(DType.Float64));
            Variable centred = logits.LabelRows() - 1.0 / run.Real.Classes;
            Variable layer = KernelRidge.LastLayer(features, Targets(centred, s, parts), _ridge);
            Variable wrong = real.MatMul(layer) - labels, margin = LabelMargin.Mean(centred, 1.0 / run.Real.Classes);
            Variable loss = wrong.Dot(wrong) * (0.5 / labels.Shape[0]) - margin;
            double value = loss.Value.ToScalar();
            if (!double.IsFinite(value))
                return (value, margin.Value.ToScalar(), null);
            Tensor[] slopes = [.. Gradient.Of(loss, [features, logits]).Select(slope => slope.Value.To(s.Images.DType))];
            SyntheticGradient gradient = SyntheticGradient.Of(s, [s.Images.ZerosLike(), slopes[1]]);
            for (int i = 0, row = 0; i < parts.Length; i++)
            {
                using var scope = TensorScope.Begin();
                Variable output = only ?? OfS(theta, images[i], s.Factor, draw);
                Tensor slope = slopes[0].View(row * output.Shape[1], output.Shape);
                s.Images.Backend.Copy(
                    Gradient.Of(output, images[i], Variable.Constant(slope)).Value,
                    gradient.Images.View(parts[i].First * run.Network.Image.Count, images[i].Shape));
                row += output.Shape[0];
            }
            return (value, margin.Value.ToScalar(), gradient);
        }

        // Features [B, F] and centred labels [B, M] of a batch of real images, in float64.
        private (Variable Features, Variable Labels) Real(Variable theta, RandomKey key)
        {
            LabelledImages all = run.Real.Train;
            int count = RealBatch.Of(run.Values) is > 0 and var asked ? Math.Min(asked, all.Count) : all.Count;
            int[] drawn = [.. key.Split("real").Permutation(all.Count).Take(count)];
            var images = Variable.Constant(all.Images);
            Tensor features = Joined((count + AtOnce - 1) / AtOnce, i => Embed(
                theta, images.GatherRows([.. drawn.Skip(i * AtOnce).Take(AtOnce)]), DrawOf(key)));
            using IDisposable off = Recording.Off();
            Tensor labels = Variable.Constant(all.Labels).GatherRows(drawn).Value;
            return (
                Variable.Constant(features.To(DType.Float64)),
                Variable.Constant(labels.To(DType.Float64)) - 1.0 / run.Real.Classes);
        }

        // The features of stored images: of their tiles, and then of the mirror images of these.
        private Variable OfS(Variable theta, Variable images, int factor, RandomKey draw)
        {
            Variable tiles = images.EnlargeTiles(factor);
            return Embed(theta, _isMirrored ? Functional.Concat(0, tiles, Mirrored(tiles)) : tiles, draw);
        }

        private Variable Embed(Variable theta, Variable images, RandomKey draw) =>
            run.Network.Features(theta, _drawn.Apply(images, draw, siamese: true)).Embedding;

        // Labels of images, each for all of its tiles, or of tiles.
        private Variable Targets(Variable labels, SyntheticSet s, (int First, int Count)[] parts) => Functional.Concat(0, [.. parts.Select(p =>
        {
            int rows = labels.Shape[0] / s.Count;
            Variable each = labels.Slice(0, (p.First * rows)..((p.First + p.Count) * rows));
            each = rows == 1 ? each.ForEachTile(s.Factor) : each;
            return _isMirrored ? Functional.Concat(0, each, each) : each;
        })]);

        private IEnumerable<(int First, int Count)> PartsOf(SyntheticSet s)
        {
            int most = Math.Max(1, AtOnce / (s.Factor * s.Factor * (_isMirrored ? 2 : 1)));
            for (int first = 0; first < s.Count; first += most)
                yield return (first, Math.Min(most, s.Count - first));
        }

        // Rows one behind the other, of which one part at a time is computed and nothing is recorded.
        private static Tensor Joined(int count, Func<int, Variable> part)
        {
            using var scope = TensorScope.Begin();
            using IDisposable off = Recording.Off();
            var parts = new Variable[count];
            for (int i = 0; i < count; i++)
            {
                using var inner = TensorScope.Begin();
                parts[i] = Variable.Constant(inner.Keep(part(i).Value));
            }
            return scope.Keep(Functional.Concat(0, parts).Value);
        }

        private static Variable Mirrored(Variable images)
        {
            Tensor like = images.Value;
            double[] maps = [.. Enumerable.Repeat((double[])[-1, 0, 0, 0, 1, 0], images.Shape[0]).SelectMany(map => map)];
            return images.AffineSample(
                Variable.Constant(Tensor.From(like.Backend, like.DType, maps, new Shape(images.Shape[0], 6))));
        }

        private ParameterLoss LossOfStudent(SyntheticSet s, RandomKey key)
        {
            Variable images = Variable.Constant(s.Images), logits = Variable.Constant(s.LabelLogits);
            int count = run.BatchesAreOfTiles ? s.Count * s.Factor * s.Factor : s.Count;
            (Variable tiles, Variable labels) = run.BatchSyn > 0 && run.BatchSyn < count
                ? SyntheticSet.Seen(
                    images, logits, s.Factor, [.. key.Split("rows").Permutation(count).Take(run.BatchSyn)], run.BatchesAreOfTiles)
                : (images.EnlargeTiles(s.Factor), logits.TileLabels(s.Factor));
            if (!_isSquared)
                return theta => run.Network.Loss(theta, tiles, labels);
            return theta =>
            {
                Variable wrong = run.Network.Forward(theta, tiles) - (labels - 1.0 / run.Real.Classes);
                return wrong.Dot(wrong) * (0.5 / labels.Shape[0]);
            };
        }

        private static RandomKey DrawOf(RandomKey key) => key.Split("augmentation");

        public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key) => new HashSet<string>(StringComparer.Ordinal)
        {
            _drawn.FormOf(DrawOf(key), siamese: true).ToString(),
            iteration == 0 ? "nobody is due" : "a network of the pool trains",
        };

        public override int VectorsKept(IReadOnlyList<(int Iteration, RandomKey Key)> updates) =>
            StudentPool.VectorsOfStudent * updates.Select(u => _pool.IndexOf(u.Key)).Distinct().Count();

        public override IReadOnlyList<NamedArray> Save() => _pool.Save();

        public override void Restore(ArraySet state) => _pool.Restore(state, run.Real.Train.Images);

        // What the pool holds cannot be made again.
        protected override void Dispose(bool disposing)
        {
            _pool.Dispose();
            base.Dispose(disposing);
        }
    }
}
