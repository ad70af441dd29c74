using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The first-order form, with H := 0: a_Z = −Σ_t c_t·G_Z^t, c_t the sum of the effective rates from checkpoint t to the
/// next. For plain SGD a_D is then the recorded displacement itself, exact and free; with momentum or weight decay the
/// displacement also holds the velocity that entered the window and the decay. Source: docs/theory.md, "First order";
/// close to TracIn (Pruthi et al., NeurIPS 2020).
/// </summary>
public sealed class FirstOrderEstimator(EstimationContext context) : InfluenceEstimator(context)
{
    /// <inheritdoc/>
    public override string Name => "first-order";

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window) =>
        Theta(window, window.Last).Minus(Theta(window, window.First));

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ)
    {
        Tensor sum = Zeros(window);
        for (int t = window.First; t < window.Last; t++)
        {
            using var scope = TensorScope.Begin();
            Tensor g = Differential.GradientAt(lossOfZ, Theta(window, t));
            sum = Next(scope, sum, TensorAlgebra.Axpy(-EffectiveRate(window, t), g, sum));
        }
        return sum;
    }

    /// <inheritdoc/>
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = ZerosLike(s);
        for (int t = window.First; t < window.Last; t++)
        {
            using var scope = TensorScope.Begin();
            SyntheticGradient mixed = Context.Field.Mixed(Theta(window, t), loss, s, u);
            sum = Next(scope, sum, sum.Plus(-EffectiveRate(window, t), mixed));
        }
        return sum;
    }
}
