using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// SGD as PyTorch's: v' = μv + ∇L + wθ, θ' = θ − ηv'. Backwards b = λ_v − ηλ_θ is the cotangent of the gradient,
/// dη −= ⟨λ_θ, v'⟩, λ_θ += wb, λ_v = μb. Without momentum it remembers nothing, and products with second derivatives are taken
/// along λ_θ itself.
/// </summary>
public sealed class SgdRule : StepRule
{
    /// <inheritdoc/>
    public override string Name => "sgd";

    /// <inheritdoc/>
    public override bool ReadsGradient(StepRates rates, bool rateIsLearned) => rateIsLearned && rates.Momentum == 0;

    /// <inheritdoc/>
    public override WalkState Next(WalkState at, Tensor gradient, StepRates rates)
    {
        Tensor velocity = Decayed(gradient, at.Theta, rates.WeightDecay);
        if (rates.Momentum != 0 && !at.Memory.IsEmpty)
            velocity = TensorAlgebra.Axpy(rates.Momentum, at.Memory[0], velocity);
        Tensor theta = TensorAlgebra.Axpy(-rates.Rate, velocity, at.Theta);
        return new WalkState(theta, rates.Momentum == 0 ? [] : [velocity], at.Step + 1);
    }

    /// <inheritdoc/>
    public override StepPullback Pullback(WalkStep step, WalkCotangent after)
    {
        StepRates rates = step.Rates;
        (Tensor direction, double factor) = !after.Memory.IsEmpty
            ? (TensorAlgebra.Axpy(-rates.Rate, after.Theta, after.Memory[0]), 1)
            : (after.Theta, -rates.Rate);
        Tensor theta = rates.WeightDecay == 0
            ? after.Theta
            : TensorAlgebra.Axpy(rates.WeightDecay * factor, direction, after.Theta);
        Tensor? velocity = rates.Momentum != 0 ? step.After.Memory[0]
            : step.Gradient is { } gradient ? Decayed(gradient, step.Before.Theta, rates.WeightDecay)
            : null;
        return new StepPullback(
            direction, factor,
            new WalkCotangent(theta, rates.Momentum == 0 ? [] : [direction.Times(rates.Momentum * factor)]),
            velocity is null ? null : (-1, after.Theta, velocity));
    }

    private static Tensor Decayed(Tensor gradient, Tensor theta, double decay) =>
        decay == 0 ? gradient : TensorAlgebra.Axpy(decay, theta, gradient);
}
