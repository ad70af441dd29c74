using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>What D does on a window.</summary>
/// <param name="LossBefore">The mean loss of real images where the window begins, L_D(θ⁰), in nats.</param>
/// <param name="LossAfter">The same where D's training ends, L_D(θ⁺).</param>
/// <param name="NoiseShare">1 − ⟨a, a'⟩/½(‖a‖² + ‖a'‖²), where a' is D's displacement under another order of its minibatches: the
/// share of ‖a_D‖² that another order would not repeat. NaN where none was asked for, or where it is not known: momentum and
/// sharpness-aware steps have a state that checkpoints do not hold.</param>
public sealed record RealOutcome(double LossBefore, double LossAfter, double NoiseShare);

/// <summary>What S does on a window, beside what D does.</summary>
/// <param name="Relative">J = ‖α·a_S − a_D‖²/‖a_D‖².</param>
/// <param name="OfFunction">J of what the networks answer: mean KL(p(θ⁺) ‖ p(θ⁰ + α·a_S)) of real images over mean KL(p(θ⁺) ‖ p(θ⁰)).
/// 1 is what an empty S scores, 0 what D does.</param>
/// <param name="LossFromReal">L_D after the steps of the window on S, from D's θ⁰.</param>
/// <param name="LossFromOwn">The same from where S itself leads: from the expert's beginning, by steps on S up to the window.</param>
/// <param name="OwnLossBefore">L_D there before the steps of the window.</param>
public sealed record SyntheticOutcome(
    double Relative, double OfFunction, double LossFromReal, double LossFromOwn, double OwnLossBefore);

/// <summary>
/// What J cannot tell: how sets act on windows in what networks answer, off D's path, and beside the noise of D's own displacement.
/// Source: docs/theory.md, "What J does not see".
/// </summary>
/// <param name="estimator">The estimator of displacements.</param>
/// <param name="context">Where the experts are.</param>
/// <param name="rule">How α is chosen.</param>
/// <param name="real">The real images whose loss and answers are taken, with their labels.</param>
public sealed class WindowOutcomes(
    InfluenceEstimator estimator, EstimationContext context, WeightRule rule, LabelledImages real) : IDisposable
{
    private static readonly SgdRule s_rule = new();

    private readonly InfluenceObjective _objective = new(estimator, context, rule, capacity: 1);
    private readonly double[] _labels = real.Labels.To(DType.Float64).ToArray<double>();

    /// <summary>What D does.</summary>
    /// <param name="window">The window.</param>
    /// <param name="twin">What another order of D's minibatches follows from; null where the share of noise is not wanted. It costs
    /// as much as the window's training did.</param>
    public RealOutcome OfReal(Window window, RandomKey? twin)
    {
        using var scope = TensorScope.Begin();
        using var open = new OpenWindow(context, window);
        return new RealOutcome(
            LossOf(AnswersAt(open, open.Theta(window.First))), LossOf(AnswersAt(open, open.Theta(window.Last))),
            twin is { } key && open.Expert.Plan is { Momentum: 0, SharpnessAware: null } ? NoiseShare(open, key) : double.NaN);
    }

    /// <summary>What S does.</summary>
    /// <param name="window">The window.</param>
    /// <param name="s">S.</param>
    /// <param name="loss">The loss of S under one draw of its augmentation.</param>
    public SyntheticOutcome OfSet(Window window, SyntheticSet s, SyntheticLoss loss)
    {
        using var scope = TensorScope.Begin();
        ObjectiveValue value = _objective.Evaluate(window, s, loss, gradient: false);
        using var open = new OpenWindow(context, window, hold: false);
        Tensor start = open.Theta(window.First);
        Tensor moved = TensorAlgebra.Axpy(value.Weight, estimator.Synthetic(open, s, loss).Value, start);
        double[] target = AnswersAt(open, open.Theta(window.Last));
        var before = new Window(window.Expert, 0, window.First);
        using var way = new OpenWindow(context, before, hold: false);
        Tensor own = TrajectoryMatchingEstimator.TrainingOnSet(way).End(WalkState.At(way.Theta(0)), s, loss).Theta;
        WalkPlan steps = TrajectoryMatchingEstimator.TrainingOnSet(open);
        double After(Tensor theta) => LossOf(AnswersAt(open, steps.End(WalkState.At(theta), s, loss).Theta));
        return new SyntheticOutcome(
            value.Relative, Divergence(target, AnswersAt(open, moved)) / Divergence(target, AnswersAt(open, start)),
            After(start), After(own), LossOf(AnswersAt(open, own)));
    }

    /// <inheritdoc/>
    public void Dispose() => _objective.Dispose();

    // D's steps again, by minibatches of another key.
    private static double NoiseShare(OpenWindow open, RandomKey key)
    {
        Expert expert = open.Expert;
        (int first, int last) = (expert.Trajectory.StepOf(open.First), expert.Trajectory.StepOf(open.Last));
        var trainer = new Trainer(expert.Network, expert.Data, expert.Plan, key);
        var plan = new WalkPlan(
            s_rule, last - first, i => new StepRates(expert.Trajectory.RateAt(first + i), 0, expert.Plan.WeightDecay));
        WalkState start = WalkState.At(open.Theta(open.First));
        Tensor again = plan.End(start, i => trainer.LossAt(first + i)).Theta.Minus(start.Theta), once = open.RecordedDisplacement();
        return 1 - 2 * TensorAlgebra.Dot(once, again) / (TensorAlgebra.Dot(once, once) + TensorAlgebra.Dot(again, again));
    }

    // log p of every class, image by image, in float64 on the host: a mean of few hundred images is no work for a device.
    private double[] AnswersAt(OpenWindow open, Tensor theta)
    {
        float[] logits = open.Network.Logits(theta, real.Images);
        int classes = open.Network.Classes;
        var logs = new double[logits.Length];
        for (int row = 0; row < logits.Length; row += classes)
        {
            double most = double.NegativeInfinity, sum = 0;
            for (int c = 0; c < classes; c++)
                most = Math.Max(most, logits[row + c]);
            for (int c = 0; c < classes; c++)
                sum += Math.Exp(logits[row + c] - most);
            for (int c = 0; c < classes; c++)
                logs[row + c] = logits[row + c] - most - Math.Log(sum);
        }
        return logs;
    }

    private double LossOf(double[] logs)
    {
        double sum = 0;
        for (int i = 0; i < logs.Length; i++)
            sum -= _labels[i] * logs[i];
        return sum / real.Count;
    }

    private double Divergence(double[] target, double[] logs)
    {
        double sum = 0;
        for (int i = 0; i < logs.Length; i++)
            sum += Math.Exp(target[i]) * (target[i] - logs[i]);
        return sum / real.Count;
    }
}
