using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>Sentences about images of articles: the article and its traits; opening, name of the article and order are
/// drawn.</summary>
internal sealed class DemoCaptions
{
    private static readonly string[] s_openings = ["A {0} {1}", "This is a {0} {1}", "The picture shows a {0} {1}", "Here is a {0} {1}"];

    // Two ways of saying each article, in the order of the labels.
    private static readonly string[][] s_articles =
    [
        ["T-shirt", "tee"], ["pair of trousers", "pair of slacks"], ["pullover", "sweater"], ["dress", "gown"], ["coat", "overcoat"],
        ["sandal", "open shoe"], ["shirt", "blouse"], ["sneaker", "gym shoe"], ["bag", "handbag"], ["ankle boot", "low boot"],
    ];

    private readonly double[][] _limits;

    private DemoCaptions(double[][] limits) => _limits = limits;

    /// <summary>Finds the limits between the levels of every trait: on these images all levels are equally frequent.</summary>
    public static DemoCaptions Fit(ImageDataset images)
    {
        var limits = new double[ImageTrait.All.Count][];
        Parallel.For(0, limits.Length, t =>
        {
            double[] sorted = [.. Enumerable.Range(0, images.Count).Select(i => ImageTrait.All[t].Measure(Image(images, i))).Order()];
            limits[t] = [.. Enumerable.Range(1, ImageTrait.All[t].Levels - 1).Select(l => sorted[l * images.Count / ImageTrait.All[t].Levels])];
        });
        return new DemoCaptions(limits);
    }

    /// <summary>So many captions of each image, image by image.</summary>
    public ImmutableArray<Caption> Of(ImageDataset images, int captionsOfImage, RandomKey key)
    {
        var captions = new Caption[images.Count * captionsOfImage];
        Parallel.For(0, images.Count, i =>
        {
            int[] levels = [.. ImageTrait.All.Select((t, k) => Array.FindLastIndex(_limits[k], limit => t.Measure(Image(images, i)) >= limit) + 1)];
            for (int c = 0; c < captionsOfImage; c++)
            {
                captions[i * captionsOfImage + c] =
                    new Caption(i, Sentence(images.Label(i), levels, key.Split((ulong)i).Split((ulong)c)));
            }
        });
        return [.. captions];
    }

    private static string Sentence(int label, int[] levels, RandomKey key)
    {
        string Said(int trait) => ImageTrait.All[trait].Words[levels[trait]];
        RandomKey opening = key.Split("opening");
        string[] articles = s_articles[label];
        string begin = string.Format(
            System.Globalization.CultureInfo.InvariantCulture, s_openings[opening.Below(s_openings.Length, 0)], Said(0),
            articles[opening.Below(articles.Length, 1)]);
        int build = ImageTrait.Build.Count;
        string shape = string.Join(", ", Enumerable.Range(1, build).Select(Said));
        string parts = string.Join(", ", Enumerable.Range(1 + build, ImageTrait.Regions.Count).Select(Said));
        return opening.Below(2, 2) == 0 ? $"{begin}: {shape}; {parts}." : $"{begin}: {parts}; {shape}.";
    }

    private static GreyImage Image(ImageDataset images, int index) => new(images.Image(index).ToArray());
}
