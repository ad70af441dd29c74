using System.Collections.Immutable;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Methods;

/// <summary>
/// Influence matching (CVPR 2026): S is learned so that the influence of adding it offsets that of removing D on windows of the
/// experts' trajectories, min ‖I_{−D} + I_{+S}‖. Source: docs/theory.md.
/// </summary>
public sealed class InfluenceMatching : DistillationMethod
{
    private const string Off = "off", On = "on", Both = "both";

    /// <summary>How influence is estimated.</summary>
    public static ChoiceSetting Estimator { get; } = new(
        "Estimator", "How influence is estimated", "first-order", [.. Kinds.Names<InfluenceEstimator>()])
    {
        Aliases = new Dictionary<string, string>(StringComparer.Ordinal) { [TrajectoryMatchingEstimator.OlderName] = "trajectory-matching" },
    };

    /// <summary>How the weight of S is chosen.</summary>
    public static ChoiceSetting Weight { get; } = new(
        "Weight", "How the weight of the synthetic set is chosen", "closed-form", "closed-form", "learned", "fixed");

    /// <summary>Whether classes are matched each on its own.</summary>
    public static ChoiceSetting ClassWiseMatching { get; } = new(
        "ClassWise", "Whether influence is matched class by class", Off, Off, On, Both)
    {
        Aliases = new Dictionary<string, string>(StringComparer.Ordinal) { ["whole"] = Off, ["classes"] = On },
    };

    /// <summary>The length of a window.</summary>
    public static WholeSetting WindowLength { get; } = new(
        "Window", "Checkpoints over which influence is matched.", 2, 1, 1 << 20);

    /// <summary>Where windows begin at first.</summary>
    public static WholeSetting StartFirst { get; } = new(
        "StartFirst", "Windows begin below this checkpoint at first.", 16, 1, 1 << 20);

    /// <summary>Where windows begin once the range has grown.</summary>
    public static WholeSetting StartLast { get; } = new(
        "StartLast", "Windows begin below this checkpoint in the end.", 48, 1, 1 << 20);

    /// <summary>How long the range of beginnings grows.</summary>
    public static WholeSetting StartGrowth { get; } = new(
        "StartGrowth", "Iterations over which the range of beginnings grows; 0 for at once.", 200, 0, 10_000_000);

    /// <summary>Steps with a larger J are skipped. It is above 1: under the closed-form weight J is slightly above 1
    /// when S moves θ against D, and such a step must still turn S round (DATM's 1.0 is for a fixed rate).</summary>
    public static RealSetting Threshold { get; } = new("Threshold", "Steps with a larger relative J are skipped.", 1.5);

    /// <summary>The rate of a training on S.</summary>
    public static RealSetting SyntheticRate { get; } = new(
        "SyntheticRate",
        "Rate of each step by which the estimator trajectory-matching trains on S; 0 for the sum of the experts' rates.", 0, zero: true)
    {
        Neutral = "0",
    };

    /// <summary>Images per class of the fixed part of D on which gradients are taken.</summary>
    public static WholeSetting RealBatch { get; } = new(
        "RealBatch", "Real images per class in the real gradient; 0 for all.", 200, 0, 1 << 20);

    /// <inheritdoc/>
    public override string Name => Default;

    /// <inheritdoc/>
    public override string Help => "influence matching (CVPR 2026), with all its estimators";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Metrics { get; } = ["cosine", SyntheticSet.WeightNumber, "expert", "first", "last"];

    /// <inheritdoc/>
    public override MethodNeeds Needs => MethodNeeds.Trajectories | MethodNeeds.RealClasses;

    /// <inheritdoc/>
    public override string LossName => "J";

    /// <inheritdoc/>
    public override double? LossOfEmptySet => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> Settings { get; } =
    [
        Estimator, Weight, ClassWiseMatching, WindowLength, StartFirst, StartLast, StartGrowth, Threshold, SyntheticRate, RealBatch,
        WindowMean.Windows, SyntheticProducts.SecondDerivatives,
    ];

    /// <inheritdoc/>
    public override bool TakesBatchesOfS => true;

    /// <inheritdoc/>
    public override bool TakesPairs => true;

    /// <inheritdoc/>
    public override string Describe(MethodValues values) => Estimator.Of(values);

    /// <inheritdoc/>
    public override void Check(MethodValues values, ExpertPlan experts)
    {
        (int first, int last, int window) = (StartFirst.Of(values), StartLast.Of(values), WindowLength.Of(values));
        if (last < first)
            throw new SettingException(StartLast.Name, $"{last}", $"a number from --start-first ({first}) on");
        var estimator = InfluenceEstimator.Of(Estimator.Of(values));
        if (experts.Training is { } training)
            estimator.Check(training);
        if (estimator.NeedsDenseWindow && experts.DenseSteps < window)
        {
            throw new SettingException(
                nameof(experts.DenseSteps), $"{experts.DenseSteps}",
                $"at least --window ({window}), because the {Estimator.Of(values)} estimator follows every step: experts store so many " +
                $"with --dense-steps {window}");
        }
    }

    /// <inheritdoc/>
    public override void CheckTrajectory(MethodValues values, IReadOnlyList<int> steps, string trajectory) =>
        WindowStarts.Of(PlanOf(values), InfluenceEstimator.Of(Estimator.Of(values)).Windows, steps, trajectory);

    /// <inheritdoc/>
    public override IReadOnlyList<MethodSetting> CountingCheckpoints(MethodValues values) =>
        InfluenceEstimator.Of(Estimator.Of(values)).NeedsDenseWindow ? [] : [WindowLength, StartFirst, StartLast];

    /// <inheritdoc/>
    public override MethodSession Begin(MethodContext context) => WindowMean.Of(context, new Session(context));

    /// <summary>Where the windows of settings lie.</summary>
    public static WindowPlan PlanOf(MethodValues values) => new(
        WindowLength.Of(values), 0, StartFirst.Of(values), StartLast.Of(values), StartGrowth.Of(values));

    /// <summary>How settings choose the weight of S.</summary>
    public static WeightRule RuleOf(MethodValues values) => Weight.Of(values) switch
    {
        "closed-form" => WeightRule.ClosedForm,
        "learned" => WeightRule.Learned,
        _ => WeightRule.Fixed,
    };

    private static ClassWise ClassWiseOf(MethodValues values) => ClassWiseMatching.Of(values) switch
    {
        Off => ClassWise.Off,
        On => ClassWise.On,
        _ => ClassWise.Both,
    };

    /// <summary>What the estimators of a run read from: one fixed balanced part of D, in which the class with the fewest images sets the
    /// size where that is below the setting.</summary>
    public static EstimationContext ContextOf(MethodContext run)
    {
        IRealData data = run.Real;
        int asked = RealBatch.Of(run.Values), smallest = Enumerable.Range(0, data.Classes).Min(data.CountOfClass);
        int each = asked == 0 ? smallest : Math.Min(asked, smallest);
        int[] chosen = data.RandomOfEachClass(each, run.Key.Split("real batch"));
        LabelledImages real = (asked == 0 ? data.Train : data.Train.Rows(chosen)).WithOneLabelEach(run.Key.Split("real labels"));
        return new EstimationContext(run.Experts, run.Products, real)
        {
            RealClasses = ClassWiseOf(run.Values) == ClassWise.Off ? [] : [.. chosen.Chunk(each).Select(data.Train.Rows)],
            SyntheticRate = SyntheticRate.Of(run.Values) is > 0 and var rate ? rate : null,
        };
    }

    private sealed class Session : MethodSession
    {
        private const double WeightRate = 0.1;

        private readonly MethodContext _run;
        private readonly InfluenceEstimator _estimator;
        private readonly InfluenceObjective _objective, _probe;
        private readonly WindowPlan _windows;
        private readonly IReadOnlyList<int[]> _starts;
        private readonly WeightRule _rule;
        private readonly double _threshold;
        private readonly int _most, _perWindow;

        private readonly CountedWindows _counted;

        public Session(MethodContext run)
        {
            (_run, _windows, _threshold) = (run, PlanOf(run.Values), Threshold.Of(run.Values));
            _estimator = InfluenceEstimator.Of(Estimator.Of(run.Values));
            _rule = RuleOf(run.Values);
            foreach (Expert expert in run.Experts)
                _estimator.Check(expert.Plan);
            ClassWise classWise = ClassWiseOf(run.Values);
            if (classWise != ClassWise.Off && run.Network.TrainingLoss is not ExampleLoss)
            {
                throw new SettingException(
                    ClassWiseMatching.Name, ClassWiseMatching.Of(run.Values),
                    "off for a loss that compares the rows of a set with each other");
            }
            _perWindow = classWise switch
            {
                ClassWise.Off => 1,
                ClassWise.On => run.Real.Classes,
                _ => run.Real.Classes + 1,
            };
            _most = (int)Math.Min(int.MaxValue >> 1, (long)run.Experts.Count * _windows.Last * _perWindow);
            _starts = [.. run.Experts.Select(StartsOf)];
            _counted = new CountedWindows(run.Real.Train.Images.Backend, _starts);
            EstimationContext context = ContextOf(run);
            _objective = new InfluenceObjective(_estimator, context, _rule, classWise, _most);
            _probe = new InfluenceObjective(_estimator, context, _rule, classWise, capacity: 1);
            var numbers = new Dictionary<string, NumberPlan>(StringComparer.Ordinal);
            if (_rule == WeightRule.Learned)
                numbers.Add(SyntheticSet.WeightNumber, new NumberPlan(WeightRate));
            Numbers = numbers;
        }

        public override IReadOnlyDictionary<string, NumberPlan> Numbers { get; }

        public override void BeginSet() => _counted.Clear();

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key)
        {
            Window window = _windows.Draw(_starts, iteration, key);
            SyntheticLoss loss = _run.LossOf(s, key.Split("augmentation"), _estimator.IsSiamese);
            ObjectiveValue value = _objective.Evaluate(window, s, loss);
            ImmutableSortedDictionary<string, double> none = ImmutableSortedDictionary<string, double>.Empty;
            ImmutableArray<double> memo = value.RealImages == 0 ? [] : [window.Expert, window.First, window.Last, value.RealImages];
            return new MethodStep(
                value.Relative, value.Gradient,
                [
                    new("cosine", value.Cosine), new(SyntheticSet.WeightNumber, value.Weight), .. window.AsMetrics(),
                ])
            {
                NumberGradients = none.Add(SyntheticSet.WeightNumber, value.WeightGradient),
                Numbers = _rule == WeightRule.ClosedForm ? none.Add(SyntheticSet.WeightNumber, value.Weight) : none,
                Skip = value.Relative > _threshold,
                Memo = memo,
                Commit = memo.IsEmpty ? null : _ => Remember(memo),
                Place = $"the objective J ({_estimator.Name}, expert {window.Expert}, checkpoints {window.First} to {window.Last})",
            };
        }

        public override void Remember(ImmutableArray<double> memo)
        {
            if (memo is [var expert, var first, var last, var images])
                _counted.Add(new Window((int)expert, (int)first, (int)last), (long)images);
        }

        public override IReadOnlyList<NamedArray> Save() => _counted.Save();

        public override void Restore(ArraySet state) => _counted.Restore(state);

        // On windows spread evenly over all places that the range of beginnings grows to, by the experts in turn. No a_D of them
        // is kept: what an update holds in memory stays as it is.
        public override double Probe(SyntheticSet s, RandomKey key) => MeanOfPlaces(i =>
        {
            SyntheticLoss loss = _run.LossOf(s, key.Split((ulong)i).Split("augmentation"), _estimator.IsSiamese);
            double found = _probe.Evaluate(_windows.Place(_starts, i, PlacesOfProbe), s, loss, gradient: false).Relative;
            _probe.Dispose();
            return found;
        });

        // One draw of the augmentation, or one for each step of a training on S.
        public override IReadOnlySet<string> TraitsOf(int iteration, RandomKey key)
        {
            RandomKey draw = key.Split("augmentation");
            Window window = _windows.Draw(_starts, iteration, key);
            return (_estimator.IsSiamese
                ? [_run.Augmentation.FormOf(draw, siamese: true)]
                : Enumerable.Range(window.First, window.Length)
                    .Select(t => _run.Augmentation.FormOf(draw.Split((ulong)t), siamese: false)))
                .Select(form => form.ToString()).ToHashSet(StringComparer.Ordinal);
        }

        // An a_D for each window, or more where classes are matched; those of the last window are made by its update.
        public override int VectorsKept(IReadOnlyList<(int Iteration, RandomKey Key)> updates)
        {
            int windows = UpdatesThatFill(updates);
            return Math.Max(0, Math.Min(windows * _perWindow, _most + 1) - _perWindow);
        }

        // The first on each window: a_D is kept for the others.
        public override int UpdatesThatFill(IReadOnlyList<(int Iteration, RandomKey Key)> updates) =>
            updates.Select(u => _windows.Draw(_starts, u.Iteration, u.Key)).Distinct().Count();

        public override void ForgetCaches() => _objective.Dispose();

        private int[] StartsOf(Expert expert, int number)
        {
            TrajectoryFile trajectory = expert.Trajectory;
            return WindowStarts.Of(
                _windows, _estimator.Windows, [.. Enumerable.Range(0, trajectory.Count).Select(trajectory.StepOf)],
                $"expert {number} ({trajectory.Path})");
        }
    }
}
