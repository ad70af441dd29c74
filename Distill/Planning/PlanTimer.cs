using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What measuring may cost.</summary>
/// <param name="Least">Seconds that it may always take.</param>
/// <param name="Most">Seconds after which no kind of step gets more time than two steps take.</param>
internal readonly record struct ProbeBudget(double Least, double Most)
{
    /// <summary>Of the whole run.</summary>
    public const double Share = 0.02;

    /// <summary>For the line before a run.</summary>
    public static ProbeBudget Line { get; } = new(0.5, 2);

    /// <summary>For 'plan', of which that is the purpose.</summary>
    public static ProbeBudget Plan { get; } = new(3, 8);

    /// <summary>Seconds for a run of so many.</summary>
    public double Of(double run) => Math.Clamp(Share * run, Least, Most);
}

/// <summary>
/// Times planned work by a few steps of each kind. How much each kind computes is counted on a dry run first; with the speed of some
/// training steps this tells about how long everything takes, so that steps which are too long for a probe are not taken, and
/// their time is reckoned instead.
/// </summary>
internal sealed class PlanTimer
{
    // Images in the batch of the first steps, of which the speed is known for a start.
    private const int FirstBatch = 8, FirstSteps = 6, FewestSteps = 3, MostSteps = 400;

    // Two steps of a kind may take so much of the run, and such a share of a kind's own steps is enough to know them.
    private const double LongStep = 0.0025, EnoughSteps = 0.05;

    private readonly StepProbe _real, _counted;
    private readonly ProbeBudget _budget;
    private readonly Dictionary<string, double> _work = new(StringComparer.Ordinal);

    private PlanTimer(StepProbe real, StepProbe counted, ProbeBudget budget) =>
        (_real, _counted, _budget) = (real, counted, budget);

    /// <summary>The stages in the order of the work, with their times.</summary>
    /// <param name="planned">All work.</param>
    /// <param name="network">A network whose training steps tell the speed at first.</param>
    /// <param name="plan">How it is trained.</param>
    /// <param name="inputs">On what it is measured.</param>
    /// <param name="budget">What that may cost.</param>
    public static IReadOnlyList<TimedStage> Time(
        IReadOnlyList<PlannedWork> planned, Network network, TrainingPlan plan, ProbeInputs inputs, ProbeBudget budget)
    {
        using IDisposable detached = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        var dryRun = new MemoryDryRun(inputs.Data.Backend, captures: false);
        PreparedData placeholders = PreparedData.Placeholder(inputs.Data.Pair, dryRun);
        return new PlanTimer(
            new StepProbe(inputs.Settings, inputs.Data, inputs.Clock, inputs.Cancel),
            new StepProbe(inputs.Settings, placeholders, new WorkClock(dryRun), inputs.Cancel), budget).Time(planned, network, plan);
    }

    private TimedStage[] Time(IReadOnlyList<PlannedWork> planned, Network network, TrainingPlan plan)
    {
        PlannedWork[] kinds = [.. planned.DistinctBy(work => work.Kind, StringComparer.Ordinal)];
        foreach (PlannedWork kind in kinds)
            _work[kind.Kind] = kind.Measure(_counted, new ProbeSlot(0, 2));
        double speed = SpeedOf(network, plan);
        double run = planned.Sum(work => work.Count * _work[work.Kind]) / speed;
        double each = _budget.Of(run) / Math.Max(1, kinds.Length);
        var times = new Dictionary<string, (double Seconds, bool IsMeasured)>(StringComparer.Ordinal);
        foreach (PlannedWork kind in kinds)
        {
            double count = planned.Where(work => work.Kind == kind.Kind).Sum(work => work.Count) / kind.Together;
            double reckoned = _work[kind.Kind] / speed;
            if (2 * kind.Together * reckoned > Math.Max(_budget.Most / kinds.Length, LongStep * run))
            {
                times[kind.Kind] = (reckoned, false);
                continue;
            }
            int most = (int)Math.Clamp(EnoughSteps * count, FewestSteps, MostSteps);
            double measured = Measure(kind, new ProbeSlot(each, most));
            times[kind.Kind] = double.IsNaN(measured) ? (reckoned, false) : (measured, true);
        }
        return
        [
            .. planned.GroupBy(work => work.Stage).Select(stage => new TimedStage(
                stage.Key, stage.Sum(work => work.Count * times[work.Kind].Seconds),
                stage.All(work => times[work.Kind].IsMeasured))),
        ];
    }

    // Where memory ends is a matter of the run, which has been checked and frees what it caches.
    private double Measure(PlannedWork kind, ProbeSlot slot)
    {
        try
        {
            return kind.Measure(_real, slot);
        }
        catch (DeviceMemoryException)
        {
            return double.NaN;
        }
    }

    // Of a few images, so that it is soon known of the largest network, too.
    private double SpeedOf(Network network, TrainingPlan plan)
    {
        TrainingPlan few = plan with { BatchSize = Math.Min(FirstBatch, plan.BatchSize), MostSteps = FirstSteps, CutMix = 0 };
        double Step(StepProbe on) => on.TrainingStep(network, () => on.Train, few, 1, new ProbeSlot(0.25, FirstSteps));
        return Step(_counted) / Step(_real);
    }
}

/// <summary>On what a plan is measured.</summary>
/// <param name="Settings">Of the run.</param>
/// <param name="Data">Its data, on its device.</param>
/// <param name="Clock">What time is.</param>
/// <param name="Cancel">Stops between two steps.</param>
internal sealed record ProbeInputs(RunSettings Settings, PreparedData Data, TimeProvider Clock, CancellationToken Cancel);
