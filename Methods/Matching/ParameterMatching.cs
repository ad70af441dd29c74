using System.Collections.Immutable;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// The settings and the session of methods that train on S from an expert's θ*_s and match where the expert went (MTT and its
/// successors): J = ‖θ_S − θ*_{s+M}‖² / ‖θ*_s − θ*_{s+M}‖², with θ_S the end of N steps of plain SGD of the rate η_S on S, which is
/// learned beside S. J = 1 is what η_S = 0 scores.
/// </summary>
public static class ParameterMatching
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

    /// <summary>The settings that all of these methods have.</summary>
    public static IReadOnlyList<MethodSetting> Settings { get; } = [SyntheticSteps, Window, StartLast, SyntheticRate, LrRate];

    /// <summary>Those of them that count checkpoints.</summary>
    public static IReadOnlyList<MethodSetting> CountingCheckpoints { get; } = [Window, StartLast];

    /// <summary>What they measure besides J.</summary>
    public static IReadOnlyList<string> Metrics { get; } = [SyntheticSet.RateNumber, "expert", "first", "last"];

    /// <summary>The session of a method.</summary>
    /// <param name="run">The run; it has <see cref="Settings"/>.</param>
    /// <param name="name">The method, for messages.</param>
    /// <param name="starts">Where walks begin.</param>
    /// <param name="threshold">Updates with a larger J, or one that is not finite, are skipped; the latter's J is then this number.
    /// Where it is infinite none is skipped, and a J that is not finite ends the run.</param>
    /// <exception cref="TrajectoryException">An expert has no window of that length.</exception>
    public static MethodSession Begin(MethodContext run, string name, WindowPlan starts, double threshold = double.PositiveInfinity) =>
        new Session(run, name, starts, threshold);

    /// <summary>Refuses experts that will have no window.</summary>
    /// <exception cref="TrajectoryException">They will not.</exception>
    public static void CheckTrajectory(string name, WindowPlan starts, IReadOnlyList<int> steps, string trajectory) =>
        WindowStarts.Of(starts, new WindowNeed(name, 1, IsDense: false), steps, trajectory);

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
                    Option = "--lr-img or --lr-rate",
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
                [
                    new(SyntheticSet.RateNumber, RateOf(s)), new("expert", window.Expert), new("first", window.First),
                    new("last", window.Last),
                ])
            {
                NumberGradients = none.Add(SyntheticSet.RateNumber, ofRate),
                Skip = skips,
                Place = $"the objective J ({_name}, expert {window.Expert}, checkpoints {window.First} to {window.Last})",
            };
        }

        // At places spread evenly over all where walks begin in the end, by the experts in turn.
        public override double Probe(SyntheticSet s, RandomKey key)
        {
            double sum = 0;
            for (int i = 0; i < PlacesOfProbe; i++)
            {
                using var scope = TensorScope.Begin();
                int expert = i % _starts.Count, first = _starts[expert][(2 * i + 1) * _starts[expert].Length / (2 * PlacesOfProbe)];
                sum += Match(
                    new Window(expert, first, first + _windows.Length), s, key.Split((ulong)i).Split("augmentation"),
                    wantsGradient: false).Loss;
            }
            return sum / PlacesOfProbe;
        }

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
            Walk walk = plan.From(WalkState.At(start), s, loss);
            (double found, Tensor apart, double real) = Distance(walk.End.Theta);
            if (!double.IsFinite(found))
                return (found, null, double.NaN);
            WalkGradient gradient = walk.Pullback(_run.Products, s, loss, apart.Times(2 / real));
            return (found, gradient.Set, gradient.Rate);

            (double Loss, Tensor Apart, double Real) Distance(Tensor end)
            {
                Tensor left = end.Minus(target), whole = start.Minus(target);
                double[] squares = TensorAlgebra.Dots((left, left), (whole, whole)); // the one wait for the device on the way
                return (squares[0] / squares[1], left, squares[1]);
            }
        }

        private Tensor ThetaOf(Window window, int checkpoint, SyntheticSet s) =>
            _run.Experts[window.Expert].Trajectory.Theta(checkpoint, s.Images.Backend, s.Images.DType);

        private static double RateOf(SyntheticSet s) => s.Numbers[SyntheticSet.RateNumber];
    }
}
