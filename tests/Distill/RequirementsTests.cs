using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class RequirementsTests
{
    private static readonly Shape s_colour = new(3, 32, 32);

    [Fact]
    public void A_network_with_many_activations_looks_at_fewer_images_at_once()
    {
        Network large = Architectures.Create("resnet18", s_colour, 10), usual = Architectures.Create("convnet", s_colour, 10);
        Assert.Equal(250, Evaluation.ImagesAtOnce(usual));
        int images = Evaluation.ImagesAtOnce(large);
        Assert.InRange(images * large.ActivationCount, 1L << 27, 1L << 28);
        Assert.True(images < 250);
    }

    [Fact]
    public void A_whitenings_matrix_is_counted()
    {
        var backend = new CpuBackend(1);
        DatasetPair tiny = CommandRun.TinyData();
        RunSettings settings = Presets.Demo with { Ipc = [1], Width = 4, Depth = 2, EvalWidth = 4 };
        Assert.Equal(
            64 * 64 * 4,
            DryRun.OfExperts(settings with { Zca = 0.1 }, tiny, backend) - DryRun.OfExperts(settings, tiny, backend));
    }

    [Theory]
    [InlineData(300_000, 310_000, "0.29 MiB", "0.30 MiB")]
    [InlineData(300_000, 300_001, "300000 bytes", "300001 bytes")]
    [InlineData(300_001, 300_000, "300001 bytes", "300000 bytes")]
    [InlineData(5L << 30, 6L << 30, "5.0 GiB", "6.0 GiB")]
    [InlineData((5L << 30) + (9 << 20), 5L << 30, "5.01 GiB", "5.00 GiB")]
    [InlineData(1L << 30, (1L << 30) - 1, "1.0 GiB", "1024.0 MiB")]
    [InlineData(7, 7, "0.0 MiB", "0.0 MiB")]
    public void Sizes_that_are_compared_have_digits_enough_to_differ(long a, long b, string one, string other) =>
        Assert.Equal((one, other), ByteSize.Texts(a, b));

    [Fact]
    public void A_refusal_names_two_different_numbers()
    {
        string disk = Assert.Throws<DistillException>(() => new Requirements(300_000, 0).Check(299_000, 1, "runs", "cpu")).Message;
        Assert.Contains("needs 0.286 MiB on disk in runs, 0.285 MiB are free", disk);
        string memory = Assert.Throws<DistillException>(() => new Requirements(0, 70L << 20).Check(1, (70L << 20) - 1, "runs", "cpu")).Message;
        Assert.Contains("needs about 73400320 bytes of the memory of cpu, 73400319 bytes can be had", memory);
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
