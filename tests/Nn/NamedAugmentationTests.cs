using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

public sealed class NamedAugmentationTests
{
    [Theory]
    [InlineData("none", "None", "None")]
    [InlineData("auto", "Photographs", "Digits")]
    [InlineData("photographs", "Photographs", "Photographs")]
    [InlineData("digits", "Digits", "Digits")]
    [InlineData(
        "geometric", "Geometric, turns to 45°, one for each image", "Geometric, turns to 45°, one for each image")]
    [InlineData("color-crop", "Color, Crop, in turn", "Color, Crop, in turn")]
    [InlineData("diffaug", "Photographs, in turn", "Digits, in turn")]
    [InlineData("diffaug-no-cutout", "Color, Flip, Geometric, in turn", "Color, Geometric, in turn")]
    [InlineData("flip", "Flip", "None")]
    [InlineData("flip-rotate", "Flip, Rotate", "Rotate")]
    [InlineData(
        "dc", "crop, scale or rotation by DC's code, one for each image",
        "crop, scale or rotation by DC's code, one for each image")]
    public void A_name_is_an_augmentation_of_photographs_and_one_of_digits(
        string name, string photographs, string digits)
    {
        NamedAugmentation named = NamedAugmentation.Of(name);
        Assert.Equal(photographs, named.For(digits: false).ToString());
        Assert.Equal(digits, named.For(digits: true).ToString());
        Assert.Equal(name == "dc", named.NeedsSquareImages);
    }

    [Fact]
    public void Names_are_ordered_and_others_are_refused()
    {
        string[] all =
        [
            "auto", "color-crop", "color-crop-cutout", "dc", "diffaug", "diffaug-no-cutout", "digits", "flip", "flip-rotate", "geometric",
            "none", "photographs",
        ];
        Assert.Equal(
            all, NamedAugmentation.Names.Where(name => !name.StartsWith("toy", StringComparison.Ordinal)),
            StringComparer.Ordinal);
        Assert.StartsWith(
            "There is no augmentation 'blur'. Choose auto, color-crop, color-crop-cutout, dc, diffaug,",
            Assert.Throws<ArgumentException>(() => NamedAugmentation.Of("blur")).Message, StringComparison.Ordinal);
        Assert.Contains("flips for photographs", Kinds.Find<NamedAugmentation>("auto")!.Help, StringComparison.Ordinal);
    }
}
