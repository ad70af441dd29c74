using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Neural characteristic function matching (NCFM; Wang et al., CVPR 2025): the characteristic function Φ(t) = mean exp(i⟨t, φ⟩) of
/// unit embeddings φ of the synthetic images of a class is brought to that of the real ones at random frequencies t ~ N(0, I),
/// J_c = 300·mean_t √(½(|Φ_r| − |Φ_s|)² + ½·2(|Φ_r||Φ_s| − Re Φ_r conj Φ_s)), amplitude and phase. The embedding is of a network
/// between the initial parameters of an expert and its last ones; the calibration is the cross-entropy of the trained expert
/// (<see cref="ClassStepSession"/>). Published without a network that samples frequencies in the code's own settings, on 20 experts
/// of width 128, with 1,024 real images a class, 4,096 frequencies, AdamW on pixels, factor 2 and hard labels, evaluated by
/// protocol B. Data sets without settings of their own take those of CIFAR-10. Here the classes of an iteration share frequencies.
/// </summary>
public sealed class CharacteristicFunctionMatching : DistillationMethod
{
    private const double Scale = 300, LeastPhase = 1e-12;

    /// <summary>How many frequencies the functions are compared at.</summary>
    public static WholeSetting Frequencies { get; } = new(
        "Frequencies", "Random frequencies at which characteristic functions are compared.", 4096, 1, 1 << 20);

    /// <inheritdoc/>
    public override string Name => "ncfm";

    /// <inheritdoc/>
    public override string Help => "neural characteristic function matching (Wang et al., CVPR 2025)";

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.Trajectories | MethodNeeds.RealClasses | MethodNeeds.Features;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = [.. ClassStepSession.Metrics, "expert", "initial_share"];

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } =
        [ClassStepSession.RealBatch, Frequencies, ClassStepSession.ClassSteps, ClassStepSession.Calibration];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Property, string Text)> Published(PublishedCase at) =>
    [
        .. PublishedExperts.Ncfm.Where(value => value.Property != "Checkpoints"), ("Checkpoints", "0"),
        .. ClassStepSession.PublishedFor(at, iterations: 20_000),
    ];

    /// <inheritdoc/>
    public override void CheckTrajectory(MethodValues values, IReadOnlyList<int> steps, string trajectory) =>
        StoredNetworks.Require(steps, 1, trajectory);

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context)
    {
        StoredNetworks.RequireAll(context.Experts, 1);
        return new Session(context);
    }

    /// <summary>Re Φ and Im Φ behind each other [1, 2T] of rows x [N, F], which are brought to length 1, at frequencies [T, F].</summary>
    public static Variable FunctionOf(Variable x, Variable frequencies)
    {
        Variable angles = x.ToUnitRows().MatMul(frequencies, transposeB: true);
        return Functional.Concat(1, angles.Cos().MeanRow(), angles.Sin().MeanRow());
    }

    /// <summary>J_c of two characteristic functions [1, 2T], as <see cref="FunctionOf"/> gives them, a scalar.</summary>
    public static Variable DistanceOf(Variable real, Variable synthetic)
    {
        int count = real.Shape[1] / 2;
        (Variable re, Variable im) = (real.Slice(1, ..count), real.Slice(1, count..));
        (Variable re2, Variable im2) = (synthetic.Slice(1, ..count), synthetic.Slice(1, count..));
        Variable length = (re * re + im * im).Sqrt(), length2 = (re2 * re2 + im2 * im2).Sqrt();
        Variable amplitude = length - length2;
        Variable phase = (2 * (length * length2 - re * re2 - im * im2)).Maximum(LeastPhase);
        return Scale * (0.5 * amplitude * amplitude + 0.5 * phase).Sqrt().Mean();
    }

    private sealed class Session(MethodContext run) : ClassStepSession(run)
    {
        private Tensor? _frequencies; // of one iteration
        private RandomKey _of;

        protected override string Place => "the distance of characteristic functions (ncfm)";

        protected override ClassObjective Open(SyntheticSet s, RandomKey own, RandomKey key)
        {
            int drawn = own.Split("expert").Below(Run.Experts.Count, 0);
            double share = own.Split("share").UniformAt(0);
            Expert expert = Run.Experts[drawn];
            Variable theta = StoredNetworks.Between(expert, share, s.Images);
            return new ClassObjective(
                (_, images) => FunctionOf(Run.Network.Features(theta, images).Embedding, FrequenciesOf(own, s.Images)), DistanceOf,
                () => StoredNetworks.Last(expert, s.Images), [new("expert", drawn), new("initial_share", share)]);
        }

        public override void ForgetCaches()
        {
            _frequencies?.Dispose();
            _frequencies = null;
        }

        // [T, F]. To draw them takes as long as a few hundred images through the network, so they are kept for the iteration.
        private Variable FrequenciesOf(RandomKey own, Tensor like)
        {
            if (_frequencies is { } known && _of == own && known.DType == like.DType)
                return Variable.Constant(known);
            ForgetCaches();
            using (TensorScope.BeginDetached())
            {
                _frequencies = Tensor.Normal(
                    like.Backend, like.DType, new Shape(Frequencies.Of(Run.Values), Run.Network.EmbeddingSize), own.Split("frequencies"));
            }
            _of = own;
            return Variable.Constant(_frequencies);
        }
    }
}
