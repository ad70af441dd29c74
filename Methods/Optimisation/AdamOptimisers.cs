using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>AdamW (Loshchilov and Hutter, ICLR 2019) with PyTorch's constants; the momentum of the part is not used.</summary>
public sealed class AdamWOptimiser : SetOptimiser
{
    /// <inheritdoc/>
    public override string Name => "adamw";

    /// <inheritdoc/>
    public override IReadOnlyList<string> State { get; } = ["first_moment", "second_moment"];

    /// <inheritdoc/>
    public override (Tensor Value, Tensor[] State) Step(
        Tensor value, IReadOnlyList<Tensor> state, Tensor gradient, SetStep step)
    {
        (Tensor next, AdamMeans means) = AdamW.Step(
            value, new AdamMeans(state[0], state[1]), gradient, step.Number, step.Rate, step.WeightDecay);
        return (next, [means.First, means.Second]);
    }
}

/// <summary>Adam (Kingma and Ba, ICLR 2015) with PyTorch's constants: a decay is added to the gradient and not taken from the
/// value; the momentum of the part is not used.</summary>
public sealed class AdamOptimiser : SetOptimiser
{
    /// <inheritdoc/>
    public override string Name => "adam";

    /// <inheritdoc/>
    public override IReadOnlyList<string> State { get; } = ["first_moment", "second_moment"];

    /// <inheritdoc/>
    public override (Tensor Value, Tensor[] State) Step(
        Tensor value, IReadOnlyList<Tensor> state, Tensor gradient, SetStep step)
    {
        Tensor decayed = step.WeightDecay == 0 ? gradient : TensorAlgebra.Axpy(step.WeightDecay, value, gradient);
        (Tensor next, AdamMeans means) = AdamW.Step(
            value, new AdamMeans(state[0], state[1]), decayed, step.Number, step.Rate, weightDecay: 0);
        return (next, [means.First, means.Second]);
    }
}
