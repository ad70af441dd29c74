using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Trains a network on S as it is between updates of S: shuffled batches, SGD without momentum or decay, each image with an
/// augmentation of its own. Source: Zhao, Mopuri and Bilen (DC, ICLR 2021), algorithm 1, and DSA (ICML 2021).
/// </summary>
/// <param name="network">What is trained.</param>
/// <param name="augmentation">Of each image.</param>
/// <param name="rate">η.</param>
public sealed class TrainingOnSet(Network network, Augmentation augmentation, double rate)
{
    private const int BatchSize = 256;

    /// <summary>θ [p] after so many epochs on S, in the current scope; θ itself stays as it is.</summary>
    /// <param name="theta">θ [p].</param>
    /// <param name="s">S.</param>
    /// <param name="epochs">The most epochs.</param>
    /// <param name="key">What batches and augmentation follow from.</param>
    /// <param name="isEnough">Whether the training ends, asked with θ [p] after each epoch; null for never before the last.</param>
    /// <exception cref="NumericalException">The loss or θ stops being finite.</exception>
    public Tensor Run(Tensor theta, SyntheticSet s, int epochs, RandomKey key, Predicate<Tensor>? isEnough = null)
    {
        using var scope = TensorScope.Begin();
        var plan = new TrainingPlan(epochs, BatchSize, rate, Momentum: 0, WeightDecay: 0, RateSchedule.Constant)
        {
            Augmentation = augmentation,
        };
        LabelledImages data = s.AsTrainingSet();
        int perEpoch = plan.StepsPerEpoch(data.Count);
        var trainer = new Trainer(network, data, plan, key)
        {
            EndsAfter = isEnough is null ? null : made => (made.Step + 1) % perEpoch == 0 && isEnough(made.Theta),
        };
        return scope.Keep(trainer.Run(theta));
    }

    /// <summary>Which tensors the draws of the first steps make.</summary>
    public IEnumerable<AugmentationOps> FormsOf(int steps, RandomKey key) => Enumerable.Range(0, steps)
        .Select(t => augmentation.FormOf(key.Split("augmentation").Split((ulong)t), siamese: false));
}
