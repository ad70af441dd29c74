using System.Collections.Immutable;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>What a network sees of S: L(θ; S) is the loss of these rows, a mean of one term for each.</summary>
/// <param name="Rows">Tensors [R, …], functions of S.</param>
/// <param name="Loss">The mean of the terms of some of the rows.</param>
/// <param name="AtOnce">How many rows a second derivative should take at once.</param>
public sealed record SeenRows(ImmutableArray<Variable> Rows, Loss Loss, int AtOnce);

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

    /// <summary>What the network sees of S, its parts in their order; null where L is not a mean of one term for each row.</summary>
    public virtual SeenRows? Seen(Backend backend, IReadOnlyList<Variable> s) => null;

    /// <summary>Which rows of S a step of training on it in minibatches takes. Epochs over S: a permutation each, cut into batches; what
    /// does not fill one is left out.</summary>
    /// <param name="key">What the order follows from; the same for all steps.</param>
    /// <param name="step">The number of the step.</param>
    /// <param name="size">Rows of a batch, at most all.</param>
    /// <param name="count">Rows of S.</param>
    protected static int[] RowsOfStep(RandomKey key, int step, int size, int count)
    {
        int batches = count / size;
        return key.Split("batch").Split((ulong)(step / batches)).Permutation(count).Skip(step % batches * size).Take(size).ToArray();
    }

    /// <summary>L(·; S) as a function of θ alone, with S held constant.</summary>
    public ParameterLoss Of(SyntheticSet s)
    {
        Variable[] constants = [.. s.Tensors.Select(Variable.Constant)];
        return theta => At(theta, constants);
    }
}

/// <summary>The loss of labelled images: S is images [N, C, H, W] and label logits [N, M] or [N, f², M], cut into tiles, augmented and, where
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

    /// <summary>Whether such a row is a tile or a stored image.</summary>
    public bool IsOfTiles { get; init; }

    // The number of the step, and the key of all of them, where this is the loss of one.
    private int Step { get; init; }

    private RandomKey? Whole { get; init; }

    /// <inheritdoc/>
    public override Variable At(Variable theta, IReadOnlyList<Variable> s)
    {
        (Variable images, Variable labels) = Seen(s);
        return network.Loss(theta, images, labels);
    }

    /// <inheritdoc/>
    public override SeenRows? Seen(Backend backend, IReadOnlyList<Variable> s)
    {
        if (network.TrainingLoss is not ExampleLoss)
            return null;
        (Variable images, Variable labels) = Seen(s);
        return new SeenRows(
            [images, labels], (theta, rows) => network.Loss(theta, rows[0], rows[1]), AtOnce(backend, network.ActivationCount));
    }

    private (Variable Images, Variable Labels) Seen(IReadOnlyList<Variable> s)
    {
        int count = s[0].Shape[0];
        (Variable images, Variable labels) = IsPart(count)
            ? SyntheticSet.Seen(s[0], s[1], Factor, RowsOf(RowsIn(count)), IsOfTiles)
            : (s[0].EnlargeTiles(Factor), s[1].TileLabels(Factor));
        return (augmentation.Apply(images, _key, siamese), labels);
    }

    /// <inheritdoc/>
    // An augmentation that draws for each image makes its part of the loss depend on its place in S.
    public override int? RowsAtOnce(Backend backend, int count) =>
        !IsPart(count) && network.TrainingLoss is ExampleLoss && (siamese || augmentation.Ops == AugmentationOps.None)
            ? AtOnce(backend, network.ActivationCount * Factor * Factor)
            : null;

    private static int AtOnce(Backend backend, long numbers) =>
        (int)Math.Clamp(backend.NumbersInCache / Math.Max(1, numbers), 1, int.MaxValue);

    /// <inheritdoc/>
    public override ImageLoss OfStep(int step) => new(network, augmentation, _key.Split((ulong)step), siamese)
    {
        Factor = Factor, BatchSize = BatchSize, IsOfTiles = IsOfTiles, Step = step, Whole = Whole ?? _key,
    };

    private bool IsPart(int count) => BatchSize > 0 && BatchSize < RowsIn(count);

    private int RowsIn(int count) => IsOfTiles ? count * Factor * Factor : count;

    private int[] RowsOf(int count) => RowsOfStep(Whole ?? _key, Step, BatchSize, count);
}
