using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>The mean over the batch of −Σ_c q_c·log softmax(logits)_c, with labels q [N, M], hard (one-hot) or
/// soft.</summary>
public sealed class SoftLabelCrossEntropy : ExampleLoss
{
    /// <inheritdoc/>
    public override Variable Of(Network network, Variable theta, Batch batch) =>
        network.Forward(theta, batch.Images).CrossEntropy(batch.Labels);

    /// <inheritdoc/>
    // Cross-entropy is linear in the labels, so the weights scale these.
    public override Variable Weighted(Network network, Variable theta, Batch batch, Variable weights) =>
        Of(network, theta, batch with { Labels = batch.Labels * weights.Reshape(new Shape(batch.Labels.Shape[0], 1)) });
}
