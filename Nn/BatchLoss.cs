using InfMatch.Autograd;

namespace InfMatch.Nn;

/// <summary>
/// The loss that a network is trained with, as a function of a whole batch, whose examples it may compare with each
/// other, as a contrastive loss over pairs of images and texts does. A network names its loss
/// (<see cref="Network.TrainingLoss"/>); training, its replay and the derivatives of both take it from there.
/// </summary>
public abstract class BatchLoss
{
    /// <summary>The loss of a batch under θ [p], a scalar.</summary>
    /// <exception cref="Tensors.ShapeException">θ or the batch does not fit.</exception>
    public abstract Variable Of(Network network, Variable theta, Batch batch);
}

/// <summary>A loss of a whole batch in which each example has a weight: 1 for all gives <see cref="BatchLoss.Of"/>, and 0 leaves an
/// example out.</summary>
public abstract class WeightedLoss : BatchLoss
{
    /// <summary>The loss for weights w [N], a scalar. NaN spreads.</summary>
    /// <exception cref="Tensors.ShapeException">θ, the batch or the weights do not fit.</exception>
    public abstract Variable Weighted(Network network, Variable theta, Batch batch, Variable weights);
}

/// <summary>A loss that is the mean of the losses of single examples, (1/N) Σ_i w_i·ℓ_i with weights: the divisor does not depend on
/// them, and parts of a batch can be taken one after the other.</summary>
public abstract class ExampleLoss : WeightedLoss;
