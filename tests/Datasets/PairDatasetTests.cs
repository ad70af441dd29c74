using System.Collections.Immutable;
using InfMatch.Datasets;
using InfMatch.Tensors;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

/// <summary>What a set of image-text pairs holds and refuses, and the catalogue of them.</summary>
public sealed class PairDatasetTests
{
    [Fact]
    public void The_names_are_known_and_the_built_in_set_comes_first()
    {
        Assert.Equal(["pairs-demo", "flickr8k", "flickr30k"], PairCatalog.Names.ToArray());
        Refused(DatasetFault.UnknownName, () => PairCatalog.Of("flickr-8k"), "Did you mean \"flickr8k\"");
        Assert.Null(PairCatalog.Find("pairs-demo"));
        // Both kinds share one name space: 'datasets verify NAME' means one of them.
        Assert.Distinct(Kinds.Of<NamedDataset>().Select(s => s.Name), StringComparer.Ordinal);
        Assert.Contains("Research only", PairCatalog.Of("flickr8k").Licence.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Captions_belong_to_images_also_in_a_part()
    {
        PairDataset set = Make();
        Assert.Equal([0, 2], set.CaptionsOf(0).ToArray());
        Assert.Equal([0, 1, 0], set.ImageOfCaption.ToArray());
        PairDataset part = set.Subset("part", [1, 0]);
        Assert.Equal(["b", "a"], part.ImageNames.ToArray());
        Assert.Equal(["two", "one", "three"], part.Captions.Select(c => c.Text), StringComparer.Ordinal);
        Assert.Equal([0, 1, 1], part.ImageOfCaption.ToArray());
        Assert.Equal([3f, 4, 1, 2], part.Features.Images.Values.ToArray());
        Assert.Equal([20f, 10, 30], part.Features.Captions.Values.ToArray());
        using var scope = TensorScope.Begin();
        Assert.Equal([30f, 10], set.Features.Captions.ToTensor(new CpuBackend(1), [2, 0]).ToArray<float>());
        Assert.Equal(new Shape(2, 2), set.Features.Images.ToTensor(new CpuBackend(1)).Shape);
    }

    [Fact]
    public void The_content_hash_follows_every_part()
    {
        string hash = Make().ContentHash();
        Assert.Equal(hash, Make().ContentHash());
        PairDataset[] others =
        [
            Make(names: ["a", "c"]), Make(captions: [new(0, "one"), new(1, "two"), new(1, "three")]),
            Make(captions: [new(0, "one"), new(1, "two"), new(0, "four")]), Make(images: [1, 2, 3, 5]), Make(texts: [10, 20, 31]),
            new("s", ["a", "b"], [new(0, "one"), new(1, "two"), new(0, "three")]),
        ];
        Assert.DoesNotContain(hash, others.Select(o => o.ContentHash()), StringComparer.Ordinal);
        Assert.Distinct(others.Select(o => o.ContentHash()), StringComparer.Ordinal);
    }

    [Fact]
    public void Parts_that_do_not_fit_together_are_refused()
    {
        Throws("no images", () => _ = new PairDataset("s", [], []));
        Throws("occurs twice: \"a\"", () => Make(names: ["a", "a"]));
        Throws("caption 1 is \"\" of image 1", () => Make(captions: [new(0, "one"), new(1, ""), new(0, "three")]));
        Throws("caption 2 is \"three\" of image 2", () => Make(captions: [new(0, "one"), new(1, "two"), new(2, "three")]));
        Throws("image 1 (b) has no caption", () => Make(captions: [new(0, "one"), new(0, "two"), new(0, "three")]));
        Throws("1 image feature vectors for 2 images", () => Make(images: [1, 2]));
        Throws("2 caption feature vectors for 3 captions", () => Make(texts: [1, 2]));
        Throws("no whole rows", () => _ = new FeatureTable(2, [1, 2, 3]));
        Throws("row 1 has NaN in column 0", () => _ = new FeatureTable(2, [1, 2, float.NaN, 4]));
        var bare = new PairDataset("bare", ["a"], [new(0, "one")]);
        Refused(DatasetFault.NotFound, () => _ = bare.Features, "no feature vectors of images and captions", "docs/datasets.md");

        static void Throws(string fragment, Action action) =>
            Assert.Contains(fragment, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Splits_share_no_image_and_have_features_of_one_width()
    {
        PairDataset Of(string name, params float[] features) => new(
            name, [name], [new Caption(0, "x")], new FeatureTable(features.Length, [.. features]), new FeatureTable(1, [1]));
        PairDataset a = Of("a", 1, 2), b = Of("b", 3, 4), c = Of("c", 5, 6);
        Assert.Same(c, new PairSplits("s", a, b, c).Of(PairSplit.Test));
        Refused(DatasetFault.Duplicate, () => _ = new PairSplits("s", a, b, a), "the image a is in two parts");
        Refused(DatasetFault.Mismatch, () => _ = new PairSplits("s", a, b, Of("d", 1)), "d differs in widths of features", "got 1 for images");
    }

    [Fact]
    public void Sentences_become_vectors_that_tell_words_and_pairs_apart()
    {
        string[] sentences = [.. Enumerable.Range(0, 40).Select(i => $"{(i % 2 == 0 ? "a red" : "a blue")} {(i % 4 < 2 ? "ball" : "cube")}, number {i % 8}.")];
        LatentSemanticAnalysis analysis = LatentSemanticAnalysis.Fit(sentences, 4096, 12);
        FeatureTable features = analysis.Features([.. sentences, "A RED ball; number 0", "red, ball a number 0", "xyzzy"]);
        float Cosine(int i, int j)
        {
            float sum = 0;
            for (int k = 0; k < features.Width; k++)
                sum += features.Row(i)[k] * features.Row(j)[k];
            return sum;
        }
        Assert.InRange(Cosine(0, 40), 0.999f, 1.001f); // case and marks say nothing
        Assert.InRange(Cosine(0, 41), 0.1f, 0.98f); // pairs of neighbours do
        Assert.True(Cosine(0, 8) > 0.99f && Cosine(0, 1) < 0.9f);
        Assert.All(features.Row(42).ToArray(), x => Assert.Equal(0, x)); // no word was seen before
        Assert.Throws<ArgumentException>(() => LatentSemanticAnalysis.Fit(["one"], 16, 2));
    }

    [Fact]
    public void Leading_eigenvectors_are_those_of_a_matrix_with_a_known_spectrum()
    {
        const int d = 40;
        using var scope = TensorScope.Begin();
        var backend = new CpuBackend(1);
        // A = Σ λ_k q_k q_kᵀ with the orthonormal q of the cosine transform.
        double Q(int k, int i) => Math.Sqrt((k == 0 ? 1.0 : 2) / d) * Math.Cos(Math.PI * (i + 0.5) * k / d);
        double Lambda(int k) => Math.Pow(0.8, k) + (k == 5 ? Math.Pow(0.8, 4) - Math.Pow(0.8, 5) : 0); // one of them twice
        var a = new double[d * d];
        for (int i = 0; i < d * d; i++)
            a[i] = Enumerable.Range(0, d).Sum(k => Lambda(k) * Q(k, i / d) * Q(k, i % d));
        (double[] values, double[] vectors) = LeadingEigenvectors.Of(Tensor.From<double>(backend, a, new Shape(d, d)), 8, 1e-12);
        for (int k = 0; k < 8; k++)
        {
            Assert.Equal(Lambda(k), values[k], 1e-9);
            // Of the two equal ones any basis will do.
            double inside = (k is 4 or 5 ? [4, 5] : (int[])[k]).Sum(
                q => Math.Pow(Enumerable.Range(0, d).Sum(i => vectors[k * d + i] * Q(q, i)), 2));
            Assert.Equal(1, inside, 1e-5);
            Assert.True(vectors.Skip(k * d).Take(d).MaxBy(Math.Abs) > 0);
        }
        Tensor one = Tensor.From<double>(backend, [2.0, 0, 0, 0], new Shape(2, 2)); // of rank 1
        (double[] ofOne, double[] both) = LeadingEigenvectors.Of(one, 2);
        Assert.Equal([2.0, 0], ofOne);
        Assert.Equal(0, both[0] * both[2] + both[1] * both[3], 1e-12);
        Assert.Throws<ShapeException>(() => LeadingEigenvectors.Of(one, 3));
    }

    private static PairDataset Make(
        ImmutableArray<string>? names = null, ImmutableArray<Caption>? captions = null, ImmutableArray<float>? images = null,
        ImmutableArray<float>? texts = null) => new(
        "s", names ?? ["a", "b"], captions ?? [new(0, "one"), new(1, "two"), new(0, "three")],
        new FeatureTable(2, images ?? [1, 2, 3, 4]), new FeatureTable(1, texts ?? [10, 20, 30]));
}
