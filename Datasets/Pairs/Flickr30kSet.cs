using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>More photographs of Flickr with five captions each. Source: Young, Lai, Hodosh and Hockenmaier, "From image descriptions to
/// visual denotations", TACL 2014; split of Karpathy and Fei-Fei, CVPR 2015.</summary>
public sealed class Flickr30kSet : PairSet
{
    internal static readonly PairLayout Layout = new(
        "flickr30k", ["results_20130124.token", "results.csv", PairLayout.SharedCaptions], ["train.txt", "val.txt", "test.txt"],
        "dataset_flickr30k.json", ["flickr30k-images", "flickr30k_images", "Images", "images"], "flickr30k-features.safetensors");

    /// <inheritdoc/>
    public override string Name => Layout.Set;

    /// <inheritdoc/>
    public override string Description => "photographs with captions";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override PublishedPairs Published { get; } = new(29_000, 1_014, 1_000, 5);

    /// <inheritdoc/>
    public override DatasetLicence Licence => Flickr8kSet.OfPhotographs;

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => ["flickr30k", "Flickr30k"];

    /// <inheritdoc/>
    public override string Files => Layout.Files;

    /// <inheritdoc/>
    public override bool IsIn(string folder) => Layout.IsIn(folder);

    /// <inheritdoc/>
    public override PairSplits Load(string? folder, LoadOptions options) => PairFolder.Load(folder!, Layout, options);
}
