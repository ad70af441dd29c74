using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// The published form (Inf-Match, CVPR 2026, Theorem 1): only the cross terms of the second order,
/// a_S = Σ_t c_t (H_D G_S + H_S G_D), a_D = 2 Σ_t c_t H_D G_D, with c_t = η^t·Σ_{k&gt;t} η^k; optionally with the first-order
/// term −(Σ_t η^t) G_Z at the window's beginning that the published sum leaves out. There and not along the trajectory,
/// because H_S G_D already is how G_S changes along it: so the sum agrees with the unrolled form to second order in η.
/// D's own first-order term is taken from the recorded displacement, which holds one of the two H_D G_D. The cross
/// terms are the gradient of ⟨G_D, G_S⟩, so neither side needs a Hessian: H_D G_S + H_S G_D = ∇_θ⟨G_D, G_S⟩.
/// Source: docs/theory.md, "The published form".
/// </summary>
public sealed class PaperEstimator(EstimationContext context, bool includeFirstOrder) : InfluenceEstimator(context)
{
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

    // Σ η^t over the window.
    private double TotalRate(Window window)
    {
        double total = 0;
        for (int t = window.First; t < window.Last; t++)
            total += EffectiveRate(window, t);
        return total;
    }

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window)
    {
        Tensor sum = includeFirstOrder ? Displacement(window) : Zeros(window);
        double share = includeFirstOrder ? 1 : 2;
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var step = TensorScope.Begin();
            Tensor theta = Context.Theta(window, t);
            Variable Loss(Variable parameters) => Context.RealLoss(NetworkOf(window), parameters);
            Tensor hg = Context.Field.HessianVector(theta, Loss, Differential.GradientAt(Loss, theta));
            Advance(step, ref sum, TensorAlgebra.Axpy(share * Coefficient(window, t), hg, sum));
        }
        return sum;
    }

    /// <inheritdoc/>
    public override Tensor SyntheticSide(Window window, SyntheticSet s, SyntheticLoss loss)
    {
        Variable[] constants = [Variable.Constant(s.Images), Variable.Constant(s.LabelLogits)];
        Tensor sum = Zeros(window);
        if (includeFirstOrder)
        {
            using var step = TensorScope.Begin();
            Tensor g = SyntheticGradientAt(Context.Theta(window, window.First), s, loss);
            Advance(step, ref sum, g.Times(-TotalRate(window)));
        }
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var step = TensorScope.Begin();
            Tensor theta = Context.Theta(window, t);
            Variable RealLoss(Variable parameters) => Context.RealLoss(NetworkOf(window), parameters);
            Variable SyntheticLoss(Variable parameters) => loss.At(parameters, constants);
            Tensor gD = Differential.GradientAt(RealLoss, theta), gS = Differential.GradientAt(SyntheticLoss, theta);
            Tensor cross = Context.Field.HessianVector(theta, RealLoss, gS)
                .Plus(Context.Field.HessianVector(theta, SyntheticLoss, gD));
            Advance(step, ref sum, TensorAlgebra.Axpy(Coefficient(window, t), cross, sum));
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
            using var step = TensorScope.Begin();
            Tensor theta = Context.Theta(window, window.First);
            Advance(step, ref sum, -TotalRate(window), Context.Field.Mixed(theta, loss, s, u));
        }
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var step = TensorScope.Begin();
            Tensor theta = Context.Theta(window, t);
            double epsilon = DifferenceStep.Along(theta, u, DifferenceStep.Nested(theta.DType));
            if (epsilon == 0)
                return sum;
            double weight = Coefficient(window, t) / (2 * epsilon);
            foreach (double sign in (double[])[1, -1])
            {
                Tensor moved = TensorAlgebra.Axpy(sign * epsilon, u, theta);
                Tensor g = Differential.GradientAt(parameters => Context.RealLoss(NetworkOf(window), parameters), moved);
                Advance(step, ref sum, sign * weight, Context.Field.Mixed(moved, loss, s, g));
            }
        }
        return sum;
    }
}
