using InfMatch.Datasets;
using InfMatch.Tensors;
using static InfMatch.Tests.Datasets.DatasetBytes;

namespace InfMatch.Tests.Datasets;

public sealed class ImageDatasetTests
{
    private static readonly Standardisation s_two = new([0.25f, 0.5f], [0.5f, 0.125f]);

    // Five images of [2, 1, 3]: labels 2 0 2 0 2, none of class 1.
    private static ImageDataset Small() => new(
        new DatasetTraits("small", ["a", "b", "c"], s_two), new Shape(2, 1, 3),
        [.. Enumerable.Range(0, 30).Select(i => (byte)(i * 8))], [2, 0, 2, 0, 2]);

    [Fact]
    public void Classes_are_counted_and_indexed()
    {
        var set = Small();
        Assert.Equal([1, 3], set.IndicesOfClass(0).ToArray());
        Assert.Empty(set.IndicesOfClass(1));
        Assert.Equal([0, 2, 4], set.IndicesOfClass(2).ToArray());
        Assert.Equal(3, set.CountOfClass(2));
        Assert.False(set.IsBalanced);
        Assert.Equal((5, 3, 6), (set.Count, set.Classes, set.ImageSize));
        Assert.Equal("small: 5 images [2, 1, 3], 3 classes", set.ToString());
    }

    [Fact]
    public void First_images_of_each_class_come_class_by_class()
    {
        using var folder = new TempFolder();
        folder.PutMnist(train: 35);
        var set = IdxReader.LoadFolder(
            folder.Path, KnownSets.Mnist).Train;
        Assert.Equal([0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15, 6, 16, 7, 17, 8, 18, 9, 19], set.FirstOfEachClass(2));
        var balanced = set.BalancedSubset(3);
        Assert.True(balanced.IsBalanced);
        Assert.Equal(30, balanced.Count);
        Assert.Equal(set.Pixels[..(30 * 784)].ToArray(), balanced.Pixels.ToArray());
        Refused(DatasetFault.NotEnoughImages, () => set.FirstOfEachClass(4), "class 5 (5)", "got 3", "expected 4");
    }

    [Fact]
    public void A_subset_keeps_order_and_repeats()
    {
        var subset = Small().Subset([4, 1, 4]);
        Assert.Equal([2, 0, 2], subset.Labels.ToArray());
        Assert.Equal(Small().Image(4).ToArray(), subset.Image(2).ToArray());
        Assert.Equal(Small().Image(1).ToArray(), subset.Image(1).ToArray());
    }

    [Fact]
    public void Standardise_writes_pixel_over_255_minus_mean_over_std()
    {
        float[] values = new float[12];
        Small().Standardise([3, 0], values);
        for (int k = 0; k < 12; k++)
        {
            int pixel = (byte)(((k < 6 ? 18 : 0) + (k % 6)) * 8);
            bool second = k % 6 >= 3;
            double expected = ((pixel / 255.0) - (second ? 0.5 : 0.25)) / (second ? 0.125 : 0.5);
            Assert.Equal(expected, values[k], 1e-6);
        }

        int[] labels = new int[2];
        Small().CopyLabels([3, 0], labels);
        Assert.Equal([0, 2], labels);
    }

    [Fact]
    public void A_destination_of_another_length_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Small().Standardise([0], new float[5]));
        Assert.Throws<ArgumentException>(() => Small().Standardise([0], new float[7]));
        Assert.Throws<ArgumentException>(() => Small().CopyLabels([0], new int[2]));
    }

    [Fact]
    public void An_index_or_class_that_is_not_there_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Small().Image(5).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => Small().Label(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Small().CountOfClass(3));
        Assert.Throws<ArgumentOutOfRangeException>(() => Small().Subset([0, 5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Small().FirstOfEachClass(0));
    }

    [Fact]
    public void Parts_that_do_not_fit_together_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Make(["a"], 1, 1, 2, [1, 2, 3], [0], KnownSets.Mnist.Standardisation));
        Assert.Throws<ArgumentException>(() => Make(["a"], 1, 1, 1, [1], [1], KnownSets.Mnist.Standardisation));
        Assert.Throws<ArgumentException>(() => Make([], 1, 1, 1, [], [], KnownSets.Mnist.Standardisation));
        Assert.Throws<ArgumentException>(() => Make(["a"], 1, 1, 1, [1], [0], KnownSets.Cifar10.Standardisation));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => Make(["a"], 1, 0, 1, [], [], KnownSets.Mnist.Standardisation));
    }

    [Fact]
    public void Content_hash_depends_on_pixels_labels_and_sizes()
    {
        string[] hashes =
        [
            Small().ContentHash(),
            Small().Subset([0, 1, 2, 4, 3]).ContentHash(),
            Make(["a", "b", "c"], 2, 3, 1, [.. Small().Pixels], [2, 0, 2, 0, 2], s_two).ContentHash(),
            Make(["a", "b", "c"], 2, 1, 3, [.. Small().Pixels], [2, 0, 2, 0, 1], s_two).ContentHash(),
        ];
        Assert.Equal(4, hashes.Distinct(StringComparer.Ordinal).Count());
        var measured = Standardisation.Measure(Small().Pixels, 2, 3);
        Assert.Equal(hashes[0], Small().WithStandardisation(measured).ContentHash());
    }

    private static ImageDataset Make(
        string[] classes, int channels, int height, int width, byte[] pixels, byte[] labels, Standardisation numbers) =>
        new(new DatasetTraits("x", [.. classes], numbers), new Shape(channels, height, width), [.. pixels], [.. labels]);
}
