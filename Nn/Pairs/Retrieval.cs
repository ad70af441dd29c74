using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>How often what belongs together is among the first K of what was retrieved: shares of the queries, 0 … 1.</summary>
/// <param name="TextToImage1">R@1 of images for texts.</param>
/// <param name="TextToImage5">R@5.</param>
/// <param name="TextToImage10">R@10.</param>
/// <param name="ImageToText1">R@1 of texts for images.</param>
/// <param name="ImageToText5">R@5.</param>
/// <param name="ImageToText10">R@10.</param>
public readonly record struct RetrievalRecall(
    double TextToImage1, double TextToImage5, double TextToImage10,
    double ImageToText1, double ImageToText5, double ImageToText10)
{
    /// <summary>The mean of the six.</summary>
    public double Mean =>
        (TextToImage1 + TextToImage5 + TextToImage10 + ImageToText1 + ImageToText5 + ImageToText10) / 6;

    /// <summary>The mean of several networks' shares, each by itself.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    public static RetrievalRecall MeanOf(IReadOnlyList<RetrievalRecall> all) => new(
        all.Average(r => r.TextToImage1), all.Average(r => r.TextToImage5), all.Average(r => r.TextToImage10),
        all.Average(r => r.ImageToText1), all.Average(r => r.ImageToText5), all.Average(r => r.ImageToText10));
}

/// <summary>
/// Retrieval among pairs (Hodosh, Young and Hockenmaier, JAIR 2013): each text asks for its image among all images, and each
/// image for its texts among all texts, where the best of its own counts.
/// </summary>
public static class Retrieval
{
    private const int RowsAtOnce = 1024;

    /// <summary>Recall under θ [p] on pairs with K texts an image.</summary>
    /// <param name="network">The heads.</param>
    /// <param name="theta">θ [p].</param>
    /// <param name="pairs">Features [N, F, 1, 1] and text features [N·K, G].</param>
    /// <exception cref="NumericalException">A score is not finite.</exception>
    public static RetrievalRecall Recall(this PairNetwork network, Tensor theta, LabelledImages pairs)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        Variable parameters = Variable.Constant(theta);
        Variable images = InParts(pairs.Images, rows => network.Features(parameters, rows).Embedding);
        Variable texts = InParts(pairs.Labels, rows => network.EmbedTexts(parameters, rows));
        return Of(images.MatMul(texts, transposeB: true).Value.To(DType.Float32).ToArray<float>(), pairs.Count, pairs.LabelsEach, pairs.LabelCounts.AsSpan());
    }

    /// <summary>Recall by scores of N images with N·K texts; a rival of an equal score counts as before.</summary>
    /// <param name="scores">[N, N·K], row by row; the texts of image i are i·K … i·K + K − 1.</param>
    /// <param name="images">N.</param>
    /// <param name="textsEach">K.</param>
    /// <param name="counts">How many of the K texts of each image are its own, from 1 to K; the others count for nothing. None for K of
    /// each.</param>
    /// <exception cref="ShapeException">There are not so many scores or counts, or none.</exception>
    /// <exception cref="NumericalException">A score is not finite: it would pass for a bad one.</exception>
    public static RetrievalRecall Of(ReadOnlySpan<float> scores, int images, int textsEach, ReadOnlySpan<int> counts = default)
    {
        int texts = images * textsEach;
        if (!counts.IsEmpty && counts.Length != images)
            throw new ShapeException($"{counts.Length} numbers of texts are not those of {images} images.");
        if (images < 1 || textsEach < 1 || scores.Length != (long)images * texts)
            throw new ShapeException($"{scores.Length} scores are not those of {images} images with {textsEach} texts each.");
        foreach (float score in scores)
        {
            if (!float.IsFinite(score))
                throw new NumericalException("the score of an image and a text", score, "Lower the learning rate of the heads.");
        }
        int[] real = [.. RealTexts(images, textsEach, counts)];
        int[] ofTexts = new int[texts], ofImages = new int[images];
        for (int i = 0; i < images; i++)
        {
            ReadOnlySpan<float> row = scores.Slice(i * texts, texts);
            float best = float.NegativeInfinity;
            foreach (float own in row.Slice(i * textsEach, counts.IsEmpty ? textsEach : counts[i]))
                best = Math.Max(best, own);
            foreach (int j in real)
            {
                int owner = j / textsEach;
                if (owner == i)
                    continue;
                ofImages[i] += row[j] >= best ? 1 : 0;
                ofTexts[j] += row[j] >= scores[owner * texts + j] ? 1 : 0;
            }
        }
        ofTexts = Array.ConvertAll(real, j => ofTexts[j]);
        return new RetrievalRecall(
            Share(ofTexts, 1), Share(ofTexts, 5), Share(ofTexts, 10), Share(ofImages, 1), Share(ofImages, 5), Share(ofImages, 10));
    }

    private static List<int> RealTexts(int images, int textsEach, ReadOnlySpan<int> counts)
    {
        var real = new List<int>(images * textsEach);
        for (int i = 0; i < images; i++)
            real.AddRange(Enumerable.Range(i * textsEach, counts.IsEmpty ? textsEach : counts[i]));
        return real;
    }

    private static double Share(int[] before, int most) => (double)before.Count(rivals => rivals < most) / before.Length;

    private static Variable InParts(Tensor all, Func<Variable, Variable> embed)
    {
        int n = all.Shape[0], row = all.Count / Math.Max(1, n);
        int[] sizes = all.Shape.Sizes.ToArray();
        var parts = new List<Variable>();
        for (int start = 0; start < n; start += RowsAtOnce)
        {
            sizes[0] = Math.Min(RowsAtOnce, n - start);
            parts.Add(embed(Variable.Constant(all.View(start * row, new Shape(sizes)))));
        }
        return Functional.Concat(0, [.. parts]);
    }
}
