using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

/// <summary>A loss that compares the examples of a batch with each other is trained with, without an edit
/// elsewhere.</summary>
public sealed class BatchLossTests
{
    private const int Count = 6, TextSize = 3;
    private static readonly Shape s_image = new(1, 2, 2);

    [Theory, InlineData(false), InlineData(true)]
    public void A_network_is_trained_with_a_contrastive_loss_over_pairs(bool captures)
    {
        Backend backend = captures ? new CpuBackend(1) : new ReferenceBackend();
        Assert.Equal(captures, backend.CanCapture);
        using var scope = TensorScope.Begin();
        var network = new PairNetwork();
        LabelledImages pairs = Pairs(backend);
        Tensor start = network.Initialise(backend, DType.Float64, RandomKey.FromSeed(1));
        var trainer = new Trainer(
            network, pairs, new TrainingPlan(40, Count, 0.5, 0.9, 0, RateSchedule.Constant), RandomKey.FromSeed(2));
        var losses = new List<double>();
        Tensor end = trainer.Run(start, observeLosses: read => losses.AddRange(read.Values));

        // The first loss by hand: −log of each pair's share of its row, in the order of the batch, which a mean does
        // not see.
        Assert.Equal(ByHand(start.ToArray<double>(), pairs), losses[0], 1e-12);
        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} to {losses[^1]}");
        // Replayed steps are those of the loss as a function.
        Tensor theta = start, velocity = start.ZerosLike();
        for (int step = 0; step < 5; step++)
        {
            (Tensor next, Tensor moved) = (start.ZerosLike(), start.ZerosLike());
            Tensor gradient = Differential.GradientAt(trainer.LossAt(step), theta);
            backend.Run(new SgdStepCall(
                new SgdTensors(theta, velocity), gradient, new SgdRates(0.5, 0.9, 0), new SgdTensors(next, moved)));
            (theta, velocity) = (next, moved);
        }
        Assert.Equal(
            theta.ToArray<double>(),
            new Trainer(
                network, pairs, new TrainingPlan(40, Count, 0.5, 0.9, 0, RateSchedule.Constant) { MostSteps = 5 },
                RandomKey.FromSeed(2)).Run(start).ToArray<double>());
        Assert.NotEqual(start.ToArray<double>(), end.ToArray<double>());
    }

    [Fact]
    public void Its_examples_have_no_weights_of_their_own_and_it_says_so()
    {
        using var scope = TensorScope.Begin();
        var network = new PairNetwork();
        LabelledImages pairs = Pairs(new ReferenceBackend());
        Tensor start = network.Initialise(pairs.Images.Backend, DType.Float64, RandomKey.FromSeed(1));
        var trainer = new Trainer(
            network, pairs, new TrainingPlan(1, Count, 0.5, 0, 0, RateSchedule.Constant), RandomKey.FromSeed(2))
        {
            Weights = [1, 1, 0, 1, 1, 1],
        };
        Assert.Contains(
            "PairNetwork is trained with PairLoss, a loss of a whole batch",
            Assert.Throws<InvalidOperationException>(() => trainer.Run(start)).Message, StringComparison.Ordinal);
    }

    private static LabelledImages Pairs(Backend backend)
    {
        double[] pixels = new double[Count * s_image.Count], texts = new double[Count * TextSize];
        RandomKey.FromSeed(3).Normal(pixels);
        RandomKey.FromSeed(4).Normal(texts);
        return new LabelledImages(
            Tensor.From<double>(backend, pixels, new Shape(Count, 1, 2, 2)),
            Tensor.From<double>(backend, texts, new Shape(Count, TextSize)));
    }

    private static double ByHand(double[] theta, LabelledImages pairs)
    {
        double[] x = pairs.Images.ToArray<double>(), y = pairs.Labels.ToArray<double>();
        double[] z = PlainNetworks.Linear(x, theta[..12], theta[12..], Count, 4, TextSize);
        double sum = 0;
        for (int i = 0; i < Count; i++)
        {
            double[] scores = [.. Enumerable.Range(0, Count).Select(j =>
                Enumerable.Range(0, TextSize).Sum(k => z[i * TextSize + k] * y[j * TextSize + k]))];
            sum -= scores[i] - Math.Log(scores.Sum(Math.Exp));
        }
        return sum / Count;
    }

    // InfoNCE (van den Oord et al., 2018) of images with the embeddings of their texts.
    private sealed class PairLoss : BatchLoss
    {
        public override Variable Of(Network network, Variable theta, Batch batch)
        {
            Variable scores = network.Forward(theta, batch.Images).MatMul(batch.Labels, transposeB: true).LogSoftmax();
            int n = scores.Shape[0];
            int[] diagonal = [.. Enumerable.Range(0, n).Select(i => i * (n + 1))];
            return -scores.Reshape(new Shape(n * n)).GatherRows(diagonal).Mean();
        }
    }

    private sealed class PairNetwork : Network
    {
        public PairNetwork() : base(s_image, TextSize) => Layout.AddWeightAndBias("image", new Shape(TextSize, 4), 4);

        public override string Name => nameof(PairNetwork);

        public override BatchLoss TrainingLoss { get; } = new PairLoss();

        protected override NetworkFeatures Embed(Variable[] parameters, Variable images) => new(images.Flatten(), []);
    }
}
