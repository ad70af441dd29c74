using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>SGD with momentum and weight decay as PyTorch's: v' = μv + g + λx, x' = x − ηv'.</summary>
public sealed class SgdOptimiser : SetOptimiser
{
    /// <inheritdoc/>
    public override string Name => "sgd";

    /// <inheritdoc/>
    public override IReadOnlyList<string> State { get; } = ["velocity"];

    /// <inheritdoc/>
    public override (Tensor Value, Tensor[] State) Step(
        Tensor value, IReadOnlyList<Tensor> state, Tensor gradient, SetStep step)
    {
        Tensor next = value.Backend.Empty(value.Shape, value.DType);
        Tensor velocity = value.Backend.Empty(value.Shape, value.DType);
        value.Backend.Run(new SgdStepCall(
            new SgdTensors(value, state[0]), gradient, new SgdRates(step.Rate, step.Momentum, step.WeightDecay),
            new SgdTensors(next, velocity)));
        return (next, [velocity]);
    }
}
