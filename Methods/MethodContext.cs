using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>The real set D for a method.</summary>
public interface IRealData
{
    /// <summary>All of D with its labels.</summary>
    LabelledImages Train { get; }

    /// <summary>The number of classes M.</summary>
    int Classes { get; }

    /// <summary>The number of images of a class.</summary>
    int CountOfClass(int label);

    /// <summary>So many random images of a class, all where it has no more; indices into <see cref="Train"/>.</summary>
    int[] RandomOfClass(int label, int most, RandomKey key);

    /// <summary>So many random images of each class, class by class; indices into <see cref="Train"/>.</summary>
    int[] RandomOfEachClass(int perClass, RandomKey key);
}

/// <summary>The inputs of a method in a run.</summary>
public sealed record MethodContext
{
    /// <summary>The architecture that S is learned with.</summary>
    public required Network Network { get; init; }

    /// <summary>D.</summary>
    public required IRealData Real { get; init; }

    /// <summary>Networks that were trained on D, with their trajectories.</summary>
    public required IReadOnlyList<Expert> Experts { get; init; }

    /// <summary>The method's settings.</summary>
    public required MethodValues Values { get; init; }

    /// <summary>What all random numbers of the run follow from.</summary>
    public required RandomKey Key { get; init; }

    /// <summary>The augmentation of S's images, and of D's where a method augments both.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.None;

    /// <summary>Rows of S in a step of training on it; 0 for all.</summary>
    public int BatchSyn { get; init; }

    /// <summary>Whether such a row is a tile of a stored image or the image.</summary>
    public bool BatchesAreOfTiles { get; init; }

    /// <summary>How products with second derivatives are computed.</summary>
    public SecondOrderProducts Products { get; init; } = new(SecondDerivatives.FiniteDifference);

    /// <summary>The processes that make each update together; this one alone by default.</summary>
    public LockStep Ranks { get; init; } = LockStep.Alone;

    /// <summary>The loss of an S that is no set of labelled images, from what its draws follow from; null for labelled
    /// images.</summary>
    public Func<RandomKey, SyntheticLoss>? Loss { get; init; }

    /// <summary>The loss of S under one draw of its augmentation.</summary>
    /// <param name="s">S.</param>
    /// <param name="key">What the draw follows from.</param>
    /// <param name="siamese">Whether all images share a draw.</param>
    public SyntheticLoss LossOf(SyntheticSet s, RandomKey key, bool siamese) =>
        Loss?.Invoke(key) ?? new ImageLoss(Network, Augmentation, key, siamese)
        {
            Factor = s.Factor, BatchSize = BatchSyn, IsOfTiles = BatchesAreOfTiles,
        };
}
