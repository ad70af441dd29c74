using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>D from images with one class each.</summary>
public sealed class RealImages : IRealData
{
    private readonly int[][] _ofClass;

    /// <summary>D from images [N, C, H, W] and the class of each, on the images' backend.</summary>
    /// <param name="images">Standardised images.</param>
    /// <param name="labels">The class of each, 0 … <paramref name="classes"/> − 1.</param>
    /// <param name="classes">M.</param>
    /// <exception cref="ShapeException">There are not as many labels as images, or a label is no class.</exception>
    public RealImages(Tensor images, int[] labels, int classes)
    {
        if (labels.Length != images.Shape[0])
            throw new ShapeException($"{labels.Length} labels were given for {images.Shape[0]} images.");
        Classes = classes;
        Train = new LabelledImages(images, LabelledImages.OneHot(images.Backend, images.DType, labels, classes));
        _ofClass = [.. Enumerable.Range(0, classes).Select(c =>
            Enumerable.Range(0, labels.Length).Where(i => labels[i] == c).ToArray())];
    }

    /// <inheritdoc/>
    public LabelledImages Train { get; }

    /// <inheritdoc/>
    public int Classes { get; }

    /// <inheritdoc/>
    public int CountOfClass(int label) => _ofClass[label].Length;

    /// <inheritdoc/>
    public int[] RandomOfClass(int label, int most, RandomKey key) =>
        [.. key.Permutation(_ofClass[label].Length).Take(most).Select(i => _ofClass[label][i])];

    /// <inheritdoc/>
    public int[] RandomOfEachClass(int perClass, RandomKey key) =>
        [.. Enumerable.Range(0, Classes).SelectMany(c => RandomOfClass(c, perClass, key.Split((ulong)c)))];
}
