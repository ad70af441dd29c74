using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// M_S(θ; v) = ∂/∂S ⟨v, ∇_θ L(θ; S)⟩ with v held constant: how a change of S turns the gradient that training on S
/// follows. The two ways agree up to the truncation of a difference; for the training of S the second is the cheaper.
/// </summary>
public static class MixedProduct
{
    /// <summary>M_S for each tensor of S, of its shape, by double backprop; exact up to rounding, and exactly linear in
    /// v. NaN spreads.</summary>
    /// <exception cref="ShapeException">The loss is not a scalar, or v is not of θ's shape.</exception>
    public static Tensor[] Exact(Loss loss, Tensor theta, Tensor v, IReadOnlyList<Tensor> s)
    {
        DifferenceStep.CheckDirection(theta, v);
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = Recording.On();
        Variable leaf = Variable.Leaf(theta);
        Variable[] leaves = [.. s.Select(Variable.Leaf)];
        Variable gradient = Gradient.Of(loss(leaf, leaves), leaf, createGraph: true);
        return Differential.Keep(scope, Gradient.Of(gradient, leaves, Variable.Constant(v)));
    }

    /// <summary>
    /// M_S for each tensor of S by central differences along v, (∇_S L(θ + εv; S) − ∇_S L(θ − εv; S))/2ε with
    /// ‖εv‖ = c·max(‖θ‖, 1), see <see cref="DifferenceStep"/>: two ordinary backward passes to S alone, without a graph
    /// of a graph; exactly zero where v is. The loss may be called on two threads at once, and must not keep anything.
    /// </summary>
    /// <param name="loss">L.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="v">The direction, [p].</param>
    /// <param name="s">S.</param>
    /// <param name="relativeStep">c; null takes <see cref="DifferenceStep.Default"/> of θ's number type.</param>
    /// <exception cref="ShapeException">The loss is not a scalar, or v is not of θ's shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive and finite.</exception>
    public static Tensor[] ByDifferences(
        Loss loss, Tensor theta, Tensor v, IReadOnlyList<Tensor> s, double? relativeStep = null)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable _ = FullPrecision.Require();
        double step = DifferenceStep.Along(theta, v, relativeStep);
        if (step == 0)
            return [.. s.Select(x => scope.Keep(x.ZerosLike()))];
        return [.. Differential.Central(scope, theta, v, step, at => GradientInS(loss, at, s)).Select(scope.Keep)];
    }

    /// <summary>
    /// M_S for each tensor of S by a one-sided difference, (∇_S L(θ + εv; S) − ∇_S L(θ; S))/ε, where the gradient at θ is known:
    /// one backward pass in place of two, with an error of order ε and not ε². ε is that of <see cref="DifferenceStep.OneSided"/>.
    /// </summary>
    /// <param name="loss">L.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="v">The direction, [p].</param>
    /// <param name="s">S.</param>
    /// <param name="known">∇_S L(θ; S), of <see cref="GradientInS"/>; it stays the caller's.</param>
    /// <param name="relativeStep">c; null takes <see cref="DifferenceStep.OneSided"/> of θ's number type.</param>
    /// <exception cref="ShapeException">The loss is not a scalar, or v is not of θ's shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive and finite.</exception>
    public static Tensor[] ByOneSidedDifference(
        Loss loss, Tensor theta, Tensor v, IReadOnlyList<Tensor> s, IReadOnlyList<Tensor> known, double? relativeStep = null)
    {
        using TensorScope scope = TensorScope.Begin();
        double step = DifferenceStep.Along(theta, v, relativeStep ?? DifferenceStep.OneSided(theta.DType));
        if (step == 0)
            return [.. s.Select(x => scope.Keep(x.ZerosLike()))];
        Tensor[] end = GradientInS(loss, TensorAlgebra.Axpy(step, v, theta), s);
        return [.. end.Select((up, i) => scope.Keep(up.Minus(known[i]).Times(1 / step)))];
    }

    /// <summary>∇_S L(θ; S) for each tensor of S, of its shape, in full precision, so that differences can be taken of it; NaN
    /// spreads.</summary>
    /// <exception cref="ShapeException">The loss is not a scalar.</exception>
    // θ is a constant here: nothing that leads to it alone is recorded, and no weight gradient is computed.
    public static Tensor[] GradientInS(Loss loss, Tensor theta, IReadOnlyList<Tensor> s)
    {
        using TensorScope scope = TensorScope.Begin();
        using IDisposable full = FullPrecision.Require();
        using IDisposable _ = Recording.On();
        Variable[] leaves = [.. s.Select(Variable.Leaf)];
        return Differential.Keep(scope, Gradient.Of(loss(Variable.Constant(theta), leaves), leaves));
    }
}
