using System.Collections.Immutable;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// CAFE, condensation by aligning features (Wang et al., CVPR 2022): on a network in training on S the mean of each class of S is
/// brought to that of real images in every block, and the means of S's classes must tell the real images apart,
/// loss = Σ_c Σ_l w_l·‖mean f_l(real_c) − mean f_l(S_c)‖² + 0.01·Σ_i CE(M·φ(real_i), y_i), row c of M the mean embedding φ of S_c. Blocks
/// count before their pooling with w = 0.1, the last with 1, and the embedding with 2, because the code takes it twice. A network is
/// trained on S after each update until the accuracy on real images moves, and replaced once it rests. The code also adds the
/// cross-entropy of real images, which moves nothing; it is left out. Published with hard labels, noise at first, the rate 0.1 with
/// momentum 0.5; 2,000 networks of ten updates or more each, here 20,000 updates.
/// </summary>
public sealed class AligningFeatures : DistillationMethod
{
    /// <summary>How many real images of a class an update sees.</summary>
    public static WholeSetting RealBatch { get; } = new(
        "RealBatch", "Real images of each class that an update draws; 0 for all.", 256, 0, 1 << 20);

    /// <summary>The rate of the training on S.</summary>
    public static RealSetting NetworkRate { get; } = new("NetworkRate", "Rate of each step of training on the synthetic set.", 0.01);

    /// <summary>λ1.</summary>
    public static RealSetting RestRange { get; } = new(
        "RestRange", "A fresh network begins once ten accuracies after updates lie within this range.", 0.04);

    /// <summary>λ2.</summary>
    public static RealSetting MoveRange { get; } = new(
        "MoveRange", "Training on the synthetic set ends once ten accuracies after epochs differ by more.", 0.03);

    /// <summary>Where that training ends at last; the code has no such end.</summary>
    public static WholeSetting MostEpochs { get; } = new(
        "MostEpochs", "The most epochs on the synthetic set after an update.", 100, 1, 1 << 20);

    /// <inheritdoc/>
    public override string Name => "cafe";

    /// <inheritdoc/>
    public override string Help => "condensation by aligning features (CAFE, Wang et al., CVPR 2022)";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = ["network_accuracy", "inner_epochs"];

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.RealClasses | MethodNeeds.Features | MethodNeeds.Networks;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } = [RealBatch, NetworkRate, RestRange, MoveRange, MostEpochs];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
    [
        ("Iterations", "20000"), ("LrImg", "0.1"), ("MomentumImg", "0.5"), ("RateSchedule", "late-halvings"), ("ImageStart", "noise"),
        ("Labels", "hard"), ("MatchAugment", "none"), ("Width", "128"), ("Depth", "3"), ("Protocol", "DC"), ("Epochs", "600"),
        ("EvalWidth", "128"),
    ];

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) => new Session(context);

    private sealed class Session : MethodSession
    {
        private const double Early = 0.1, Last = 1, Embedding = 2, Discrimination = 0.01;
        private const int Watched = 128; // real images of a class in an accuracy
        private const string Watching = "watch";

        private readonly MethodContext _run;
        private readonly TrainingOnSet _training;
        private readonly HeldNetwork _network;
        private readonly int _batch;
        private AccuracyWatch _watch = AccuracyWatch.Empty;

        public Session(MethodContext run)
        {
            (_run, _network) = (run, new HeldNetwork(run));
            _training = new TrainingOnSet(run.Network, run.Augmentation, NetworkRate.Of(run.Values));
            _batch = RealBatch.Of(run.Values) is > 0 and var asked ? asked : int.MaxValue;
        }

        public override void BeginSet()
        {
            _network.Hold(null, 0);
            _watch = AccuracyWatch.Empty;
        }

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            int classes = _run.Real.Classes, each = s.Count / classes;
            if (each * classes != s.Count)
                throw new ShapeException($"A set of {s.Count} images has not equally many of each of {classes} classes.");
            (Tensor theta, bool isFresh) = _network.At(iteration, s.Images, key);
            int epochs = 0;
            if (!isFresh)
                (theta, epochs) = Train(theta, s, key.Split("training"));
            (double loss, SyntheticGradient gradient) = Match(theta, s, each, key);
            double accuracy = Accuracy(theta, key.Split(Watching));
            AccuracyWatch watch = (isFresh ? AccuracyWatch.Empty : _watch).With(accuracy, classes);
            bool rests = watch.Range < RestRange.Of(_run.Values);
            return new MethodStep(
                loss, double.IsFinite(loss) ? gradient : null,
                [new("network_accuracy", accuracy), new("inner_epochs", epochs)])
            {
                Commit = scope =>
                {
                    _network.Hold(rests ? null : scope.Keep(theta), iteration + 1);
                    _watch = rests ? AccuracyWatch.Empty : watch;
                },
                Place = "the distance of mean features (cafe)",
            };
        }

        public override IReadOnlyList<NamedArray> Save() =>
            [.. _network.Save(), NamedArray.From(Watching, [_watch.Values.Length], _watch.Values.ToArray())];

        public override void Restore(ArraySet state)
        {
            ImmutableArray<double> watched = [.. state[Watching].AsFloat64()];
            _network.Restore(state);
            _watch = new AccuracyWatch(watched);
        }

        // The draws of all classes; later updates also train the network, with draws of their own.
        public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key)
        {
            HashSet<string> traits = [.. Enumerable.Range(0, _run.Real.Classes)
                .Select(c => _run.Augmentation.FormOf(DrawOf(c, key), siamese: true).ToString())];
            if (iteration > 0)
            {
                int steps = Math.Min(AccuracyWatch.Window, MostEpochs.Of(_run.Values));
                traits.UnionWith(_training.FormsOf(steps, key.Split("training")).Select(form => $"training under {form}"));
            }
            return traits;
        }

        public override int VectorsKept(IReadOnlyList<(int Iteration, RandomKey Key)> updates) => 1;

        protected override void Dispose(bool disposing)
        {
            _network.Dispose();
            base.Dispose(disposing);
        }

        // Whether it goes on follows from accuracies: they alone leave the device.
        private (Tensor Theta, int Epochs) Train(Tensor theta, SyntheticSet s, RandomKey key)
        {
            AccuracyWatch watch = AccuracyWatch.Empty;
            int epochs = 0, most = MostEpochs.Of(_run.Values);
            double range = MoveRange.Of(_run.Values);
            Tensor trained = _training.Run(theta, s, most, key, at =>
            {
                watch = watch.With(Accuracy(at, key.Split(Watching).Split((ulong)epochs++)), _run.Real.Classes);
                return watch.Range > range;
            });
            return (trained, epochs);
        }

        private double Accuracy(Tensor theta, RandomKey key)
        {
            using var scope = TensorScope.Begin();
            (int Row, int Label)[] drawn = [.. Enumerable.Range(0, _run.Real.Classes).SelectMany(c =>
                _run.Real.RandomOfClass(c, Watched, key.Split((ulong)c)).Select(row => (row, c)))];
            Tensor images = _run.Real.Train.Rows([.. drawn.Select(d => d.Row)]).Images;
            return _run.Network.Accuracy(theta, images, [.. drawn.Select(d => d.Label)]);
        }

        private (double Loss, SyntheticGradient Gradient) Match(Tensor theta, SyntheticSet s, int each, RandomKey key)
        {
            int classes = _run.Real.Classes;
            Variable at = Variable.Constant(theta);
            var real = new Tensor[classes][]; // mean of each block, of the embedding, and all embeddings
            var own = new Variable[classes];
            for (int c = 0; c < classes; c++)
            {
                real[c] = OfReal(at, c, key);
                own[c] = Variable.Constant(OwnEmbedding(at, s.Rows(c * each, each), DrawOf(c, key)));
            }
            (Tensor telling, Tensor pulls) = TellApart(own, [.. real.Select(r => r[^1])]);
            SyntheticGradient gradient = SyntheticGradient.ZerosLike(s);
            Tensor distances = theta.Backend.Empty(new Shape(classes), theta.DType);
            for (int c = 0; c < classes; c++)
            {
                using var scope = TensorScope.Begin();
                var images = Variable.Leaf(s.Rows(c * each, each).Images);
                Variable[] means = Means(Features(at, images.EnlargeTiles(s.Factor), DrawOf(c, key)));
                Variable distance = Distance(means, real[c]);
                theta.Backend.Copy(distance.Value, distances.View(c, Shape.Scalar));
                Tensor pull = pulls.View(c * means[^1].Shape.Count, means[^1].Shape);
                Variable whole = distance + means[^1].Dot(Variable.Constant(pull));
                theta.Backend.Copy(
                    Gradient.Of(whole, images).Value, gradient.Images.View(c * images.Shape.Count, images.Shape));
            }
            return (distances.ToArray<double>().Sum() + telling.ToScalar(), gradient);
        }

        // The cross-entropy of real images, told apart by the means of S's classes, and its cotangent in those [M, F].
        private static (Tensor Value, Tensor Cotangent) TellApart(Variable[] own, Tensor[] real)
        {
            using var scope = TensorScope.Begin();
            using IDisposable _ = Recording.On();
            var means = Variable.Leaf(Functional.Concat(0, own).Value);
            Variable? sum = null;
            for (int c = 0; c < real.Length; c++)
            {
                int count = real[c].Shape[0];
                int[] labels = new int[count];
                Array.Fill(labels, c);
                Tensor hard = LabelledImages.OneHot(real[c].Backend, real[c].DType, labels, real.Length);
                Variable scores = Variable.Constant(real[c]).MatMul(means, transposeB: true);
                Variable term = Discrimination * count * scores.CrossEntropy(Variable.Constant(hard));
                sum = sum is null ? term : sum + term;
            }
            Tensor cotangent = Gradient.Of(sum!, means).Value;
            return (scope.Keep(sum!.Value), scope.Keep(cotangent));
        }

        private static Variable Distance(Variable[] means, Tensor[] real)
        {
            Variable? sum = null;
            for (int i = 0; i < means.Length; i++)
            {
                double weight = i == means.Length - 1 ? Embedding : i == means.Length - 2 ? Last : Early;
                Variable apart = means[i] - Variable.Constant(real[i]);
                Variable term = weight * apart.Dot(apart);
                sum = sum is null ? term : sum + term;
            }
            return sum!;
        }

        // Without a graph; everything but the means and the embeddings goes at once.
        private Tensor[] OfReal(Variable theta, int label, RandomKey key)
        {
            using var scope = TensorScope.Begin();
            using IDisposable off = Recording.Off();
            int[] drawn = _run.Real.RandomOfClass(label, _batch, key.Split("real").Split((ulong)label));
            Tensor images = _run.Real.Train.Rows(drawn).Images;
            NetworkFeatures features = Features(theta, Variable.Constant(images), DrawOf(label, key));
            return [.. Means(features).Append(features.Embedding).Select(v => scope.Keep(v.Value))];
        }

        private Tensor OwnEmbedding(Variable theta, SyntheticSet s, RandomKey draw)
        {
            using var scope = TensorScope.Begin();
            using IDisposable off = Recording.Off();
            return scope.Keep(Means(Features(theta, Variable.Constant(s.Images).EnlargeTiles(s.Factor), draw))[^1].Value);
        }

        private NetworkFeatures Features(Variable theta, Variable images, RandomKey draw) =>
            _run.Network.FeaturesBeforePooling(theta, _run.Augmentation.Apply(images, draw, siamese: true));

        // Of each block, then of the embedding, each with a first axis of 1.
        private static Variable[] Means(NetworkFeatures features) => [.. features.Blocks.Append(features.Embedding).Select(x =>
            x.SumTo(new Shape([1, .. x.Shape.Sizes[1..]])) / x.Shape[0])];

        // Each class has a draw of its own, which its real and its synthetic images share.
        private static RandomKey DrawOf(int label, RandomKey key) => key.Split("augmentation").Split((ulong)label);
    }
}
