using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// The published form (Inf-Match, CVPR 2026, Theorem 1): only the cross terms of the second order,
/// a_S = Σ_t c_t (H_D G_S + H_S G_D), a_D = 2 Σ_t c_t H_D G_D, with c_t = η^t·Σ_{k&gt;t} η^k. The cross terms are the gradient of
/// ⟨G_D, G_S⟩: H_D G_S + H_S G_D = ∇_θ⟨G_D, G_S⟩. Source: docs/theory.md, "The published form".
/// </summary>
public class PaperEstimator : InfluenceEstimator
{
    /// <inheritdoc/>
    public override string Name => "paper";

    /// <inheritdoc/>
    public override int ShortestWindow => 2;

    /// <inheritdoc/>
    public override bool HoldsForSharpnessAware => false;

    /// <inheritdoc/>
    public override bool HoldsForWeightDecay => false;

    /// <summary>Whether the first-order term at the window's beginning is added.</summary>
    protected virtual bool IncludesFirstOrder => false;

    // c_t of macro-step t: its rate times the rates that follow it inside the window.
    private static double Coefficient(OpenWindow window, int checkpoint)
    {
        double later = 0;
        for (int k = checkpoint + 1; k < window.Last; k++)
            later += window.EffectiveRate(k);
        return window.EffectiveRate(checkpoint) * later;
    }

    // The factor of G_Z at the window's beginning.
    private static double FirstOrderWeight(OpenWindow window)
    {
        double rates = 0;
        for (int t = window.First; t < window.Last; t++)
            rates += window.EffectiveRate(t);
        return -rates;
    }

    // −(Σ η)·G at the window's beginning; zeros where the first order is left out.
    private Tensor FirstOrderTerm(OpenWindow window, ParameterLoss loss)
    {
        if (!IncludesFirstOrder)
            return window.Zeros();
        using var scope = TensorScope.Begin();
        Tensor theta = window.Theta(window.First);
        return scope.Keep(Differential.GradientAt(loss, theta).Times(FirstOrderWeight(window)));
    }

    /// <inheritdoc/>
    public override Tensor Real(OpenWindow window)
    {
        Variable Loss(Variable parameters) => window.Context.RealLoss(window.Network, parameters);
        Tensor sum = FirstOrderTerm(window, Loss);
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = window.Theta(t);
            Tensor hg = window.Context.Products.HessianVector(theta, Loss, Differential.GradientAt(Loss, theta));
            sum = scope.Replace(sum, TensorAlgebra.Axpy(2 * Coefficient(window, t), hg, sum));
        }
        return sum;
    }

    /// <inheritdoc/>
    public override Tensor Of(OpenWindow window, ParameterLoss lossOfZ)
    {
        Variable RealLoss(Variable parameters) => window.Context.RealLoss(window.Network, parameters);
        Tensor sum = FirstOrderTerm(window, lossOfZ);
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = window.Theta(t);
            Tensor gD = Differential.GradientAt(RealLoss, theta), gZ = Differential.GradientAt(lossOfZ, theta);
            Tensor cross = window.Context.Products.HessianVector(theta, RealLoss, gZ)
                .Plus(window.Context.Products.HessianVector(theta, lossOfZ, gD));
            sum = scope.Replace(sum, TensorAlgebra.Axpy(Coefficient(window, t), cross, sum));
        }
        return sum;
    }

    /// <inheritdoc/>
    public override Displacement Synthetic(OpenWindow window, SyntheticSet s, SyntheticLoss loss) =>
        new(Of(window, loss.Of(s)), u => Pullback(window, s, loss, u));

    // ⟨u, ∇_θ⟨G_D, G_S⟩⟩ = d/dε ⟨G_D(θ + εu), G_S(θ + εu)⟩, hence (∂a_S/∂S)ᵀu = Σ_t c_t d/dε M_S(θ_t + εu; G_D(θ_t + εu)).
    private SyntheticGradient Pullback(OpenWindow window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = SyntheticGradient.ZerosLike(s);
        if (IncludesFirstOrder)
        {
            using var scope = TensorScope.Begin();
            SyntheticGradient mixed = window.Context.Products.Mixed(window.Theta(window.First), loss, s, u);
            sum = sum.ReplacedBy(sum.Plus(FirstOrderWeight(window), mixed), scope);
        }
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            using IDisposable _ = FullPrecision.Require();
            Tensor theta = window.Theta(t);
            double epsilon = window.Context.Products.OuterStep(theta, u);
            if (epsilon == 0)
                return sum;
            SyntheticGradient At(double sign)
            {
                Tensor moved = TensorAlgebra.Axpy(sign * epsilon, u, theta);
                Tensor g = Differential.GradientAt(
                    parameters => window.Context.RealLoss(window.Network, parameters), moved);
                return window.Context.Products.Mixed(moved, loss, s, g);
            }
            SyntheticGradient difference = At(1).Plus(-1, At(-1));
            sum = sum.ReplacedBy(sum.Plus(Coefficient(window, t) / (2 * epsilon), difference), scope);
        }
        return sum;
    }
}

/// <summary>
/// The published form with the first-order term −(Σ_t η^t)·G_Z^0 at the window's beginning, which the published sum leaves out.
/// (Taken along the path, that term would already contain one of the cross terms.)
/// </summary>
public sealed class PaperWithFirstOrderEstimator : PaperEstimator
{
    /// <inheritdoc/>
    public override string Name => "paper+first";

    /// <inheritdoc/>
    protected override bool IncludesFirstOrder => true;
}
