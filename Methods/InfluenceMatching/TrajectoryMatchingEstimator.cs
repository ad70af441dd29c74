using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// I_{+S} as it is, not linearised: a_S = θ_S^last − θ^first, where θ_S starts at θ^first and S alone is trained on, one step
/// of the rate c_t for each macro-step of the window, θ_S^{t+1} = θ_S^t − c_t·∇L(θ_S^t; S), under an augmentation drawn for
/// each step. c_t is <see cref="EstimationContext.SyntheticRate"/>, or else the sum of the effective rates from checkpoint t to
/// the next. The first-order form is the same sum with the gradients taken at D's θ^t. a_S is not
/// linear in S's gradients, so the weight scales the displacement and not the training; a class of D is trained on alone, too.
/// Memory grows with the window, by one θ a macro-step. Source: docs/theory.md, "Training on S"; for one step a checkpoint the
/// objective of MTT (Cazenavette et al., CVPR 2022).
/// </summary>
public sealed class TrajectoryMatchingEstimator : InfluenceEstimator
{
    /// <summary>Its name in earlier versions.</summary>
    public const string OlderName = "retrained";

    /// <inheritdoc/>
    public override string Name => "trajectory-matching";

    /// <inheritdoc/>
    public override bool IsSiamese => false;

    /// <inheritdoc/>
    public override Tensor Real(OpenWindow window) => window.RecordedDisplacement();

    /// <inheritdoc/>
    public override Tensor Of(OpenWindow window, ParameterLoss lossOfZ)
    {
        using var scope = TensorScope.Begin();
        Tensor[] path = Path(window, _ => lossOfZ, window.EffectiveRate);
        return scope.Keep(path[^1].Minus(path[0]));
    }

    /// <inheritdoc/>
    public override Displacement Synthetic(OpenWindow window, SyntheticSet s, SyntheticLoss loss)
    {
        Tensor[] path = Path(window, t => loss.OfStep(t).Of(s), t => RateOn(window, t));
        return new Displacement(path[^1].Minus(path[0]), u => Pullback(window, s, loss, path, u));
    }

    private static SyntheticGradient Pullback(
        OpenWindow window, SyntheticSet s, SyntheticLoss loss, Tensor[] path, Tensor u)
    {
        SyntheticGradient sum = SyntheticGradient.ZerosLike(s);
        Tensor cotangent = u.Clone(); // of θ_S^{t+1}
        for (int t = window.Last - 1; t >= window.First; t--)
        {
            using var scope = TensorScope.Begin();
            (Tensor hessian, SyntheticGradient mixed) = window.Context.Products.HessianAndMixed(
                path[t - window.First], loss.OfStep(t), s, cotangent);
            sum = sum.ReplacedBy(sum.Plus(-RateOn(window, t), mixed), scope);
            cotangent = scope.Replace(cotangent, TensorAlgebra.Axpy(-RateOn(window, t), hessian, cotangent));
        }
        return sum;
    }

    // c_t of a training on S.
    private static double RateOn(OpenWindow window, int checkpoint) =>
        window.Context.SyntheticRate ?? window.EffectiveRate(checkpoint);

    // θ_S from the window's beginning to its end; all but the first belong to the current scope.
    private static Tensor[] Path(OpenWindow window, Func<int, ParameterLoss> lossAt, Func<int, double> rateAt)
    {
        var path = new Tensor[window.Last - window.First + 1];
        path[0] = window.Theta(window.First);
        for (int i = 1; i < path.Length; i++)
        {
            using var scope = TensorScope.Begin();
            Tensor before = path[i - 1];
            int t = window.First + i - 1;
            path[i] = scope.Keep(TensorAlgebra.Axpy(-rateAt(t), Differential.GradientAt(lossAt(t), before), before));
        }
        return path;
    }
}
