using System.Numerics.Tensors;
using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Finds the training images and captions whose features point most nearly where those of synthetic pairs do.</summary>
internal static class NeighbourSearch
{
    private const int MostShown = 40, Captions = 3, Side = 96, Digits = 3;

    /// <summary>What is nearest to the first pairs of a set.</summary>
    /// <param name="set">S.</param>
    /// <param name="splits">The data that it was made from.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="DistillException">The training pairs are others than those of the set.</exception>
    /// <exception cref="DatasetException">A file of an image is damaged.</exception>
    public static SetNeighbours Find(PairArtifact set, PairSplits splits, CancellationToken cancel)
    {
        if (set.Metadata[PairArtifact.TrainHashKey] != splits.Train.ContentHash())
        {
            throw new DistillException(
                ExitCode.Data, "IM3046",
                $"the training pairs of {splits.Name} here are not those of {set.Source}. Name the folder of the set's own data with " +
                "--data.");
        }
        (FeatureTable images, FeatureTable captions) = splits.Train.Features;
        int shown = Math.Min(MostShown, set.Count);
        (int Row, double Cosine)[][] ofImages = Nearest(images, set.Images, Rows(set, 0, shown), 1, row => row, cancel);
        (int Row, double Cosine)[][] ofTexts = Nearest(
            captions, set.Texts, Rows(set, 1, shown), Captions, row => splits.Train.Captions[row].Text, cancel);
        return new SetNeighbours(set.Count, set.Metadata[PairArtifact.SetHashKey],
        [
            .. ofImages.Zip(ofTexts, (image, texts) => new ShownPair(
                new NearImage(splits.Train.ImageNames[image[0].Row], image[0].Cosine, PictureOf(splits, image[0].Row)),
                [
                    .. texts.Select(text => (Words: splits.Train.Captions[text.Row].Text, text.Cosine)).Select(text => new NearCaption(
                        Joined(text.Words), text.Cosine, Describes(splits.Train, text.Words, image[0].Row))),
                ])),
        ]);
    }

    // The same words may be said of several images.
    private static bool Describes(PairDataset pairs, string words, int image) =>
        pairs.CaptionsOf(image).Any(caption => pairs.Captions[caption].Text == words);

    // Published captions have a space before their full stop.
    private static string Joined(string caption) => caption.EndsWith(" .", StringComparison.Ordinal) ? $"{caption[..^2]}." : caption;

    private static string? PictureOf(PairSplits splits, int image) =>
        splits.TrainingImage(image, Side) is { Size: { } size } pixels && size[0] is 1 or 3
            ? EmbeddedImage.Of(pixels.Values, size[0], size[1], size[2])
            : null;

    private static float[][] Rows(PairArtifact set, int part, int count) =>
        [.. set.Parts[part].AsFloat32().ToArray().Chunk(set.Parts[part].Dimensions[1]).Take(count)];

    // Of each vector the rows of the table with the largest cosines, the largest first; of rows that mean the same the nearest alone.
    private static (int Row, double Cosine)[][] Nearest<T>(
        FeatureTable table, FeatureStatistics by, float[][] vectors, int count, Func<int, T> meaning, CancellationToken cancel)
        where T : notnull
    {
        List<(int Row, double Cosine)>[] found = [.. vectors.Select(_ => new List<(int Row, double Cosine)>())];
        var row = new float[table.Width];
        for (int r = 0; r < table.Rows; r++)
        {
            cancel.ThrowIfCancellationRequested();
            TensorPrimitives.Subtract(table.Row(r), by.Mean, row);
            TensorPrimitives.Divide(row, by.Deviation, row);
            for (int v = 0; v < vectors.Length; v++)
            {
                double cosine = Cosine(row, vectors[v]);
                List<(int Row, double Cosine)> best = found[v];
                if (best.Count == count && cosine <= best[^1].Cosine)
                    continue;
                int same = best.FindIndex(b => meaning(b.Row).Equals(meaning(r)));
                if (same >= 0 && best[same].Cosine >= cosine)
                    continue;
                if (same >= 0)
                    best.RemoveAt(same);
                int place = best.FindIndex(b => b.Cosine < cosine);
                best.Insert(place < 0 ? best.Count : place, (r, cosine));
                if (best.Count > count)
                    best.RemoveAt(count);
            }
        }
        return [.. found.Select(best => best.Select(b => (b.Row, Math.Round(b.Cosine, Digits))).ToArray())];
    }

    // A vector of zeros points nowhere.
    private static double Cosine(float[] a, float[] b)
    {
        double cosine = TensorPrimitives.CosineSimilarity<float>(a, b);
        return double.IsFinite(cosine) ? cosine : 0;
    }
}
