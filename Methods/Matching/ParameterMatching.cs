using System.Collections.Immutable;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Methods that train on S from an expert's θ*_s and match where the expert went (MTT and its successors): J = ‖θ_S − θ*_{s+M}‖² / ‖θ*_s − θ*_{s+M}‖², with θ_S the end of N steps of plain SGD of the rate η_S on S, which is
/// learned beside S. J = 1 is what η_S = 0 scores. Where a network has several blocks, J is their mean (<see cref="BlockNorm"/>).
/// </summary>
public abstract class ParameterMatching : DistillationMethod
{
    /// <summary>N.</summary>
    public static WholeSetting SyntheticSteps { get; } = new(
        "SyntheticSteps", "Steps of training on the synthetic set in an update.", 50, 1, 1 << 16);

    /// <summary>M.</summary>
    public static WholeSetting Window { get; } = new(
        "Window", "Checkpoints of an expert that the steps on the synthetic set are to cover; with --checkpoints 1 epochs.", 2, 1, 1 << 20);

    /// <summary>Where the walks begin.</summary>
    public static WholeSetting StartLast { get; } = new(
        "StartLast", "Walks begin below this checkpoint in the end.", 20, 1, 1 << 20);

    /// <summary>Where η_S starts.</summary>
    public static RealSetting SyntheticRate { get; } = new(
        "SyntheticRate", "Rate of the steps on the synthetic set at first; it is learned.", 0.01);

    /// <summary>The rate by which η_S is learned.</summary>
    public static RealSetting LrRate { get; } = new(
        "LrRate", "Learning rate of the rate of the steps on the synthetic set; 0 keeps it.", 1e-5, zero: true);

    /// <inheritdoc/>
    public override string LossName => "J";

    /// <inheritdoc/>
    public override double? LossOfEmptySet => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = [SyntheticSet.RateNumber, "expert", "first", "last"];

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.Trajectories;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } =
        [SyntheticSteps, Window, StartLast, SyntheticRate, LrRate, WindowMean.Windows, SyntheticProducts.SecondDerivatives];

    /// <inheritdoc/>
    public override bool TakesBatchesOfS => true;

    /// <inheritdoc/>
    public override bool TakesPairs => true;

    /// <inheritdoc/>
    public override bool LearnsRate => true;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> CountingCheckpoints(MethodValues values) => [Window, StartLast];

    /// <inheritdoc/>
    public override void CheckTrajectory(MethodValues values, IReadOnlyList<int> steps, string trajectory) =>
        WindowStarts.Of(StartsOf(values), new WindowNeed(Name, 1, IsDense: false), steps, trajectory);

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) =>
        WindowMean.Of(context, new Session(context, Name, StartsOf(context.Values), ThresholdOf(context.Values)));

    /// <summary>Where walks begin.</summary>
    protected abstract WindowPlan StartsOf(MethodValues values);

    /// <summary>Updates with a larger J, or one that is not finite, are skipped; the latter's J is then this number. Where it is infinite
    /// none is skipped, and a J that is not finite ends the run.</summary>
    protected virtual double ThresholdOf(MethodValues values) => double.PositiveInfinity;

    private sealed class Session : MethodSession
    {
        // As the authors have it, whose code makes no setting of it.
        private const double Momentum = 0.5;

        private static readonly SgdRule s_rule = new();

        private readonly MethodContext _run;
        private readonly string _name;
        private readonly WindowPlan _windows;
        private readonly double _threshold;
        private readonly int _steps;
        private readonly IReadOnlyList<int[]> _starts;

        public Session(MethodContext run, string name, WindowPlan windows, double threshold)
        {
            (_run, _name, _windows, _threshold) = (run, name, windows, threshold);
            _steps = SyntheticSteps.Of(run.Values);
            _starts = [.. run.Experts.Select((expert, number) => WindowStarts.Of(
                windows, new WindowNeed(name, 1, IsDense: false),
                [.. Enumerable.Range(0, expert.Trajectory.Count).Select(expert.Trajectory.StepOf)],
                $"expert {number} ({expert.Trajectory.Path})"))];
            Numbers = new Dictionary<string, NumberPlan>(StringComparer.Ordinal)
            {
                [SyntheticSet.RateNumber] = new(LrRate.Of(run.Values))
                {
                    IsLogarithmic = false, Momentum = Momentum, Start = SyntheticRate.Of(run.Values),
                    Option = "--lr-rate",
                },
            };
        }

        public override IReadOnlyDictionary<string, NumberPlan> Numbers { get; }

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            Window window = _windows.Draw(_starts, iteration, key);
            (double found, SyntheticGradient? gradient, double ofRate) = Match(window, s, key.Split("augmentation"), wantsGradient: true);
            bool skips = double.IsFinite(_threshold) && !(found <= _threshold);
            // Curves and running means need a number. No other update that is skipped has this one.
            double loss = skips && !double.IsFinite(found) ? _threshold : found;
            ImmutableSortedDictionary<string, double> none = ImmutableSortedDictionary<string, double>.Empty;
            return new MethodStep(
                loss, gradient,
                [new(SyntheticSet.RateNumber, RateOf(s)), .. window.AsMetrics()])
            {
                NumberGradients = none.Add(SyntheticSet.RateNumber, ofRate),
                Skip = skips,
                Place = $"the objective J ({_name}, expert {window.Expert}, checkpoints {window.First} to {window.Last})",
            };
        }

        // At places spread evenly over all where walks begin in the end, by the experts in turn.
        public override double Probe(SyntheticSet s, RandomKey key) => MeanOfPlaces(i => Match(
            _windows.Place(_starts, i, PlacesOfProbe), s, key.Split((ulong)i).Split("augmentation"), wantsGradient: false).Loss);

        public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key) => Enumerable.Range(0, _steps)
            .Select(t => _run.Augmentation.FormOf(key.Split("augmentation").Split((ulong)t), siamese: false).ToString())
            .ToHashSet(StringComparer.Ordinal);

        private (double Loss, SyntheticGradient? Gradient, double OfRate) Match(
            Window window, SyntheticSet s, RandomKey draws, bool wantsGradient)
        {
            (Tensor start, Tensor target) = (ThetaOf(window, window.First, s), ThetaOf(window, window.Last, s));
            SyntheticLoss loss = _run.LossOf(s, draws, siamese: false);
            var plan = new WalkPlan(s_rule, _steps, new StepRates(RateOf(s))) { RateIsLearned = wantsGradient };
            if (!wantsGradient)
                return (Distance(plan.End(WalkState.At(start), s, loss).Theta).Loss, null, double.NaN);
            Walk walk = plan.From(WalkState.At(start), s, loss, _run.Products);
            (double found, Func<Tensor> slope) = Distance(walk.End.Theta);
            if (!double.IsFinite(found))
                return (found, null, double.NaN);
            WalkGradient gradient = walk.Pullback(_run.Products, s, loss, slope());
            return (found, gradient.Set, gradient.Rate);

            (double Loss, Func<Tensor> Slope) Distance(Tensor end)
            {
                Tensor left = end.Minus(target), whole = start.Minus(target);
                // The one wait for the device on the way.
                double[][] squares = BlockNorm.Dots(_run.Network, (left, left), (whole, whole));
                if (squares[1].Length == 1)
                    return (squares[0][0] / squares[1][0], () => left.Times(2 / squares[1][0]));
                BlockNorm norm = BlockNorm.Relative(_run.Network, squares[1]);
                return (norm.Dot(squares[0]), () => norm.Dual(left.Times(2)));
            }
        }

        private Tensor ThetaOf(Window window, int checkpoint, SyntheticSet s) =>
            _run.Experts[window.Expert].Trajectory.Theta(checkpoint, s.Backend, s.DType);

        private static double RateOf(SyntheticSet s) => s.Numbers[SyntheticSet.RateNumber];
    }
}
