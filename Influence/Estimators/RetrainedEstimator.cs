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
    protected override Tensor ComputeRealSide(Window window) => RecordedDisplacement(window);

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ)
    {
        using var scope = TensorScope.Begin();
        Tensor[] path = Path(window, window.Last, lossOfZ);
        return scope.Keep(path[^1].Minus(path[0]));
    }

    /// <inheritdoc/>
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        Tensor[] path = Path(window, window.Last - 1, loss.Of(s)); // the last θ_S is no one's input
        SyntheticGradient sum = ZerosLike(s);
        Tensor cotangent = u.Clone(); // of θ_S^{t+1}
        for (int t = window.Last - 1; t >= window.First; t--)
        {
            using var scope = TensorScope.Begin();
            (Tensor hessian, SyntheticGradient mixed) = Context.Field.HessianAndMixed(path[t - window.First], loss, s, cotangent);
            sum = Next(scope, sum, sum.Plus(-EffectiveRate(window, t), mixed));
            cotangent = scope.Replace(cotangent, TensorAlgebra.Axpy(-EffectiveRate(window, t), hessian, cotangent));
        }
        return sum;
    }

    // θ_S from the window's beginning to the macro-step last; all but the first belong to the current scope.
    private Tensor[] Path(Window window, int last, ParameterLoss loss)
    {
        var path = new Tensor[last - window.First + 1];
        path[0] = Theta(window, window.First);
        for (int i = 1; i < path.Length; i++)
        {
            using var scope = TensorScope.Begin();
            Tensor before = path[i - 1];
            path[i] = scope.Keep(TensorAlgebra.Axpy(
                -EffectiveRate(window, window.First + i - 1), Differential.GradientAt(loss, before), before));
        }
        return path;
    }
}
