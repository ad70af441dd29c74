using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The exact first-order Taylor expansion of the training dynamics: with ν the displacement's velocity,
/// ν' = μν + (H_D^t + λI)δ + G_Z^t, δ' = δ − η^t ν', from zero, with the Hessian of the minibatch really used at step t;
/// a_Z = δ at the window's end. Source: docs/theory.md, "The unrolled form"; Hara, Nitanda and Maehara (NeurIPS 2019)
/// for μ = 0.
/// </summary>
public sealed class UnrolledEstimator(EstimationContext context) : InfluenceEstimator(context)
{
    /// <inheritdoc/>
    public override string Name => "unrolled";

    /// <inheritdoc/>
    public override bool NeedsDenseWindow => true;

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window) =>
        Linearised(window).Forward(window.First, window.Last, (theta, step) =>
            Differential.GradientAt(Context.Experts[window.Expert].Replay.LossAt(step), theta));

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ) =>
        Linearised(window).Forward(window.First, window.Last, (theta, _) => Differential.GradientAt(lossOfZ, theta));

    /// <inheritdoc/>
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = ZerosLike(s);
        Linearised(window).Backward(window.First, window.Last, u, (scope, theta, _, b) =>
            sum = Next(scope, sum, sum.Plus(1, Context.Field.Mixed(theta, loss, s, b))));
        return sum;
    }

    private LinearisedTraining Linearised(Window window) =>
        new(Context.Experts[window.Expert], Context.Field, checkpoint => Theta(window, checkpoint));
}
