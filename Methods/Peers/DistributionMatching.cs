using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Distribution matching (Zhao and Bilen, WACV 2023): the mean embedding of each class of S under a fresh network is brought to
/// that of real images, both under the same augmentation,
/// loss = Σ_c ‖mean φ_θ(A(real_c)) − mean φ_θ(A(S_c))‖², summed over classes and features, with θ drawn anew for each update
/// and never trained. The images of S must stand class by class, equally many of each; labels have no part in it. Published with
/// hard labels, images that start as real ones, 20,000 updates at the rate 1 (10 from 100 images a class on) with momentum 0.5, on
/// networks of width 128 under DSA: the rate belongs to the sum, a mean over features or classes would need another.
/// </summary>
public sealed class DistributionMatching : DistillationMethod
{
    /// <summary>How many real images of a class an update sees.</summary>
    public static WholeSetting RealBatch { get; } = new(
        "RealBatch", "Real images of each class that an update draws; 0 for all.", 256, 0, 1 << 20);

    /// <inheritdoc/>
    public override string Name => "dm";

    /// <inheritdoc/>
    public override string Help => "distribution matching (Zhao and Bilen, WACV 2023)";

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.RealClasses | MethodNeeds.Features | MethodNeeds.Networks;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } = [RealBatch];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
    [
        ("Iterations", "20000"), ("LrImg", at.Ipc >= 100 && at.Dataset != "cifar-100" ? "10" : "1"), ("MomentumImg", "0.5"), ("RateSchedule", "constant"),
        ("ImageStart", "real"), ("Labels", "hard"), ("MatchAugment", "auto"), ("Width", "128"), ("Depth", at.Dataset == "tiny-imagenet" ? "4" : "3"),
        ("Protocol", "DC"), ("Augment", "auto"), ("EvalWidth", "128"),
    ];

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) => new Session(context);

    private sealed class Session(MethodContext run) : MethodSession
    {
        private readonly ClassMeans _means = new(run, RealBatch.Of(run.Values));

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            Backend on = s.Images.Backend;
            Variable theta = Variable.Constant(run.Network.Initialise(on, s.Images.DType, key.Split("network")));
            SyntheticGradient gradient = SyntheticGradient.ZerosLike(s);
            double loss = 0;
            for (int c = 0; c < _means.Classes; c++)
            {
                using var scope = TensorScope.Begin();
                ClassLoss distance = _means.Match(s, c, key, images => Mean(theta, images), SquaredDistance);
                loss += distance.Value;
                distance.WriteTo(gradient);
            }
            return new MethodStep(loss, double.IsFinite(loss) ? gradient : null, [])
            {
                Place = "the distance of mean embeddings (dm)",
            };
        }

        public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key) =>
            Enumerable.Range(0, _means.Classes).Select(c => _means.FormOf(c, key)).ToHashSet(StringComparer.Ordinal);

        private static Variable SquaredDistance(Variable real, Variable synthetic)
        {
            Variable apart = synthetic - real;
            return apart.Dot(apart);
        }

        // The mean embedding [1, F] of images [N, C, H, W].
        private Variable Mean(Variable theta, Variable images)
        {
            Variable embedding = run.Network.Features(theta, images).Embedding;
            return embedding.SumTo(new Shape(1, embedding.Shape[1])) / embedding.Shape[0];
        }
    }
}
