using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>
/// A built-in set of image-text pairs: images of the built-in part of Fashion-MNIST with sentences that are made of what can be
/// measured on them. Feature vectors are principal components of pixels and edges, and a latent semantic analysis of the
/// sentences. All follows from one seed.
/// </summary>
public sealed class PairsDemoSet : PairSet
{
    private const string OwnName = PairCatalog.DefaultName;
    private const int TrainImages = 5000, DevImages = 300, TestImages = 300, CaptionsOfImage = 2, Buckets = 4096;
    private const int ImageWidth = 128, TextWidth = 192;

    private static readonly Lazy<PairSplits> s_made = new(Make);

    /// <inheritdoc/>
    public override string Name => OwnName;

    /// <inheritdoc/>
    public override string Description => "Fashion-MNIST with sentences made by rules, built in";

    /// <summary>The first, because it needs no files.</summary>
    public override int Place => 0;

    /// <inheritdoc/>
    public override PublishedPairs Published { get; } = new(TrainImages, DevImages, TestImages, CaptionsOfImage);

    /// <inheritdoc/>
    public override bool IsBuiltIn => true;

    /// <inheritdoc/>
    public override DatasetLicence Licence => new FashionMnistSmallDataset().Licence;

    /// <inheritdoc/>
    public override string Files => "nothing";

    /// <inheritdoc/>
    public override bool IsIn(string folder) => false;

    /// <inheritdoc/>
    public override PairSplits Load(string? folder, LoadOptions options) => folder is null
        ? s_made.Value
        : throw new DatasetException(
            DatasetFault.WrongFormat, folder, $"{Name} is built in and is not read from a folder", fix: "Leave the folder out.");

    internal static PairSplits Make()
    {
        DatasetPair fashion = FashionMnistSmallDataset.Unpack();
        ImageDataset train = Range(fashion.Train, 0, TrainImages), dev = Range(fashion.Train, TrainImages, DevImages),
            test = Range(fashion.Test, 0, TestImages);
        RandomKey key = RandomKey.FromSeed(24).Split(OwnName);
        var captions = DemoCaptions.Fit(train);
        ImmutableArray<Caption> Captions(ImageDataset images, string part) => captions.Of(images, CaptionsOfImage, key.Split(part));
        ImmutableArray<Caption> ofTrain = Captions(train, "train");
        var text = LatentSemanticAnalysis.Fit([.. ofTrain.Select(c => c.Text)], Buckets, TextWidth);
        var pixels = PixelFeatures.Fit(train, ImageWidth);
        PairDataset Part(string part, ImageDataset images, ImmutableArray<Caption> said) => new(
            $"{OwnName} {part}", [.. Enumerable.Range(0, images.Count).Select(i => $"{part}-{i:D4}")], said,
            pixels.Of(images), text.Features([.. said.Select(c => c.Text)]), images);
        return new PairSplits(
            OwnName, Part("train", train, ofTrain), Part("dev", dev, Captions(dev, "dev")), Part("test", test, Captions(test, "test")));
    }

    private static ImageDataset Range(ImageDataset images, int start, int count) =>
        images.Subset([.. Enumerable.Range(start, count)]);
}
