using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>How products with second derivatives are computed.</summary>
public enum SecondDerivatives
{
    /// <summary>Central differences of ordinary backward passes: constant memory, the fast fused path.</summary>
    FiniteDifference,

    /// <summary>Differentiating the recorded gradient: exact almost everywhere, more memory and time.</summary>
    Exact,
}

/// <summary>The gradient with respect to S, in numbers.</summary>
/// <param name="Images">dJ/dimages [N, C, H, W].</param>
/// <param name="LabelLogits">dJ/dℓ [N, M].</param>
public sealed record SyntheticGradient(Tensor Images, Tensor LabelLogits)
{
    /// <summary>this + c·other.</summary>
    public SyntheticGradient Plus(double c, SyntheticGradient other) =>
        new(TensorAlgebra.Axpy(c, other.Images, Images), TensorAlgebra.Axpy(c, other.LabelLogits, LabelLogits));
}

/// <summary>
/// Products with second derivatives of losses L(θ; ·). All results belong to the current scope; what was made
/// on the way is given back.
/// </summary>
/// <param name="mode">How they are computed.</param>
/// <param name="relativeStep">c of differences, ‖εv‖ = c·max(‖θ‖, 1); null takes
/// <see cref="DifferenceStep.Default"/>.</param>
public sealed class SecondOrderProducts(SecondDerivatives mode, double? relativeStep = null)
{
    /// <summary>How products with second derivatives are computed.</summary>
    public SecondDerivatives Mode { get; } = mode;

    /// <summary>∇²L(θ)·v [p].</summary>
    public Tensor HessianVector(Tensor theta, ParameterLoss loss, Tensor v) => Mode == SecondDerivatives.Exact
        ? Differential.Hvp(loss, theta, v)
        : Differential.HvpByDifferences(loss, theta, v, relativeStep);

    /// <summary>The step of a difference of mixed products along u at θ: with exact ones it is a single difference, else
    /// the outer of two. 0 where u is zero.</summary>
    public double OuterStep(Tensor theta, Tensor u) => DifferenceStep.Along(
        theta, u,
        Mode == SecondDerivatives.Exact ? DifferenceStep.Default(theta.DType) : DifferenceStep.Nested(theta.DType));

    /// <summary>∂/∂w ⟨v, ∇_θ L(θ; w)⟩ at w = 1 [count] of a loss of weighted examples: their slopes along v.</summary>
    public Tensor Slopes(Tensor theta, Func<Variable, Variable, Variable> weightedLoss, int count, Tensor v)
    {
        Tensor ones = Tensor.Full(theta.Backend, theta.DType, new Shape(count), 1);
        return MixedProducts((parameters, w) => weightedLoss(parameters, w[0]), theta, v, [ones])[0];
    }

    /// <summary>M_S(θ; v) = ∂/∂S ⟨v, ∇_θ L(θ; S)⟩ with v held constant.</summary>
    public SyntheticGradient Mixed(Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v)
    {
        // The tensors of a double backward pass are many, each read once and again: in parts they stay in the caches.
        if (Mode == SecondDerivatives.Exact && loss.ImagesAtOnce(theta.Backend) is { } part && part < s.Count)
            return ExactInParts(theta, loss, s, v, part);
        Tensor[] result = MixedProducts(loss.At, theta, v, [s.Images, s.LabelLogits]);
        return new SyntheticGradient(result[0], result[1]);
    }

    // An image of S moves its own term of the mean alone.
    private static SyntheticGradient ExactInParts(
        Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v, int part)
    {
        using var scope = TensorScope.Begin();
        Tensor[][] found = scope.InParallel(theta.Backend, (s.Count + part - 1) / part, i =>
        {
            SyntheticSet rows = s.Rows(i * part, Math.Min(part, s.Count - i * part));
            double share = (double)rows.Count / s.Count;
            Tensor[] mixed = MixedProduct.Exact(loss.At, theta, v, [rows.Images, rows.LabelLogits]);
            return [.. mixed.Select(m => m.Times(share))];
        });
        return new SyntheticGradient(scope.Keep(Joined(0, s.Images)), scope.Keep(Joined(1, s.LabelLogits)));

        Tensor Joined(int which, Tensor like)
        {
            Tensor whole = like.Backend.Empty(like.Shape, like.DType);
            like.Backend.Concat([.. found.Select(parts => parts[which])], whole);
            return whole;
        }
    }

    /// <summary>∇²L(θ; S)·v [p] and M_S(θ; v) from the same two backward passes: the first is the mixed product of θ itself,
    /// moved by a z that is zero.</summary>
    public (Tensor HessianVector, SyntheticGradient Mixed) HessianAndMixed(
        Tensor theta, SyntheticLoss loss, SyntheticSet s, Tensor v)
    {
        Tensor[] result = MixedProducts(
            (parameters, all) => loss.At(parameters + all[2], [all[0], all[1]]), theta, v,
            [s.Images, s.LabelLogits, theta.ZerosLike()]);
        return (result[2], new SyntheticGradient(result[0], result[1]));
    }

    private Tensor[] MixedProducts(Loss loss, Tensor theta, Tensor v, IReadOnlyList<Tensor> inputs) =>
        Mode == SecondDerivatives.Exact
            ? MixedProduct.Exact(loss, theta, v, inputs)
            : MixedProduct.ByDifferences(loss, theta, v, inputs, relativeStep);
}
