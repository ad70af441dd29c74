using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>Photographs of Flickr with five captions each. Source: Hodosh, Young and Hockenmaier, "Framing Image Description as a Ranking
/// Task", JAIR 2013.</summary>
public sealed class Flickr8kSet : PairSet
{
    internal static readonly PairLayout Layout = new(
        "flickr8k", ["Flickr8k.token.txt", PairLayout.SharedCaptions],
        ["Flickr_8k.trainImages.txt", "Flickr_8k.devImages.txt", "Flickr_8k.testImages.txt"], "dataset_flickr8k.json",
        ["Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images"], "flickr8k-features.safetensors");

    /// <summary>Of both sets.</summary>
    internal static readonly DatasetLicence OfPhotographs = new(
        "other",
        "Research only: the photographs belong to users of Flickr, under the terms of Flickr, and may not be passed on; the captions are " +
        "by Hodosh, Young, Hockenmaier and others (JAIR 2013, TACL 2014), who ask to be cited.");

    /// <inheritdoc/>
    public override string Name => Layout.Set;

    /// <inheritdoc/>
    public override string Description => "photographs with captions";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override PublishedPairs Published { get; } = new(6_000, 1_000, 1_000, 5);

    /// <inheritdoc/>
    public override DatasetLicence Licence => OfPhotographs;

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => ["flickr8k", "Flickr8k"];

    /// <inheritdoc/>
    public override string Files => Layout.Files;

    /// <inheritdoc/>
    public override bool IsIn(string folder) => Layout.IsIn(folder)
        || (File.Exists(Path.Combine(folder, PairLayout.SharedCaptions)) && !Flickr30kSet.Layout.IsIn(folder));

    /// <inheritdoc/>
    public override PairSplits Load(string? folder, LoadOptions options) => PairFolder.Load(folder!, Layout, options);
}
