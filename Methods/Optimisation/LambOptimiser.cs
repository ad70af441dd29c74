using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// LAMB (You et al., ICLR 2020): x' = x − η·(‖x‖/‖u‖)·u with Adam's direction u plus λx, and the factor 1 where x or u is zero.
/// A part of S is one layer. The constants are PyTorch's for Adam, the momentum of the part is not used. The two norms are read
/// by the host.
/// </summary>
public sealed class LambOptimiser : SetOptimiser
{
    /// <inheritdoc/>
    public override string Name => "lamb";

    /// <inheritdoc/>
    public override IReadOnlyList<string> State { get; } = ["first_moment", "second_moment"];

    /// <inheritdoc/>
    public override (Tensor Value, Tensor[] State) Step(
        Tensor value, IReadOnlyList<Tensor> state, Tensor gradient, SetStep step)
    {
        // From zero at the rate 1, Adam's step is minus its direction.
        (Tensor back, AdamMeans means) = AdamW.Step(
            value.ZerosLike(), new AdamMeans(state[0], state[1]), gradient, step.Number, rate: 1, weightDecay: 0);
        if (step.WeightDecay != 0)
            back = TensorAlgebra.Axpy(-step.WeightDecay, value, back);
        double[] squares = TensorAlgebra.Dots((value, value), (back, back));
        double trust = squares[0] > 0 && squares[1] > 0 ? Math.Sqrt(squares[0] / squares[1]) : 1;
        return (TensorAlgebra.Axpy(step.Rate * trust, back, value), [means.First, means.Second]);
    }
}
