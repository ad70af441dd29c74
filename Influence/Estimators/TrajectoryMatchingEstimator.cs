using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// I_{+S} as it is, not linearised: a_S = θ_S^last − θ^first, where θ_S starts at θ^first and S alone is trained on, one step
/// of the rate c_t for each macro-step of the window, θ_S^{t+1} = θ_S^t − c_t·∇L(θ_S^t; S), under an augmentation drawn for
/// each step. c_t is <see cref="EstimationContext.SyntheticRate"/>, or else the sum of the effective rates from checkpoint t to
/// the next. The first-order form is the same sum with the gradients taken at D's θ^t. a_S is not
/// linear in S's gradients, so the mass scales the displacement and not the training; a class of D is trained on alone, too.
/// Memory grows with the window, by one θ a macro-step. Source: docs/theory.md, "Training on S"; for one step a checkpoint the
/// objective of MTT (Cazenavette et al., CVPR 2022).
/// </summary>
public sealed class TrajectoryMatchingEstimator(EstimationContext context) : InfluenceEstimator(context)
{
    /// <inheritdoc/>
    public override string Name => "retrained";

    /// <inheritdoc/>
    protected override Tensor ComputeRealSide(Window window) => RecordedDisplacement(window);

    // θ_S along the last training on S: what J is taken of, its derivative goes back through.
    private Walk? _walk;

    /// <inheritdoc/>
    public override Tensor SyntheticSide(Window window, SyntheticSet s, SyntheticLoss loss)
    {
        using var scope = TensorScope.Begin(); // of the walk, where it is not held
        Tensor[] path = WalkOn(window, s, loss).Path;
        return scope.Keep(path[^1].Minus(path[0]));
    }

    /// <inheritdoc/>
    protected override Tensor Side(Window window, ParameterLoss lossOfZ)
    {
        using var scope = TensorScope.Begin();
        Tensor[] path = Path(window, _ => lossOfZ, t => EffectiveRate(window, t));
        return scope.Keep(path[^1].Minus(path[0]));
    }

    /// <inheritdoc/>
    public override SyntheticGradient Pullback(Window window, SyntheticSet s, SyntheticLoss loss, Tensor u)
    {
        Tensor[] path = WalkOn(window, s, loss).Path;
        SyntheticGradient sum = ZerosLike(s);
        Tensor cotangent = u.Clone(); // of θ_S^{t+1}
        for (int t = window.Last - 1; t >= window.First; t--)
        {
            using var scope = TensorScope.Begin();
            (Tensor hessian, SyntheticGradient mixed) = Context.Field.HessianAndMixed(
                path[t - window.First], loss.OfStep(t), s, cotangent);
            sum = Next(scope, sum, sum.Plus(-RateOn(window, t), mixed));
            cotangent = scope.Replace(cotangent, TensorAlgebra.Axpy(-RateOn(window, t), hessian, cotangent));
        }
        return sum;
    }

    /// <inheritdoc/>
    protected override void ReleaseCheckpoints()
    {
        base.ReleaseCheckpoints();
        _walk?.Release();
        _walk = null;
    }

    // The last one again where it is the same training, which only holds while checkpoints are held.
    private Walk WalkOn(Window window, SyntheticSet s, SyntheticLoss loss)
    {
        if (_walk is { } last && last.IsOf(window, s, loss))
            return last;
        if (!HoldsCheckpoints)
            return new Walk(window, s, loss, Train());
        _walk?.Release();
        _walk = null;
        using IDisposable _ = TensorScope.BeginDetached();
        using var scope = TensorScope.Begin();
        Tensor[] path = Train();
        path[0] = path[0].Clone();
        foreach (Tensor theta in path)
            scope.Keep(theta); // nothing fails between two of these
        return _walk = new Walk(window, s, loss, path);

        Tensor[] Train() => Path(window, t => loss.OfStep(t).Of(s), t => RateOn(window, t));
    }

    private sealed record Walk(Window Window, SyntheticSet S, SyntheticLoss Loss, Tensor[] Path)
    {
        public bool IsOf(Window window, SyntheticSet s, SyntheticLoss loss) =>
            Window == window && ReferenceEquals(S, s) && ReferenceEquals(Loss, loss);

        public void Release()
        {
            foreach (Tensor theta in Path)
                theta.Dispose();
        }
    }

    // c_t of a training on S.
    private double RateOn(Window window, int checkpoint) => Context.SyntheticRate ?? EffectiveRate(window, checkpoint);

    // θ_S from the window's beginning to its end; all but the first belong to the current scope.
    private Tensor[] Path(Window window, Func<int, ParameterLoss> lossAt, Func<int, double> rateAt)
    {
        var path = new Tensor[window.Last - window.First + 1];
        path[0] = Theta(window, window.First);
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
