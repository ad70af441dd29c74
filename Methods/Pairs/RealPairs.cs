using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>D of image-text pairs. It has no classes, so all of it counts as one.</summary>
/// <param name="train">Features [N, F, 1, 1] and text features, one or several for each image.</param>
public sealed class RealPairs(LabelledImages train) : IRealData
{
    /// <inheritdoc/>
    public LabelledImages Train { get; } = train;

    /// <inheritdoc/>
    public int Classes => 1;

    /// <inheritdoc/>
    public int CountOfClass(int label) => Train.Count;

    /// <inheritdoc/>
    public int[] RandomOfClass(int label, int most, RandomKey key) => [.. key.Permutation(Train.Count).Take(most)];

    /// <inheritdoc/>
    public int[] RandomOfEachClass(int perClass, RandomKey key) => RandomOfClass(0, perClass, key.Split(0));
}
