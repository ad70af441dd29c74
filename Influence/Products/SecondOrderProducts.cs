using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>How products with second derivatives are computed.</summary>
public enum SecondDerivatives
{
    /// <summary>Central differences of ordinary backward passes: constant memory, the fast fused path.</summary>
    FiniteDifference,

    /// <summary>One-sided differences from the gradient that a training has taken at the same θ, at two thirds of the cost; central
    /// ones where no gradient is known.</summary>
    OneSided,

    /// <summary>Differentiating the recorded gradient: exact almost everywhere, more memory and time.</summary>
    Exact,
}

/// <summary>
/// Products with second derivatives of losses L(θ; ·). All results belong to the current scope;
/// intermediate results are freed.
/// </summary>
/// <param name="mode">How they are computed.</param>
/// <param name="relativeStep">c of differences, ‖εv‖ = c·max(‖θ‖, 1); null takes
/// <see cref="DifferenceStep.Default"/>.</param>
public sealed class SecondOrderProducts(SecondDerivatives mode, double? relativeStep = null)
{
    /// <summary>How products with second derivatives are computed.</summary>
    public SecondDerivatives Mode { get; } = mode;

    /// <summary>Whether a gradient that is known already makes a product cheaper.</summary>
    public bool ReadsGradients => Mode == SecondDerivatives.OneSided;

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
        return Mixed((parameters, w) => weightedLoss(parameters, w[0]), theta, v, [ones])[0];
    }

    /// <summary>∂/∂x ⟨v, ∇_θ L(θ; x)⟩ with v held constant, of each input x of the loss.</summary>
    /// <param name="loss">L.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="v">The direction, [p].</param>
    /// <param name="inputs">x.</param>
    /// <param name="known">∂L/∂x at θ, by <see cref="MixedProduct.GradientInS"/>; null where it is not known.</param>
    public Tensor[] Mixed(
        Loss loss, Tensor theta, Tensor v, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor>? known = null) => Mode switch
        {
            SecondDerivatives.Exact => MixedProduct.Exact(loss, theta, v, inputs),
            SecondDerivatives.OneSided when known is not null =>
                MixedProduct.ByOneSidedDifference(loss, theta, v, inputs, known, relativeStep),
            _ => MixedProduct.ByDifferences(loss, theta, v, inputs, relativeStep),
        };
}
