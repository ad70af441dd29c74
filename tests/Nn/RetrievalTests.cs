using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

/// <summary>Retrieval of images for texts and of texts for images.</summary>
public sealed class RetrievalTests
{
    [Fact]
    public void A_text_asks_for_its_image_and_an_image_for_the_best_of_its_texts()
    {
        // Two images with two texts each. Text 0 finds image 0, text 1 does not; texts 2 and 3 find image 1.
        float[] scores = [5, 1, 2, 3, 4, 2, 6, 7];
        RetrievalRecall found = Retrieval.Of(scores, 2, 2);
        Assert.Equal(0.75, found.TextToImage1);
        Assert.Equal(1, found.TextToImage5);
        Assert.Equal(1, found.ImageToText1); // the best of image 0 is text 0
        Assert.Equal((0.75 + 5) / 6, found.Mean);
        Assert.Equal(0.5, Retrieval.Of([3, 1, 4, 3, 4, 2, 6, 7], 2, 2).ImageToText1); // text 2 comes before image 0's own
    }

    [Fact]
    public void Rivals_of_an_equal_score_come_before() => Assert.Equal(default, Retrieval.Of(new float[12 * 12], 12, 1));

    [Fact]
    public void Ranks_are_counted_to_five_and_ten()
    {
        // For every text image 0 scores highest, then 1, 2, …: text i has i images before its own.
        const int n = 20;
        float[] scores = [.. Enumerable.Range(0, n * n).Select(k => (float)-(k / n))];
        RetrievalRecall found = Retrieval.Of(scores, n, 1);
        Assert.Equal((0.05, 0.25, 0.5), (found.TextToImage1, found.TextToImage5, found.TextToImage10));
    }

    [Fact]
    public void Texts_that_only_fill_up_count_for_nothing()
    {
        const int n = 30, most = 3;
        int[] counts = [.. Enumerable.Range(0, n).Select(i => i % most + 1)];
        double[] drawn = new double[n * n * most];
        RandomKey.FromSeed(4).Normal(drawn);
        float[] scores = [.. drawn.Select(v => (float)v)];
        RetrievalRecall found = Retrieval.Of(scores, n, most, counts);
        // The same by its definition, on a table of the real texts alone.
        (int Owner, int Column)[] texts =
            [.. Enumerable.Range(0, n).SelectMany(i => Enumerable.Range(0, counts[i]).Select(k => (i, i * most + k)))];
        float Score(int image, int column) => scores[image * n * most + column];
        double[] ofTexts = [.. ((int[])[1, 5, 10]).Select(k => texts.Average(t =>
            Enumerable.Range(0, n).Count(i => i != t.Owner && Score(i, t.Column) >= Score(t.Owner, t.Column)) < k ? 1.0 : 0))];
        double[] ofImages = [.. ((int[])[1, 5, 10]).Select(k => Enumerable.Range(0, n).Average(i =>
            texts.Count(t => t.Owner != i && Score(i, t.Column) >= texts.Where(own => own.Owner == i).Max(own => Score(i, own.Column))) < k ? 1.0 : 0))];
        double[] all = [found.TextToImage1, found.TextToImage5, found.TextToImage10, found.ImageToText1, found.ImageToText5, found.ImageToText10];
        Assert.All(ofTexts.Concat(ofImages).Zip(all), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.NotEqual(Retrieval.Of(scores, n, most), found);
        Assert.Equal(Retrieval.Of(scores, n, most), Retrieval.Of(scores, n, most, [.. Enumerable.Repeat(most, n)]));
        Assert.Throws<ShapeException>(() => Retrieval.Of(scores, n, most, [1, 2]));
    }

    [Fact]
    public void What_is_no_number_or_not_so_many_is_refused()
    {
        Assert.Throws<NumericalException>(() => Retrieval.Of([1, float.NaN, 2, 3], 2, 1));
        Assert.Throws<ShapeException>(() => Retrieval.Of([1, 2, 3], 2, 1));
    }

    [Fact]
    public void A_networks_recall_is_that_of_the_cosines_of_its_embeddings_and_training_raises_it()
    {
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        // Texts are noisy copies of half of their image's features.
        const int n = 40;
        RandomKey key = RandomKey.FromSeed(2);
        double[] x = new double[n * 6], noise = new double[n * 2 * 3];
        key.Split("images").Normal(x);
        key.Split("texts").Normal(noise);
        double[] texts = [.. Enumerable.Range(0, n * 2 * 3).Select(k => x[k / 6 * 6 + k % 3] + 0.1 * noise[k])];
        var pairs = new LabelledImages(
            Tensor.From<double>(backend, x, new Shape(n, 6, 1, 1)), Tensor.From<double>(backend, texts, new Shape(n * 2, 3)))
        {
            LabelsEach = 2,
        };
        var network = new PairNetwork(6, 3, new PairNetworkOptions { Size = 8 });
        Tensor start = network.Initialise(backend, DType.Float64, key.Split("init"));
        Variable theta = Variable.Constant(start);
        float[] scores = network.Features(theta, Variable.Constant(pairs.Images)).Embedding
            .MatMul(network.EmbedTexts(theta, Variable.Constant(pairs.Labels)), transposeB: true).Value.To(DType.Float32).ToArray<float>();
        RetrievalRecall before = network.Recall(start, pairs);
        Assert.Equal(Retrieval.Of(scores, n, 2), before);
        Tensor end = new Trainer(network, pairs, new TrainingPlan(80, 20, 0.1, 0.9, 0, RateSchedule.Cosine), key).Run(start);
        RetrievalRecall after = network.Recall(end, pairs);
        Assert.True(before.TextToImage1 < 0.2 && after.TextToImage1 > 0.7 && after.ImageToText1 > 0.8, $"{before}, {after}");
        Assert.Equal((before.Mean + after.Mean) / 2, RetrievalRecall.MeanOf([before, after]).Mean, 1e-12);
    }
}
