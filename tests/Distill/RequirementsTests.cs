using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class RequirementsTests
{
    private static readonly Shape s_colour = new(3, 32, 32);

    // A hundredth of what the test images ask for is trained on: looking at them is what counts.
    [Fact]
    public void Looking_at_the_test_images_is_reckoned_with_where_training_batches_are_small()
    {
        Network network = Architectures.Create("vgg11", s_colour, 10);
        long data = (10 + 10_000L) * s_colour.Count, vectors = 16L * network.Layout.Count;
        Assert.Equal(
            4 * (data + 250 * network.ActivationCount + vectors), Requirements.Memory(10, 10_000, 2, [network], 0));
        Assert.Equal(
            4 * (data + 2 * 300 * network.ActivationCount + vectors), Requirements.Memory(10, 10_000, 300, [network], 0));
        Assert.Equal(
            4 * ((10 + 3L) * s_colour.Count + 3 * 2 * network.ActivationCount + vectors),
            Requirements.Memory(10, 3, 3, [network], 0));
    }

    [Fact]
    public void A_network_with_many_activations_looks_at_fewer_images_at_once()
    {
        Network large = Architectures.Create("resnet18", s_colour, 10), usual = Architectures.Create("convnet", s_colour, 10);
        Assert.Equal(250, Evaluation.ImagesAtOnce(usual));
        int images = Evaluation.ImagesAtOnce(large);
        Assert.InRange(images * large.ActivationCount, 1L << 27, 1L << 28);
        Assert.True(images < 250);
    }

    // The reckoning against what is held: an evaluation's peak above the data stays below it, and is not a fraction of it.
    [Theory]
    [InlineData("convnet")]
    [InlineData("lenet")]
    [InlineData("alexnet")]
    public void What_an_evaluation_holds_is_near_what_was_reckoned(string name)
    {
        Network network = Architectures.Create(name, s_colour, 10, width: 16);
        var backend = new CpuBackend(2);
        using var scope = TensorScope.Begin();
        Tensor theta = network.Initialise(backend, DType.Float32, RandomKey.FromSeed(1));
        const int images = 20;
        Tensor test = Tensor.Full(backend, DType.Float32, new Shape(images, 3, 32, 32), 0.5);
        network.Logits(theta, test);
        long reckoned = Requirements.Memory(0, images, 1, [network], 0) - 16L * 4 * network.Layout.Count;
        Assert.InRange(backend.Memory.Peak - 4L * network.Layout.Count, reckoned / 4, reckoned * 5 / 4);
    }

    // 21 images make a full batch and one that is nearly full, each captured; of a ConvNet its activations count, of an mlp
    // its parameters.
    [Theory]
    [InlineData("convnet", Optimiser.Sgd)]
    [InlineData("convnet", Optimiser.AdamW)]
    [InlineData("mlp", Optimiser.Sgd)]
    [InlineData("mlp", Optimiser.AdamW)]
    public void What_the_training_of_a_judge_holds_is_near_what_was_reckoned(string name, Optimiser optimiser)
    {
        Network network = Architectures.Create(name, s_colour, 10, width: 16);
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        var plan = new TrainingPlan(
            3, 11, 1e-3, 0.9, 0, RateSchedule.Constant, new Augmentation(AugmentationOps.Crop)) { Optimiser = optimiser };
        const int images = 21;
        var set = new LabelledImages(
            Tensor.Full(backend, DType.Float32, new Shape(images, 3, 32, 32), 0.5),
            LabelledImages.OneHot(backend, DType.Float32, new int[images], 10));
        Tensor theta = network.Initialise(backend, DType.Float32, RandomKey.FromSeed(1));
        long data = 4L * (set.Images.Count + set.Labels.Count);
        new Trainer(network, set, plan, RandomKey.FromSeed(2)).Run(theta);
        // A step of so few images is not what is reckoned for the look at 250 test images.
        long reckoned = 4 * (NetworkJudge.NumbersHeld([network], [images], plan, backend)
            + network.ActivationCount * (2 * plan.BatchSize - 250));
        Assert.InRange(backend.Memory.Peak - data, reckoned / 4, reckoned * 9 / 8); // what the pool rounds up
    }

    [Fact]
    public void A_whitenings_matrix_is_counted()
    {
        Network network = Architectures.Create("mlp", new Shape(1, 8, 8), 3);
        ZcaWhitening whitening = ZcaWhitening.Fit(CommandRun.TinyData().Train, 0.1, new CpuBackend(1));
        Assert.Equal(
            64 * 64 * 4,
            Requirements.Memory(72, 30, 16, [network], 0, whitening: whitening) - Requirements.Memory(72, 30, 16, [network], 0));
    }

    [Fact]
    public void A_set_is_copied_in_parts_with_the_same_bits_and_in_the_order_asked_for()
    {
        var backend = new CpuBackend(1);
        ImageDataset set = CommandRun.TinyData().Train;
        int[] indices = [.. Enumerable.Range(0, 2500).Select(i => i * 7 % set.Count)];
        var expected = new float[indices.Length * set.ImageSize];
        set.Standardise(indices, expected);
        (Tensor images, int[] labels) = PreparedData.Copy(set, indices, backend);
        Assert.Equal(new Shape(2500, 1, 8, 8), images.Shape);
        Assert.Equal(expected, images.ToArray<float>());
        Assert.Equal(indices.Select(set.Label), labels);
        Assert.Equal(0, PreparedData.Copy(set, [], backend).Images.Count);
    }
}
