using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// What the authors of influence matching released (hrtan/infmatch, configuration of CIFAR-10 with 50 images a class): no estimate
/// of influence on all parameters, but the mean over a class of f = unit(vec_c[(1 + ρ·g_c)·φ]), g = softmax(z) − onehot: the
/// embedding φ of each class's row plus ρ times an example's gradient in the last layer. f of real and synthetic images are
/// projected on random unit vectors and compared scale-free, J_c = 100·mean (a − b)²/(a² + b² + 1e-8), at 2 or 3 random checkpoints of
/// one expert behind each other; calibration and updates are those of NCFM (<see cref="ClassStepSession"/>). Published for that one
/// case: 200,000 iterations; the others take its values, with as many updates as the program takes at most. The authors store
/// a checkpoint every second epoch, here it is each epoch.
/// </summary>
public sealed class ReleasedInfluenceMatching : DistillationMethod
{
    private const double Scale = 100, Smallest = 1e-8;

    private const int Iterations = 200_000, MostUpdates = 10_000_000;

    /// <summary>How many projections are compared.</summary>
    public static WholeSetting Probes { get; } = new(
        "Probes", "Random unit vectors on which the features of real and synthetic images are compared.", 4096, 1, 1 << 20);

    /// <summary>ρ.</summary>
    public static RealSetting InfluenceShare { get; } = new(
        "InfluenceShare", "Weight of an example's gradient in the last layer beside its embedding; 0 for embeddings alone.",
        0.2, zero: true);

    /// <summary>The fewest checkpoints of an iteration.</summary>
    public static WholeSetting CheckpointsLeast { get; } = new(
        "CheckpointsLeast", "The fewest checkpoints of an expert at which features are taken together.", 2, 1, 64);

    /// <summary>The most checkpoints of an iteration.</summary>
    public static WholeSetting CheckpointsMost { get; } = new(
        "CheckpointsMost", "The most checkpoints of an expert at which features are taken together.", 3, 1, 64);

    /// <inheritdoc/>
    public override string Name => "infmatch-released";

    /// <inheritdoc/>
    public override string Help => "last-layer feature matching, as the authors of influence matching released it";

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.Trajectories | MethodNeeds.RealClasses | MethodNeeds.Features;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = [.. ClassStepSession.Metrics, "expert", "checkpoints"];

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } =
    [
        ClassStepSession.RealBatch, Probes, InfluenceShare, CheckpointsLeast, CheckpointsMost, ClassStepSession.ClassSteps,
        ClassStepSession.Calibration,
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
    [
        .. PublishedExperts.Ncfm,
        .. ClassStepSession.PublishedFor(at, Math.Min(Iterations, MostUpdates / ClassStepSession.UpdatesOf(at)))
            .Where(value => value.Property != "Protocol"),
        ("Protocol", "release"),
    ];

    /// <inheritdoc/>
    public override void Check(MethodValues values, ExpertPlan experts)
    {
        (int least, int most) = (CheckpointsLeast.Of(values), CheckpointsMost.Of(values));
        if (most < least)
            throw new SettingException(CheckpointsMost.Name, $"{most}", $"a number from --checkpoints-least ({least}) on");
    }

    /// <inheritdoc/>
    public override void CheckTrajectory(MethodValues values, IReadOnlyList<int> steps, string trajectory) =>
        StoredNetworks.Require(steps, CheckpointsMost.Of(values), trajectory);

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context)
    {
        StoredNetworks.RequireAll(context.Experts, CheckpointsMost.Of(context.Values));
        return new Session(context);
    }

    /// <summary>The mean [1, M·F] over examples of unit(vec_c[(1 + ρ·g_c)·φ]), g = softmax(z) − onehot(label).</summary>
    /// <param name="logits">z [N, M].</param>
    /// <param name="embedding">φ [N, F].</param>
    /// <param name="label">The class of all of them.</param>
    /// <param name="share">ρ.</param>
    public static Variable FeatureOf(Variable logits, Variable embedding, int label, double share)
    {
        (int count, int classes) = (logits.Shape[0], logits.Shape[1]);
        Variable truth = Variable.Constant(LabelledImages.OneHot(logits.Value.Backend, logits.Value.DType, [label], classes));
        Variable rows = 1 + share * (logits.Softmax() - truth);
        // The matrix of an example has rank one, so its length is the product of two lengths, and the mean of all a matrix product.
        Variable mean = rows.ToUnitRows().MatMul(embedding.ToUnitRows(), transposeA: true) / count;
        return mean.Reshape(new Shape(1, classes * embedding.Shape[1]));
    }

    /// <summary>J_c of projections [1, n] of real and of synthetic features, a scalar.</summary>
    public static Variable DistanceOf(Variable real, Variable synthetic)
    {
        Variable apart = real - synthetic;
        return Scale * (apart * apart / (real * real + synthetic * synthetic + Smallest)).Mean();
    }

    private sealed class Session(MethodContext run) : ClassStepSession(run)
    {
        protected override string Place => "the distance of last-layer features (infmatch-released)";

        protected override string TraitOf(RandomKey own) => $"of {CountOf(own)}";

        protected override ClassObjective Open(SyntheticSet s, RandomKey own, RandomKey key)
        {
            int drawn = own.Split("expert").Below(Run.Experts.Count, 0), calibrating = own.Split("calibration").Below(Run.Experts.Count, 0);
            Expert expert = Run.Experts[drawn];
            double share = InfluenceShare.Of(Run.Values);
            Variable[] thetas =
                [.. CheckpointsOf(expert, own).Select(checkpoint => StoredNetworks.At(expert, checkpoint, s.Images))];
            Variable Mean(int label, Variable images) => Functional.Concat(1, [.. thetas.Select(theta =>
            {
                (Variable logits, NetworkFeatures features) = Run.Network.ForwardWithFeatures(theta, images);
                return FeatureOf(logits, features.Embedding, label, share);
            })]);
            Variable Distance(Variable real, Variable synthetic)
            {
                var probes = new RandomProbes(s.Images, real.Shape[1], Probes.Of(Run.Values), key.Split("probes"));
                return DistanceOf(probes.Project(real), probes.Project(synthetic));
            }
            return new ClassObjective(
                Mean, Distance, () => StoredNetworks.Last(Run.Experts[calibrating], s.Images),
                [new("expert", drawn), new("checkpoints", thetas.Length)]);
        }

        private int CountOf(RandomKey own)
        {
            (int least, int most) = (CheckpointsLeast.Of(Run.Values), CheckpointsMost.Of(Run.Values));
            return least + own.Split("count").Below(most - least + 1, 0);
        }

        // Different ones, of trained networks and not of the initial one.
        private int[] CheckpointsOf(Expert expert, RandomKey own) =>
            [.. own.Split("checkpoints").Permutation(expert.Trajectory.Count - 1).Take(CountOf(own)).Select(i => i + 1)];
    }
}
