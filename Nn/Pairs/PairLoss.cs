using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// A loss of image-text pairs: each image of a batch is compared with each of its texts. It is no sum over pairs, since a pair
/// is also what others are told apart from. One type, found by enumeration.
/// </summary>
public abstract class PairLoss : WeightedLoss, IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>Whether it reads a learned similarity of the pairs where a set has one.</summary>
    public abstract bool UsesSimilarity { get; }

    /// <summary>The loss of a name.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists the known ones.</exception>
    public static PairLoss Named(string name) => Kinds.Find<PairLoss>(name)
        ?? throw new ArgumentException(
            $"Unknown loss of pairs '{name}'. Known: {string.Join(", ", Kinds.Names<PairLoss>())}.", nameof(name));

    /// <inheritdoc/>
    public sealed override Variable Of(Network network, Variable theta, Batch batch)
    {
        (PairScores scores, Variable? similarity) = Compare(network, theta, batch);
        return Of(scores, similarity);
    }

    /// <inheritdoc/>
    public sealed override Variable Weighted(Network network, Variable theta, Batch batch, Variable weights) =>
        Weighted(network, theta, batch, weights, weights);

    /// <summary>The loss of weighted pairs, a scalar, in which a pair has one weight where it is to be found and another where others
    /// are told apart from it. Both are those of <see cref="WeightedLoss.Weighted"/> where a pair's weight is meant; apart they
    /// show what each of its parts does.</summary>
    /// <param name="network">A <see cref="PairNetwork"/>.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="batch">Images and the rows of <see cref="PairLabels"/>.</param>
    /// <param name="asPositive">The weight of each pair's own terms [N]; the loss is divided by their sum.</param>
    /// <param name="asNegative">The weight of each pair in the terms of others, and in the sum of its own [N].</param>
    /// <exception cref="ShapeException">θ, the batch or the weights do not fit.</exception>
    /// <exception cref="NotSupportedException">The loss has no weighted form.</exception>
    public Variable Weighted(Network network, Variable theta, Batch batch, Variable asPositive, Variable asNegative)
    {
        (PairScores scores, Variable? similarity) = Compare(network, theta, batch);
        int n = scores.Count;
        foreach (Variable weights in (Variable[])[asPositive, asNegative])
        {
            if (weights.Shape != new Shape(n))
                throw new ShapeException($"{n} pairs take weights [{n}], got {weights.Shape}.");
        }
        return Weighted(scores, similarity, asPositive, asNegative);
    }

    /// <summary>The loss of scores, with A [N, N] where the set has one.</summary>
    protected abstract Variable Of(PairScores scores, Variable? similarity);

    /// <summary>The weighted loss; a loss without one refuses.</summary>
    protected virtual Variable Weighted(PairScores scores, Variable? similarity, Variable asPositive, Variable asNegative) =>
        throw new NotSupportedException(
            $"The loss {Name} has no weighted form, so leaving out one of its pairs is not described. Take infonce.");

    private (PairScores Scores, Variable? Similarity) Compare(Network network, Variable theta, Batch batch)
    {
        var pairs = PairNetwork.Of(network);
        var labels = PairLabels.Of(batch.Labels, pairs.TextFeatures);
        if (labels.Diagonal is not null && !UsesSimilarity)
        {
            throw new ShapeException(
                $"The loss {Name} does not read the similarity in labels {batch.Labels.Shape}. Take wbce or ence, or a set without.");
        }
        PairEmbeddings embedded = pairs.Embed(theta, batch.Images, labels.Texts);
        if (embedded.Images.Shape != embedded.Texts.Shape)
            throw new ShapeException($"{embedded.Images.Shape[0]} images do not pair with {embedded.Texts.Shape[0]} texts.");
        return (
            new PairScores(embedded, pairs.Options.Temperature), labels.Similarity(pairs.Options.SimilarityScale));
    }
}

/// <summary>The scores of the images of a batch with its texts: cosines by τ.</summary>
/// <param name="Embeddings">Unit rows.</param>
/// <param name="Temperature">τ.</param>
public readonly record struct PairScores(PairEmbeddings Embeddings, double Temperature)
{
    /// <summary>N.</summary>
    public int Count => Embeddings.Images.Shape[0];

    /// <summary>z [N, N]: row i is image i with all texts.</summary>
    public Variable OfImages => Embeddings.Images.MatMul(Embeddings.Texts, transposeB: true) / Temperature;

    /// <summary>zᵀ [N, N]: row j is text j with all images.</summary>
    public Variable OfTexts => Embeddings.Texts.MatMul(Embeddings.Images, transposeB: true) / Temperature;
}
