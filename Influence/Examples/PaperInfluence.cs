using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>The rate in the coefficient c_t = η^t Σ_{k&gt;t} η^k of the published form.</summary>
public enum PaperRate
{
    /// <summary>η/(1 − μ), which is what a step amounts to under momentum.</summary>
    Effective,

    /// <summary>η as it is, also under momentum.</summary>
    Plain,
}

/// <summary>
/// The published form (Inf-Match, CVPR 2026, Theorem 1, the estimator "paper") for weights of examples:
/// δ = Σ_t c_t (H_D q + H_q G_D) with q the change of the gradient of D, at evenly spaced checkpoints, each standing
/// for the steps up to the next; optionally with −(Σ_t η^t)·q at the first. Source: docs/theory.md, "The published
/// form".
/// </summary>
public sealed class PaperInfluence(
    ExampleContext context, bool includeFirstOrder, PaperRate rate = PaperRate.Effective) : ExampleInfluence(context)
{
    /// <inheritdoc/>
    public override string Name => (includeFirstOrder ? "paper+first" : "paper") +
        (rate == PaperRate.Plain ? "-plain" : "");

    // Read wherever the formula is: it is that of SGD's steps.
    private double Scale => Context.Expert.Plan switch
    {
        { SharpnessAware: { } by } => throw new TrajectoryException(
            $"{Context.Expert.Trajectory.Path} was recorded with {by}, and the published form is that of SGD. Take experts of SGD."),
        _ when rate == PaperRate.Plain => 1,
        { Momentum: var momentum } => 1 / (1 - momentum),
    };

    // (checkpoint, c_t); the last one has c_t = 0 and is left out.
    private IEnumerable<(int Checkpoint, double Coefficient)> Terms()
    {
        (int Checkpoint, double Rate)[] spaced = Context.Spaced();
        for (int t = 0; t < spaced.Length - 1; t++)
            yield return (spaced[t].Checkpoint, Scale * Scale * spaced[t].Rate * spaced.Skip(t + 1).Sum(s => s.Rate));
    }

    private double FirstOrderWeight => -Scale * Context.Expert.Trajectory.RateBetween(0, Context.Last);

    /// <inheritdoc/>
    public override Tensor Displacement(Intervention intervention)
    {
        Tensor sum = Context.Expert.Zeros();
        if (ChangeOfDataLoss(intervention) is not { } change)
            return sum;
        if (includeFirstOrder)
        {
            using var scope = TensorScope.Begin();
            Tensor g = Differential.GradientAt(change, Context.Theta(0));
            sum = scope.Replace(sum, g.Times(FirstOrderWeight));
        }
        foreach ((int checkpoint, double c) in Terms())
        {
            using var scope = TensorScope.Begin();
            ImageGradients += 3 * Data.Count;
            Tensor theta = Context.Theta(checkpoint);
            Tensor q = Differential.GradientAt(change, theta), g = Differential.GradientAt(Context.LossOfData, theta);
            Tensor cross = Context.Field.HessianVector(theta, Context.LossOfData, q)
                .Plus(Context.Field.HessianVector(theta, change, g));
            sum = scope.Replace(sum, TensorAlgebra.Axpy(c, cross, sum));
        }
        return sum;
    }

    /// <inheritdoc/>
    // ⟨u, H_D q + H_q G_D⟩ = d/dε ⟨G_D(θ + εu), q(θ + εu)⟩, and q is linear in the weights: a difference of slopes.
    public override double[] Scores(ParameterLoss measure)
    {
        var scores = new double[Data.Count];
        using var outer = TensorScope.Begin();
        Tensor u = Cotangent(measure);
        void Add(double c, double[] slopes)
        {
            for (int i = 0; i < slopes.Length; i++)
                scores[i] += c * slopes[i];
        }
        if (includeFirstOrder)
            Add(FirstOrderWeight, SlopesOfData(Context.Theta(0), u));
        foreach ((int checkpoint, double c) in Terms())
        {
            using var scope = TensorScope.Begin();
            using IDisposable _ = FullPrecision.Require();
            Tensor theta = Context.Theta(checkpoint);
            double epsilon = Context.Field.OuterStep(theta, u);
            foreach (double sign in epsilon == 0 ? (double[])[] : [1, -1])
            {
                Tensor moved = TensorAlgebra.Axpy(sign * epsilon, u, theta);
                ImageGradients += Data.Count;
                Add(sign * c / (2 * epsilon), SlopesOfData(moved, Differential.GradientAt(Context.LossOfData, moved)));
            }
        }
        return scores;
    }
}
