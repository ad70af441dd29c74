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
    /// <exception cref="NumericalException">The loss or θ stops being finite.</exception>
    public Tensor Run(Tensor theta, SyntheticSet s, int epochs, RandomKey key)
    {
        using var scope = TensorScope.Begin();
        var plan = new TrainingPlan(epochs, BatchSize, rate, Momentum: 0, WeightDecay: 0, RateSchedule.Constant)
        {
            Augmentation = augmentation,
        };
        return scope.Keep(new Trainer(network, s.AsTrainingSet(), plan, key).Run(theta));
    }

    /// <summary>Which tensors the draws of the first steps make.</summary>
    public IEnumerable<AugmentationOps> FormsOf(int steps, RandomKey key) => Enumerable.Range(0, steps)
        .Select(t => augmentation.FormOf(key.Split("augmentation").Split((ulong)t), siamese: false));
}
