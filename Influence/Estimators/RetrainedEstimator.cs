using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// I_{+S} as it is, not linearised: a_S = θ_S^last − θ^first, where θ_S starts at θ^first and S alone is trained on, one step
/// of the rate c_t (the sum of the effective rates from checkpoint t to the next) for each macro-step of the window,
/// θ_S^{t+1} = θ_S^t − c_t·∇L(θ_S^t; S). The first-order form is the same sum with the gradients taken at D's θ^t. a_S is not
/// linear in S's gradients, so the mass scales the displacement and not the training; a class of D is trained on alone, too.
/// Memory grows with the window, by one θ a macro-step. Source: docs/theory.md, "Training on S"; for one step a checkpoint the
/// objective of MTT (Cazenavette et al., CVPR 2022).
/// </summary>
public sealed class RetrainedEstimator(EstimationContext context) : InfluenceEstimator(context)
{
    /// <inheritdoc/>
    public override string Name => "retrained";

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window) =>
        Theta(window, window.Last).Minus(Theta(window, window.First));

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ)
    {
        Tensor start = Theta(window, window.First), theta = start.Clone();
        for (int t = window.First; t < window.Last; t++)
            theta = Step(window, t, theta, lossOfZ);
        return theta.Minus(start);
    }

    /// <inheritdoc/>
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        Variable[] constants = [Variable.Constant(s.Images), Variable.Constant(s.LabelLogits)];
        var path = new Tensor[window.Last - window.First];
        path[0] = Theta(window, window.First);
        for (int t = window.First; t < window.Last - 1; t++)
        {
            using var scope = TensorScope.Begin();
            path[t - window.First + 1] = scope.Keep(
                Axpy(window, t, Differential.GradientAt(theta => loss.At(theta, constants), path[t - window.First]), path[t - window.First]));
        }
        SyntheticGradient sum = ZerosLike(s);
        Tensor cotangent = u.Clone(); // of θ_S^{t+1}
        for (int t = window.Last - 1; t >= window.First; t--)
        {
            using var scope = TensorScope.Begin();
            (Tensor hessian, SyntheticGradient mixed) = Context.Field.HessianAndMixed(path[t - window.First], loss, s, cotangent);
            sum = Next(scope, sum, sum.Plus(-EffectiveRate(window, t), mixed));
            cotangent = scope.Replace(cotangent, Axpy(window, t, hessian, cotangent));
        }
        return sum;
    }

    private Tensor Step(Window window, int t, Tensor theta, ParameterLoss loss)
    {
        using var scope = TensorScope.Begin();
        return scope.Replace(theta, Axpy(window, t, Differential.GradientAt(loss, theta), theta));
    }

    private Tensor Axpy(Window window, int t, Tensor gradient, Tensor theta) =>
        TensorAlgebra.Axpy(-EffectiveRate(window, t), gradient, theta);
}
