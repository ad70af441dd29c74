using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// The loss L(θ; S) of a whole set under one random draw, which is the same at every checkpoint and on both sides of a
/// finite difference. A training on S draws again for each step (<see cref="OfStep"/>). Losses over other parts than
/// images and label logits derive from this.
/// </summary>
public abstract class SyntheticLoss
{
    /// <summary>L(θ; S), a scalar; S is its parts in their order.</summary>
    public abstract Variable At(Variable theta, IReadOnlyList<Variable> s);

    /// <summary>The same loss under what step t of a training on S draws.</summary>
    public abstract SyntheticLoss OfStep(int step);

    /// <summary>How many of the rows of S a derivative should take at once; null where L is not a mean of one term for
    /// each row.</summary>
    public virtual int? RowsAtOnce(Backend backend, int count) => null;

    /// <summary>L(·; S) as a function of θ alone, with S held constant.</summary>
    public ParameterLoss Of(SyntheticSet s)
    {
        Variable[] constants = [.. s.Tensors.Select(Variable.Constant)];
        return theta => At(theta, constants);
    }
}

/// <summary>The loss of labelled images: S is images [N, C, H, W] and label logits [N, M], cut into tiles, augmented and, where
/// that is asked for, in minibatches.</summary>
/// <param name="network">The network that is trained on S.</param>
/// <param name="augmentation">Of S's images.</param>
/// <param name="key">What the draws follow from.</param>
/// <param name="siamese">Whether one draw of the augmentation serves all images or each has its own.</param>
public sealed class ImageLoss(Network network, Augmentation augmentation, RandomKey key, bool siamese = true) : SyntheticLoss
{
    private readonly RandomKey _key = key;

    /// <summary>f, as <see cref="SyntheticSet.Factor"/>.</summary>
    public int Factor { get; init; } = 1;

    /// <summary>Rows of S in a step; 0 for all of S. A training on S takes each row once before it takes one again.</summary>
    public int BatchSize { get; init; }

    // The number of the step, and the key of all of them, where this is the loss of one.
    private int Step { get; init; }

    private RandomKey? Whole { get; init; }

    /// <inheritdoc/>
    public override Variable At(Variable theta, IReadOnlyList<Variable> s)
    {
        (Variable images, Variable logits) = (s[0], s[1]);
        if (IsPart(images.Shape[0]))
        {
            int[] rows = RowsOf(images.Shape[0]);
            (images, logits) = (images.GatherRows(rows), logits.GatherRows(rows));
        }
        return network.Loss(
            theta, augmentation.Apply(images.EnlargeTiles(Factor), _key, siamese), logits.Softmax().ForEachTile(Factor));
    }

    /// <inheritdoc/>
    // An augmentation that draws for each image makes its part of the loss depend on its place in S.
    public override int? RowsAtOnce(Backend backend, int count) =>
        !IsPart(count) && network.TrainingLoss is ExampleLoss && (siamese || augmentation.Ops == AugmentationOps.None)
            ? (int)Math.Clamp(
                backend.NumbersInCache / Math.Max(1, network.ActivationCount * Factor * Factor), 1, int.MaxValue)
            : null;

    /// <inheritdoc/>
    public override ImageLoss OfStep(int step) => new(network, augmentation, _key.Split((ulong)step), siamese)
    {
        Factor = Factor, BatchSize = BatchSize, Step = step, Whole = Whole ?? _key,
    };

    private bool IsPart(int count) => BatchSize > 0 && BatchSize < count;

    // Epochs over S: a permutation each, cut into batches; what does not fill one is left out.
    private int[] RowsOf(int count)
    {
        int batches = count / BatchSize;
        return (Whole ?? _key).Split("batch").Split((ulong)(Step / batches)).Permutation(count)
            .Skip(Step % batches * BatchSize).Take(BatchSize).ToArray();
    }
}
