using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Adam (Kingma and Ba, ICLR 2015) with PyTorch's constants: with g = ∇L + wθ, m' = β₁m + (1 − β₁)g, v' = β₂v + (1 − β₂)g²,
/// θ' = θ − a·m'/D, a = η/(1 − β₁ᵗ), D = √v'/√(1 − β₂ᵗ) + ε, t counted from 1. Its adjoint goes through both means. Where v' is 0
/// the gradients were 0 so far, and the derivative through the root, which does not exist there, counts as 0.
/// </summary>
public sealed class AdamRule : StepRule
{
    // Far below the root of any mean of squares that is not zero in float32.
    private const double Tiny = 1e-30;

    /// <inheritdoc/>
    public override string Name => "adam";

    /// <inheritdoc/>
    public override bool ReadsGradient(StepRates rates, bool rateIsLearned) => true;

    /// <inheritdoc/>
    public override WalkState Next(WalkState at, Tensor gradient, StepRates rates)
    {
        AdamMeans means = at.Memory.IsEmpty
            ? new AdamMeans(at.Theta.ZerosLike(), at.Theta.ZerosLike())
            : new AdamMeans(at.Memory[0], at.Memory[1]);
        (Tensor theta, AdamMeans next) = AdamW.Step(
            at.Theta, means, Decayed(gradient, at.Theta, rates.WeightDecay), at.Step, rates.Rate, weightDecay: 0);
        return new WalkState(theta, [next.First, next.Second], at.Step + 1);
    }

    /// <inheritdoc/>
    public override StepPullback Pullback(WalkStep step, WalkCotangent after)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        int t = step.Before.Step + 1;
        double bias = 1 / (1 - Math.Pow(AdamW.Beta1, t)), a = step.Rates.Rate * bias;
        double share = 1 / Math.Sqrt(1 - Math.Pow(AdamW.Beta2, t)), w = step.Rates.WeightDecay;
        Variable m = Variable.Constant(step.After.Memory[0]), root = Variable.Constant(step.After.Memory[1]).Sqrt();
        Variable g = Variable.Constant(Decayed(step.Gradient!, step.Before.Theta, w));
        Variable theta = Variable.Constant(after.Theta), divisor = root * share + AdamW.Epsilon, direction = m / divisor;
        Variable ofFirst = theta * -a / divisor, ofSecond = -ofFirst * direction * (share / 2) / (root + Tiny);
        if (!after.Memory.IsEmpty)
        {
            ofFirst += Variable.Constant(after.Memory[0]);
            ofSecond += Variable.Constant(after.Memory[1]);
        }
        Variable b = ofFirst * (1 - AdamW.Beta1) + ofSecond * g * (2 * (1 - AdamW.Beta2));
        Tensor before = w == 0 ? after.Theta : scope.Keep(TensorAlgebra.Axpy(w, b.Value, after.Theta));
        return new StepPullback(
            scope.Keep(b.Value), 1,
            new WalkCotangent(
                before, [scope.Keep((ofFirst * AdamW.Beta1).Value), scope.Keep((ofSecond * AdamW.Beta2).Value)]),
            (-bias, after.Theta, scope.Keep(direction.Value)));
    }

    private static Tensor Decayed(Tensor gradient, Tensor theta, double decay) =>
        decay == 0 ? gradient : TensorAlgebra.Axpy(decay, theta, gradient);
}
