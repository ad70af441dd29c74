using System.Collections.Immutable;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Sets of image-text pairs: the parts image_features [N, F] and text_features [N, G], and, where a similarity of the pairs is
/// learned, similarity_diagonal a [N, 1], similarity_left L [N, r] and similarity_right R [N, r] of A = diag(a) + (α/r)·L·Rᵀ
/// (LoRS, Xu et al., ICML 2024).
/// </summary>
public static class SyntheticPairs
{
    /// <summary>The part of image features [N, F].</summary>
    public const string ImagesPart = "image_features";

    /// <summary>The part of text features [N, G].</summary>
    public const string TextsPart = "text_features";

    /// <summary>The part a [N, 1].</summary>
    public const string DiagonalPart = "similarity_diagonal";

    /// <summary>The part L [N, r].</summary>
    public const string LeftPart = "similarity_left";

    /// <summary>The part R [N, r].</summary>
    public const string RightPart = "similarity_right";

    /// <summary>Pairs without similarity, of weight 1.</summary>
    /// <exception cref="ShapeException">The features are no matrices of as many rows.</exception>
    public static SyntheticSet Of(Tensor images, Tensor texts)
    {
        if (images.Shape.Rank != 2 || texts.Shape.Rank != 2 || images.Shape[0] != texts.Shape[0])
            throw new ShapeException($"Pairs are image features [N, F] and text features [N, G], got {images.Shape} and {texts.Shape}.");
        return new SyntheticSet([new(ImagesPart, images), new(TextsPart, texts)])
        {
            Numbers = ImmutableSortedDictionary<string, double>.Empty.Add(SyntheticSet.WeightNumber, 1),
        };
    }

    /// <summary>Pairs of real data: the images of some indices, each with one of its texts, drawn by the key.</summary>
    /// <param name="data">Features [M, F, 1, 1] and text features.</param>
    /// <param name="indices">Which.</param>
    /// <param name="key">What the texts follow from; stream "labels".</param>
    public static SyntheticSet Of(LabelledImages data, int[] indices, RandomKey key)
    {
        Variable images = Variable.Constant(data.Images).GatherRows(indices).Flatten();
        Variable texts = Variable.Constant(data.Labels).GatherRows(data.DrawnLabelsOf(indices, key.Split("labels")));
        return Of(images.Value, texts.Value);
    }

    /// <summary>The same pairs with a similarity that starts as the identity: a = 1, L normal, R = 0.</summary>
    /// <param name="s">Pairs without one.</param>
    /// <param name="rank">r.</param>
    /// <param name="key">What L follows from; stream "similarity".</param>
    public static SyntheticSet WithSimilarity(this SyntheticSet s, int rank, RandomKey key)
    {
        Shape side = new(s.Count, rank);
        return s with
        {
            Parts =
            [
                .. s.Parts,
                new(DiagonalPart, Tensor.Full(s.Backend, s.DType, new Shape(s.Count, 1), 1)),
                new(LeftPart, Tensor.Normal(s.Backend, s.DType, side, key.Split("similarity"))),
                new(RightPart, Tensor.Full(s.Backend, s.DType, side, 0)),
            ],
        };
    }

    /// <summary>Pairs to train heads on: features [N, F, 1, 1] and <see cref="PairLabels"/>; what is made belongs to the current
    /// scope.</summary>
    /// <param name="s">The pairs.</param>
    /// <param name="withSimilarity">Whether a learned similarity stands in the labels; a loss that does not read one refuses it.</param>
    public static LabelledImages AsTrainingPairs(this SyntheticSet s, bool withSimilarity)
    {
        using IDisposable off = Recording.Off();
        (Variable images, Variable labels) = BatchOf([.. s.Tensors.Select(Variable.Constant)], withSimilarity);
        return new LabelledImages(images.Value, labels.Value);
    }

    /// <summary>The batch of all rows of a set given by its parts, in their order.</summary>
    internal static Batch BatchOf(IReadOnlyList<Variable> parts, bool withSimilarity)
    {
        Variable images = parts[0].Reshape(new Shape(parts[0].Shape[0], parts[0].Shape[1], 1, 1));
        bool has = withSimilarity && parts.Count == 5;
        return new Batch(images, has ? new PairLabels(parts[1], parts[2], parts[3], parts[4]).Rows : parts[1]);
    }
}
