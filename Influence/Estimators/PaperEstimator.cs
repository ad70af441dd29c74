using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The published form (Inf-Match, CVPR 2026, Theorem 1): only the cross terms of the second order,
/// a_S = Σ_t c_t (H_D G_S + H_S G_D), a_D = 2 Σ_t c_t H_D G_D, with c_t = η^t·Σ_{k&gt;t} η^k; optionally with the first-order
/// term −(Σ_t η^t)·G_Z^0 at the window's beginning, which the published sum leaves out. (Taken along the path, that term
/// would already contain one of the cross terms.) The cross terms are the gradient of ⟨G_D, G_S⟩: H_D G_S + H_S G_D =
/// ∇_θ⟨G_D, G_S⟩. Source: docs/theory.md, "The published form".
/// </summary>
public sealed class PaperEstimator(EstimationContext context, bool includeFirstOrder) : InfluenceEstimator(context)
{
    /// <inheritdoc/>
    public override string Name => includeFirstOrder ? "paper+first" : "paper";

    /// <inheritdoc/>
    public override int ShortestWindow => 2;

    // c_t of macro-step t: its rate times the rates that follow it inside the window.
    private double Coefficient(Window window, int checkpoint)
    {
        double later = 0;
        for (int k = checkpoint + 1; k < window.Last; k++)
            later += EffectiveRate(window, k);
        return EffectiveRate(window, checkpoint) * later;
    }

    // The factor of G_Z at the window's beginning.
    private double FirstOrderWeight(Window window)
    {
        double rates = 0;
        for (int t = window.First; t < window.Last; t++)
            rates += EffectiveRate(window, t);
        return -rates;
    }

    // −(Σ η)·G at the window's beginning; zeros where the first order is left out.
    private Tensor FirstOrderTerm(Window window, ParameterLoss loss)
    {
        if (!includeFirstOrder)
            return Zeros(window);
        using var scope = TensorScope.Begin();
        Tensor theta = Theta(window, window.First);
        return scope.Keep(Differential.GradientAt(loss, theta).Times(FirstOrderWeight(window)));
    }

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window)
    {
        Variable Loss(Variable parameters) => Context.RealLoss(NetworkOf(window), parameters);
        Tensor sum = FirstOrderTerm(window, Loss);
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = Theta(window, t);
            Tensor hg = Context.Field.HessianVector(theta, Loss, Differential.GradientAt(Loss, theta));
            sum = scope.Replace(sum, TensorAlgebra.Axpy(2 * Coefficient(window, t), hg, sum));
        }
        return sum;
    }

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ)
    {
        Variable RealLoss(Variable parameters) => Context.RealLoss(NetworkOf(window), parameters);
        Tensor sum = FirstOrderTerm(window, lossOfZ);
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = Theta(window, t);
            Tensor gD = Differential.GradientAt(RealLoss, theta), gZ = Differential.GradientAt(lossOfZ, theta);
            Tensor cross = Context.Field.HessianVector(theta, RealLoss, gZ)
                .Plus(Context.Field.HessianVector(theta, lossOfZ, gD));
            sum = scope.Replace(sum, TensorAlgebra.Axpy(Coefficient(window, t), cross, sum));
        }
        return sum;
    }

    /// <inheritdoc/>
    // ⟨u, ∇_θ⟨G_D, G_S⟩⟩ = d/dε ⟨G_D(θ + εu), G_S(θ + εu)⟩, hence (∂a_S/∂S)ᵀu = Σ_t c_t d/dε M_S(θ_t + εu; G_D(θ_t + εu)).
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = ZerosLike(s);
        if (includeFirstOrder)
        {
            using var scope = TensorScope.Begin();
            SyntheticGradient mixed = Context.Field.Mixed(Theta(window, window.First), loss, s, u);
            sum = Next(scope, sum, sum.Plus(FirstOrderWeight(window), mixed));
        }
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            using IDisposable _ = FullPrecision.Require();
            Tensor theta = Theta(window, t);
            double epsilon = Context.Field.OuterStep(theta, u);
            if (epsilon == 0)
                return sum;
            SyntheticGradient Side(double sign)
            {
                Tensor moved = TensorAlgebra.Axpy(sign * epsilon, u, theta);
                Tensor g = Differential.GradientAt(parameters => Context.RealLoss(NetworkOf(window), parameters), moved);
                return Context.Field.Mixed(moved, loss, s, g);
            }
            SyntheticGradient difference = Side(1).Plus(-1, Side(-1));
            sum = Next(scope, sum, sum.Plus(Coefficient(window, t) / (2 * epsilon), difference));
        }
        return sum;
    }
}
