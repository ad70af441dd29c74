using InfMatch.Datasets;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class StandardisationTests
{
    [Fact]
    public void A_deviation_of_zero_is_an_error() =>
        Refused(DatasetFault.ConstantPixels, () => Make([0.5f, 0.5f], [0.1f, 0f]), "channel 1", "std 0");

    [Theory]
    [InlineData(float.NaN, 1f)]
    [InlineData(0f, float.NaN)]
    [InlineData(0f, float.PositiveInfinity)]
    [InlineData(0f, -1f)]
    public void Numbers_that_cannot_standardise_are_an_error(float mean, float std) =>
        Refused(DatasetFault.ConstantPixels, () => Make([mean], [std]), "channel 0");

    [Fact]
    public void Images_of_one_colour_cannot_be_measured() =>
        Refused(DatasetFault.ConstantPixels, () => Standardisation.Measure([9, 9, 9, 9, 9, 9, 9, 9], 2, 2),
            "channel 0", "Are all pixels of the set equal?");

    [Fact]
    public void A_channel_of_one_value_is_named()
    {
        Refused(DatasetFault.ConstantPixels, () => Standardisation.Measure([1, 2, 9, 9, 3, 4, 9, 9], 2, 2),
            "Channel 1 has one value");
        var e = Refused(DatasetFault.ConstantPixels, () => Standardisation.Measure([1, 2, 3, 4, 0, 0], 3, 2),
            "Channel 2, blue, has one value in all images", "grey");
        Assert.DoesNotContain("all pixels of the set", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_gives_the_population_mean_and_deviation_of_each_channel()
    {
        var measured = Standardisation.Measure([0, 255, 10, 20, 0, 255, 30, 40], 2, 2);
        Assert.Equal(0.5, measured.Mean[0], 1e-7);
        Assert.Equal(0.5, measured.Std[0], 1e-7);
        Assert.Equal(25 / 255.0, measured.Mean[1], 1e-7);
        Assert.Equal(Math.Sqrt(125) / 255, measured.Std[1], 1e-7);
    }

    [Fact]
    public void Every_pixel_value_survives_the_way_there_and_back()
    {
        byte[] pixels = [.. Enumerable.Range(0, 3 * 256).Select(i => (byte)i)];
        float[] values = new float[pixels.Length];
        byte[] back = new byte[pixels.Length];
        KnownSets.Cifar10.Standardisation.Apply(pixels, 256, values);
        KnownSets.Cifar10.Standardisation.ToPixels(values, 256, back);
        Assert.Equal(pixels, back);
        Assert.Equal((-0.4914f) / 0.2023f, values[0]);
    }

    [Fact]
    public void Values_outside_are_clamped_and_NaN_is_refused()
    {
        byte[] pixels = new byte[2];
        KnownSets.Mnist.Standardisation.ToPixels([-100f, float.PositiveInfinity], 2, pixels);
        Assert.Equal([0, 255], pixels);
        Assert.Throws<ArgumentException>(() => KnownSets.Mnist.Standardisation.ToPixels([0f, float.NaN], 2, pixels));
    }

    [Fact]
    public void Lengths_that_are_no_whole_images_are_refused()
    {
        Assert.Throws<ArgumentException>(() => KnownSets.Cifar10.Standardisation.Apply(new byte[4], 2, new float[4]));
        Assert.Throws<ArgumentException>(() => KnownSets.Mnist.Standardisation.Apply(new byte[4], 2, new float[5]));
        Assert.Throws<ArgumentException>(() => Standardisation.Measure([], 1, 1));
        Assert.Throws<ArgumentException>(() => new Standardisation([0f, 0f], [1f]));
    }

    [Fact]
    public void Equality_is_by_numbers()
    {
        Assert.Equal(new Standardisation([0.1307f], [0.3081f]), KnownSets.Mnist.Standardisation);
        Assert.NotEqual(KnownSets.FashionMnist.Standardisation, KnownSets.Mnist.Standardisation);
        Assert.Equal(new Standardisation([0.1307f], [0.3081f]).GetHashCode(), KnownSets.Mnist.Standardisation.GetHashCode());
    }

    private static Standardisation Make(float[] mean, float[] std) => new(mean, std);
}
