using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>The numbers of one step of training.</summary>
/// <param name="Rate">η.</param>
/// <param name="Momentum">μ; a rule without momentum does not read it.</param>
/// <param name="WeightDecay">w, added to the gradient as w·θ.</param>
public readonly record struct StepRates(double Rate, double Momentum = 0, double WeightDecay = 0);

/// <summary>Where a training on S stands.</summary>
/// <param name="Theta">θ [p].</param>
/// <param name="Memory">What the rule remembers, each [p]; empty where all of it is zero, as at first.</param>
/// <param name="Step">How many steps were done.</param>
public sealed record WalkState(Tensor Theta, ImmutableArray<Tensor> Memory, int Step)
{
    /// <summary>The state before the first step.</summary>
    public static WalkState At(Tensor theta) => new(theta, [], 0);
}

/// <summary>The derivative of a number with respect to a state.</summary>
/// <param name="Theta">λ_θ [p].</param>
/// <param name="Memory">Those of the rule's memory; empty where all are zero.</param>
public sealed record WalkCotangent(Tensor Theta, ImmutableArray<Tensor> Memory);

/// <summary>A step that was done.</summary>
/// <param name="Before">The state before it.</param>
/// <param name="After">The state after it.</param>
/// <param name="Gradient">∇L at the state before it, [p]; null where it was not kept.</param>
/// <param name="Rates">Its numbers.</param>
public sealed record WalkStep(WalkState Before, WalkState After, Tensor? Gradient, StepRates Rates)
{
    /// <summary>∇_S L at the state before it; null where it was not kept.</summary>
    public SyntheticGradient? InSet { get; init; }
}

/// <summary>The adjoint of one step, apart from how the gradient depends on θ and S.</summary>
/// <param name="Direction">d [p].</param>
/// <param name="Factor">c: the cotangent of the gradient is b = c·d, and products with second derivatives are taken along d.</param>
/// <param name="Before">The cotangent of the state before the step, with the gradient held constant.</param>
/// <param name="Rate">The derivative in the rate is c·⟨x, y⟩ of these; null where the gradient was not kept.</param>
public sealed record StepPullback(
    Tensor Direction, double Factor, WalkCotangent Before, (double Factor, Tensor X, Tensor Y)? Rate);

/// <summary>How a step of training moves θ along a gradient, with its adjoint: one type, found by enumeration, and a pure function.
/// What it makes belongs to the current scope.</summary>
public abstract class StepRule : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>Whether <see cref="Pullback"/> reads the gradient of a step.</summary>
    /// <param name="rates">The step's numbers.</param>
    /// <param name="rateIsLearned">Whether the derivative in the rate is wanted.</param>
    public abstract bool ReadsGradient(StepRates rates, bool rateIsLearned);

    /// <summary>The state after a step along a gradient [p].</summary>
    public abstract WalkState Next(WalkState at, Tensor gradient, StepRates rates);

    /// <summary>The adjoint of a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="after">The cotangent of the state after it.</param>
    public abstract StepPullback Pullback(WalkStep step, WalkCotangent after);
}
