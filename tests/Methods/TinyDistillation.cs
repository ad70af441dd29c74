using System.Collections.Immutable;
using System.Globalization;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Methods;

/// <summary>A distillation of a tiny problem by influence matching.</summary>
internal sealed record TinyPlan
{
    public int Iterations { get; init; } = 30;

    public WindowPlan Windows { get; init; } = new(2, 0, 2, 4, 10);

    /// <summary>How many windows an update takes the mean of, and who computes them.</summary>
    public int Each { get; init; } = 1;

    public LockStep Ranks { get; init; } = LockStep.Alone;

    public string Estimator { get; init; } = "first-order";

    public WeightRule WeightRule { get; init; } = WeightRule.ClosedForm;

    public ClassWise ClassWise { get; init; } = ClassWise.Off;

    public double WeightRate { get; init; } = 0.1;

    public double Threshold { get; init; } = 1e9;

    public PartPlan Images { get; init; } = new(new SgdOptimiser(), 2, 0.5)
    {
        Bound = 1e3, Says = "the synthetic images, in deviations of the data,", Option = "--lr-img",
    };

    public PartPlan Labels { get; init; } = new(new SgdOptimiser(), 0.5, 0.9)
    {
        Bound = 1e4, Says = "the label logits", Option = "--lr-label", Advice = ", or raise --temperature if they start so",
    };

    public SetSchedule Schedule { get; init; } = new ConstantSchedule();

    public double MostGradient { get; init; }

    public double MostSpike { get; init; }

    public DistillationBudget? Budget { get; init; }

    public int BatchSyn { get; init; }

    public Augmentation Augmentation { get; init; } = Augmentation.None;

    public Distiller Begin(TinyProblem problem, RandomKey key, SyntheticSet? start = null) =>
        Begin(Session(problem, key), start ?? problem.Start, key);

    public Distiller Begin(MethodSession session, SyntheticSet start, RandomKey key) => new(
        session, start,
        new DistillationPlan
        {
            Iterations = Iterations, Schedule = Schedule, MostGradient = MostGradient, MostSpike = MostSpike, Budget = Budget,
            Parts = new Dictionary<string, PartPlan>(StringComparer.Ordinal)
            {
                [SyntheticSet.ImagesPart] = Images, [SyntheticSet.LabelsPart] = Labels,
            },
        },
        key);

    public MethodSession Session(TinyProblem problem, RandomKey key)
    {
        var method = new InfluenceMatching();
        MethodValues values = MethodValues.Standard
            .With(InfluenceMatching.Estimator, Estimator)
            .With(InfluenceMatching.Weight, WeightRule switch
            {
                WeightRule.ClosedForm => "closed-form",
                WeightRule.Learned => "learned",
                _ => "fixed",
            })
            .With(InfluenceMatching.ClassWiseMatching, ClassWise.ToString().ToLowerInvariant())
            .With(InfluenceMatching.WindowLength, Text(Windows.Length))
            .With(InfluenceMatching.StartFirst, Text(Windows.Current)).With(InfluenceMatching.StartLast, Text(Windows.Last))
            .With(InfluenceMatching.StartGrowth, Text(Windows.GrowthEnd)).With(InfluenceMatching.RealBatch, "0")
            .With(WindowMean.Windows, Text(Each))
            .With(InfluenceMatching.Threshold, Threshold.ToString("R", CultureInfo.InvariantCulture));
        return new WithWeightRate(
            method.Begin(new MethodContext
            {
                Network = problem.Network, Real = problem, Experts = problem.Experts, Values = values, Key = key,
                Augmentation = Augmentation, BatchSyn = BatchSyn, Products = problem.Context.Products, Ranks = Ranks,
            }),
            WeightRate);
    }

    /// <summary>The window that a step took.</summary>
    public static Window WindowOf(DistillationStep step) =>
        new(Of(step, "expert"), Of(step, "first"), Of(step, "last"));

    private static int Of(DistillationStep step, string metric) => (int)step.Metrics.Single(m => m.Name == metric).Value;

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed class WithWeightRate(MethodSession method, double rate) : MethodSession
    {
        public override IReadOnlyDictionary<string, NumberPlan> Numbers =>
            method.Numbers.ToDictionary(n => n.Key, _ => new NumberPlan(rate), StringComparer.Ordinal);

        public override MethodStep Evaluate(SyntheticSet s, int iteration, RandomKey key) => method.Evaluate(s, iteration, key);

        public override void Remember(ImmutableArray<double> memo) => method.Remember(memo);

        public override void BeginSet() => method.BeginSet();

        public override void ForgetCaches() => method.ForgetCaches();

        public override double Probe(SyntheticSet s, RandomKey key) => method.Probe(s, key);

        public override IReadOnlyList<NamedArray> Save() => method.Save();

        public override void Restore(ArraySet state) => method.Restore(state);
    }
}
