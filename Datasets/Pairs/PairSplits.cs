using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>The part of a set that an image belongs to.</summary>
public enum PairSplit
{
    /// <summary>For training.</summary>
    Train,

    /// <summary>For choosing settings.</summary>
    Dev,

    /// <summary>For the result.</summary>
    Test,
}

/// <summary>A set of image-text pairs in the parts that its publisher made.</summary>
public sealed record PairSplits
{
    /// <summary>Puts together parts that must have features of equal widths and no image in common.</summary>
    /// <exception cref="DatasetException">They do not agree.</exception>
    public PairSplits(string name, PairDataset train, PairDataset dev, PairDataset test)
    {
        (Name, Train, Dev, Test) = (name, train, dev, test);
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (PairDataset part in (ImmutableArray<PairDataset>)[train, dev, test])
        {
            Require(name, part.Name, "widths of features", Widths(train), Widths(part));
            Require(name, part.Name, "image size", train.Images?.ImageShape.ToString() ?? "none", part.Images?.ImageShape.ToString() ?? "none");
            foreach (string image in part.ImageNames)
            {
                if (!seen.TryAdd(image, part.Name))
                {
                    throw new DatasetException(
                        DatasetFault.Duplicate, name, $"the image {image} is in two parts", $"{seen[image]} and {part.Name}", "one part",
                        "Are the lists of two splits mixed in one folder?");
                }
            }
        }
    }

    /// <summary>Name in the catalogue, for example "flickr8k".</summary>
    public string Name { get; }

    /// <summary>The pairs for training.</summary>
    public PairDataset Train { get; }

    /// <summary>The pairs by which settings are chosen.</summary>
    public PairDataset Dev { get; }

    /// <summary>The pairs of the result.</summary>
    public PairDataset Test { get; }

    /// <summary>How many images the lists of the parts name that were not there.</summary>
    public int Missing { get; init; }

    /// <summary>How many images were there that no list names.</summary>
    public int Unlisted { get; init; }

    /// <summary>The folder with the files of the images; null where it is not there, or the set has none.</summary>
    public string? ImageFolder { get; init; }

    /// <summary>The pixels of a training image: as they were read, or decoded from its file now and brought to N×N. Null where the
    /// images were not read and its file is not there.</summary>
    /// <param name="index">Which.</param>
    /// <param name="side">N, of an image that is decoded now.</param>
    /// <exception cref="DatasetException">The file is damaged or no image.</exception>
    public ImagePixels? TrainingImage(int index, int side)
    {
        if (Train.Images is { } images)
            return new ImagePixels(images.ImageShape, images.Image(index).ToArray());
        if (ImageFolder is null || Path.Combine(ImageFolder, Train.ImageNames[index]) is var path && !File.Exists(path))
            return null;
        CheckedImage file = ImageFile.Read(path, DecodeLimits.Default);
        var pixels = new byte[3 * side * side];
        Resampling.ToSquare(ImageFile.Decode(file, path), file.Height, file.Width, side, pixels);
        return new ImagePixels(new Shape(3, side, side), pixels);
    }

    /// <summary>One of the parts.</summary>
    public PairDataset Of(PairSplit split) => split switch
    {
        PairSplit.Train => Train,
        PairSplit.Dev => Dev,
        PairSplit.Test => Test,
        _ => throw new ArgumentOutOfRangeException(nameof(split), split, "Not a part."),
    };

    private static string Widths(PairDataset part) =>
        $"{part.ImageFeatures?.Width.ToString() ?? "none"} for images and {part.CaptionFeatures?.Width.ToString() ?? "none"} for captions";

    private static void Require(string name, string part, string what, string expected, string got)
    {
        if (expected != got)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, name, $"{part} differs in {what}", got, $"{expected} as for training",
                "Are the files of two sets mixed in one folder?");
        }
    }
}
