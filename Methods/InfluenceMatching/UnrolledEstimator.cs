using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// The exact first-order Taylor expansion of the training dynamics: with ν the displacement's velocity,
/// ν' = μν + (H_D^t + λI)δ + G_Z^t, δ' = δ − η^t ν', from zero, with the Hessian of the minibatch really used at step t;
/// a_Z = δ at the window's end. Source: docs/theory.md, "The unrolled form"; Hara, Nitanda and Maehara (NeurIPS 2019)
/// for μ = 0.
/// </summary>
public sealed class UnrolledEstimator : InfluenceEstimator
{
    /// <inheritdoc/>
    public override string Name => "unrolled";

    /// <inheritdoc/>
    public override bool NeedsDenseWindow => true;

    /// <inheritdoc/>
    public override bool HoldsForSharpnessAware => false;

    /// <inheritdoc/>
    public override Tensor Real(OpenWindow window) => Linearised(window).Forward(
        window.First, window.Last,
        (theta, step) => Differential.GradientAt(window.Expert.Replay.LossAt(step), theta));

    /// <inheritdoc/>
    public override Tensor Of(OpenWindow window, ParameterLoss lossOfZ) =>
        Linearised(window).Forward(window.First, window.Last, (theta, _) => Differential.GradientAt(lossOfZ, theta));

    /// <inheritdoc/>
    public override Displacement Synthetic(OpenWindow window, SyntheticSet s, SyntheticLoss loss) =>
        new(Of(window, loss.Of(s)), u =>
        {
            SyntheticGradient sum = SyntheticGradient.ZerosLike(s);
            Linearised(window).Backward(window.First, window.Last, u, (scope, theta, _, b) =>
                sum = sum.ReplacedBy(sum.Plus(1, window.Context.Products.Mixed(theta, loss, s, b)), scope));
            return sum;
        });

    private static LinearisedTraining Linearised(OpenWindow window) =>
        new(window.Expert, window.Context.Products, window.Theta);
}
