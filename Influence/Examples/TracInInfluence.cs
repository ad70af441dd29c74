using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// TracInCP as published (Pruthi, Liu, Kale and Sundararajan, NeurIPS 2020): the sum over checkpoints of the rate times
/// ⟨∇ℓ_i(θ_t), ∇m(θ_t)⟩, the measure's gradient taken along the path and not at its end, in which it is no displacement
/// of θ. A checkpoint stands for the steps from it to the next one, with their rates, so that θ_0 is one and the last θ is none;
/// the sum is divided by N and negated, to be dm/dw_i.
/// </summary>
public sealed class TracInInfluence(ExampleContext context) : ExampleInfluence(context)
{
    /// <inheritdoc/>
    public override string Name => "tracin";

    /// <inheritdoc/>
    public override bool HasDisplacement => false;

    /// <inheritdoc/>
    public override Tensor Displacement(Intervention intervention) =>
        throw new NotSupportedException("TracIn says what becomes of a measure, not of θ. Ask for its scores.");

    /// <inheritdoc/>
    public override double[] Scores(ParameterLoss measure)
    {
        var scores = new double[Data.Count];
        foreach ((int checkpoint, double rate) in Context.Spaced())
        {
            using var scope = TensorScope.Begin();
            Tensor theta = Context.Theta(checkpoint);
            double[] slopes = SlopesOfData(theta, Differential.GradientAt(measure, theta));
            for (int i = 0; i < scores.Length; i++)
                scores[i] -= rate * slopes[i];
        }
        return scores;
    }
}
