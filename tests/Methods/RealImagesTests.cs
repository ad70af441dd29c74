using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>D as a library user makes it of a data set.</summary>
public sealed class RealImagesTests
{
    [Fact]
    public void Images_of_a_class_are_drawn_from_that_class_and_no_image_twice()
    {
        ImageDataset set = DatasetCatalog.Load(DatasetCatalog.DefaultName).Train.BalancedSubset(6);
        var real = new RealImages(set.ToTensor(Backend.Default), set.ClassOfEach(), set.Classes);
        RandomKey key = RandomKey.FromSeed(2);
        int[] three = real.RandomOfClass(4, 3, key), all = real.RandomOfClass(4, 100, key);
        Assert.Equal([4, 4, 4], set.ClassOfEach(three));
        Assert.Equal(3, three.Distinct().Count());
        Assert.Equal(set.IndicesOfClass(4), all.Order());
        Assert.Equal(
            [.. Enumerable.Range(0, 20).Select(i => i / 2)], set.ClassOfEach(real.RandomOfEachClass(2, key)));
        Assert.Throws<ShapeException>(() => new RealImages(set.ToTensor(Backend.Default), [1, 2], set.Classes));
    }

    [Fact]
    public void Chosen_images_are_standardised_in_the_order_that_was_asked_for()
    {
        ImageDataset set = DatasetCatalog.Load(DatasetCatalog.DefaultName).Train.BalancedSubset(2);
        float[] expected = new float[2 * set.ImageSize];
        set.Standardise([7, 3], expected);
        Tensor images = set.ToTensor(Backend.Default, [7, 3]);
        Assert.Equal(new Shape(2, set.Channels, set.Height, set.Width), images.Shape);
        Assert.Equal(expected, images.ToArray<float>());
    }
}
