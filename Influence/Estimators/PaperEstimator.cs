using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The published form (Inf-Match, CVPR 2026, Theorem 1): only the cross terms of the second order,
/// a_S = Σ_t c_t (H_D G_S + H_S G_D), a_D = 2 Σ_t c_t H_D G_D, with c_t = η^t·Σ_{k&gt;t} η^k; optionally with the first-order
/// term −Σ_t η^t G_Z^t that the published sum leaves out; taken along the path, that term contains one of the cross
/// terms already, which the sum of both then counts twice. The cross terms are the gradient of ⟨G_D, G_S⟩, so neither
/// side needs a Hessian: H_D G_S + H_S G_D = ∇_θ⟨G_D, G_S⟩. Source: docs/theory.md, "The published form".
/// </summary>
public sealed class PaperEstimator(EstimationContext context, bool includeFirstOrder) : InfluenceEstimator(context)
{
    private readonly FirstOrderEstimator _firstOrder = new(context);

    /// <inheritdoc/>
    public override string Name => includeFirstOrder ? "paper+first" : "paper";

    // c_t of macro-step t: its rate times the rates that follow it inside the window.
    private double Coefficient(Window window, int checkpoint)
    {
        double later = 0;
        for (int k = checkpoint + 1; k < window.Last; k++)
            later += EffectiveRate(window, k);
        return EffectiveRate(window, checkpoint) * later;
    }

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window)
    {
        Tensor sum = Context.Theta(window, window.First).ZerosLike();
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = Context.Theta(window, t);
            Variable Loss(Variable parameters) => Context.RealLoss(NetworkOf(window), parameters);
            Tensor hg = Context.Field.HessianVector(theta, Loss, Differential.GradientAt(Loss, theta));
            sum = scope.Keep(TensorAlgebra.Axpy(2 * Coefficient(window, t), hg, sum));
        }
        return includeFirstOrder ? sum.Plus(_firstOrder.RealSide(window)) : sum;
    }

    /// <inheritdoc/>
    public override Tensor SyntheticSide(Window window, SyntheticSet s, SyntheticLoss loss)
    {
        Variable[] constants = [Variable.Constant(s.Images), Variable.Constant(s.LabelLogits)];
        Tensor sum = Context.Theta(window, window.First).ZerosLike();
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            Tensor theta = Context.Theta(window, t);
            Variable RealLoss(Variable parameters) => Context.RealLoss(NetworkOf(window), parameters);
            Variable SyntheticLoss(Variable parameters) => loss.At(parameters, constants);
            Tensor gD = Differential.GradientAt(RealLoss, theta), gS = Differential.GradientAt(SyntheticLoss, theta);
            Tensor cross = Context.Field.HessianVector(theta, RealLoss, gS)
                .Plus(Context.Field.HessianVector(theta, SyntheticLoss, gD));
            sum = scope.Keep(TensorAlgebra.Axpy(Coefficient(window, t), cross, sum));
        }
        return includeFirstOrder ? sum.Plus(_firstOrder.SyntheticSide(window, s, loss)) : sum;
    }

    /// <inheritdoc/>
    // ⟨u, ∇_θ⟨G_D, G_S⟩⟩ = d/dε ⟨G_D(θ + εu), G_S(θ + εu)⟩, hence (∂a_S/∂S)ᵀu = Σ_t c_t d/dε M_S(θ_t + εu; G_D(θ_t + εu)).
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        SyntheticGradient sum = includeFirstOrder ? _firstOrder.Pullback(window, s, loss, u) : ZerosLike(s);
        for (int t = window.First; t < window.Last - 1; t++)
        {
            Tensor theta = Context.Theta(window, t);
            double epsilon = DifferenceStep.Along(theta, u, DifferenceStep.Nested(theta.DType));
            if (epsilon == 0)
                return sum;
            double weight = Coefficient(window, t) / (2 * epsilon);
            foreach (double sign in (double[])[1, -1])
            {
                Tensor moved = TensorAlgebra.Axpy(sign * epsilon, u, theta);
                Tensor g = Differential.GradientAt(parameters => Context.RealLoss(NetworkOf(window), parameters), moved);
                sum = sum.Plus(sign * weight, Context.Field.Mixed(moved, loss, s, g));
            }
        }
        return sum;
    }
}
