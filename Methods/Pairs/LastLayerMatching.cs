using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Influence matching of the last layer of image-text pairs, without an estimate: what replacing D by S does to the linearised
/// contrastive optimum of linear heads is M_S − M_D (<see cref="CrossCovariance"/>), and J = ‖α·M_S − M_D‖²/‖M_D‖². No network is
/// trained and no trajectory read.
/// </summary>
public sealed class LastLayerMatching : DistillationMethod
{
    // Of α·M_S, by M_D's.
    private const double LeastLength = 1e-3;

    private const string Scores = "scores", Frobenius = "frobenius", ClosedForm = "closed-form", Fixed = "fixed";

    /// <summary>λ.</summary>
    public static RealSetting Ridge { get; } = new(
        "PairRidge", "Ridge of the covariances of features, by their mean variance in the real data.", 0.1);

    /// <summary>How maps are compared.</summary>
    public static ChoiceSetting Metric { get; } = new(
        "MapMetric", "How maps of the last layer are compared: by scores of real pairs or by their numbers", Scores, Scores, Frobenius);

    /// <summary>α.</summary>
    public static ChoiceSetting Weight { get; } = new(
        "MapWeight", "How the weight of the synthetic set's map is chosen", ClosedForm, ClosedForm, Fixed);

    /// <inheritdoc/>
    public override string Name => "last-layer";

    /// <inheritdoc/>
    public override string Help => "influence matching of the last layer of image-text pairs, in closed form";

    /// <inheritdoc/>
    public override string LossName => "J";

    /// <inheritdoc/>
    public override double? LossOfEmptySet => 1;

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.Pairs;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = ["cosine", SyntheticSet.WeightNumber];

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } = [Ridge, Metric, Weight];

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) => new Session(context);

    private sealed class Session : MethodSession
    {
        private readonly CrossCovariance _data;
        private readonly PairNetwork _network;
        private readonly bool _isScores, _isClosedForm;
        private readonly double _square;

        public Session(MethodContext run)
        {
            _network = PairNetwork.Of(run.Network);
            _data = new CrossCovariance(run.Real.Train, Ridge.Of(run.Values));
            (_isScores, _isClosedForm) = (Metric.Of(run.Values) == Scores, Weight.Of(run.Values) == ClosedForm);
            _square = _isScores ? _data.SquaredLength : _data.SquaredFrobenius;
        }

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            using IDisposable on = Recording.On();
            Variable[] leaves = [.. s.Tensors.Select(Variable.Leaf)];
            (Variable both, Variable own) = ProductsAt(leaves);
            (Variable weight, Variable j) = ObjectiveOf(both, own, s.Weight);
            (double found, double alpha) = (j.Value.ToScalar(), weight.Value.ToScalar());
            MethodStep step = new(
                found,
                double.IsFinite(found)
                    ? SyntheticGradient.Of(s, [.. Gradient.Of(j, leaves).Select(slope => slope.Value)])
                    : null,
                [
                    new("cosine", both.Value.ToScalar() / Math.Sqrt(own.Value.ToScalar() * _square)),
                    new(SyntheticSet.WeightNumber, alpha),
                ])
            {
                Place = "the distance of the last layers (last-layer)",
            };
            return _isClosedForm ? step with { Numbers = step.Numbers.Add(SyntheticSet.WeightNumber, alpha) } : step;
        }

        // Nothing is drawn, so there is one place.
        public override double Probe(SyntheticSet s, RandomKey key)
        {
            using var scope = TensorScope.Begin();
            using IDisposable off = Recording.Off();
            (Variable both, Variable own) = ProductsAt([.. s.Tensors.Select(Variable.Constant)]);
            return ObjectiveOf(both, own, s.Weight).J.Value.ToScalar();
        }

        // J is even in α, so without a least α a set whose map points away from D's would be turned further away.
        private (Variable Weight, Variable J) ObjectiveOf(Variable both, Variable own, double given)
        {
            Variable weight = _isClosedForm
                ? (both / own).Maximum(LeastLength * Math.Sqrt(_square) / own.Sqrt())
                : Variable.Constant(Tensor.Full(own.Value.Backend, own.Value.DType, Shape.Scalar, given));
            return (weight, (weight * weight * own - 2 * weight * both + _square) / _square);
        }

        private (Variable Both, Variable Own) ProductsAt(IReadOnlyList<Variable> s)
        {
            var labels = PairLabels.Of(SyntheticPairs.BatchOf(s, withSimilarity: true).Labels, _network.TextFeatures);
            Variable map = _data.MapOf(s[0], labels.Texts, labels.Similarity(_network.Options.SimilarityScale));
            return (_data.Dot(map, Variable.Constant(_data.Map), _isScores), _data.Dot(map, map, _isScores));
        }
    }
}
