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
