using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace InfMatch.Datasets;

/// <summary>Tiny-ImageNet-200, or some of its classes. Source: http://cs231n.stanford.edu/tiny-imagenet-200.zip; the sum is that by
/// which torchvision knows the file.</summary>
public sealed partial class TinyImageNetDataset : Dataset
{
    /// <inheritdoc/>
    public override string Name => TinyImageNetReader.Name;

    /// <inheritdoc/>
    public override string Description => "photographs, colour; a folder with some of the classes will do";

    /// <inheritdoc/>
    public override int Place => 6;

    /// <inheritdoc/>
    public override PublishedSize Published { get; } = new(100_000, 10_000, 200, "64×64");

    /// <inheritdoc/>
    public override bool IsDecoded => true;

    /// <inheritdoc/>
    public override DatasetLicence Licence { get; } = new(
        "other", "Tiny-ImageNet is a part of ImageNet, whose terms allow non-commercial research and education only.");

    /// <summary>ImageNet's mean (0.485, 0.456, 0.406) and standard deviation (0.229, 0.224, 0.225), which the distillation literature
    /// uses here, too.</summary>
    public override Standardisation Standardisation { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => [TinyImageNetReader.FolderName, "tiny-imagenet"];

    /// <inheritdoc/>
    public override string Files =>
        "the folder of http://cs231n.stanford.edu/tiny-imagenet-200.zip, with train, val, wnids.txt and words.txt";

    /// <inheritdoc/>
    public override DownloadSource Source { get; } = new(
        TinyImageNetReader.FolderName,
        [PublishedFile.Of("tiny-imagenet-200.zip", "http://cs231n.stanford.edu/", "90528d7ca1a48142e341f4ef8d21d0de", 248_100_043)],
        new ArchiveContents(
            name => Member().IsMatch(name), TinyImageNetReader.FolderName, 120_000, 16L << 20,
            [.. ((string[])["wnids.txt", "words.txt", "val/val_annotations.txt"])
                .Select(n => $"{TinyImageNetReader.FolderName}/{n}")]));

    /// <inheritdoc/>
    public override bool IsIn(string folder) => TinyImageNetReader.IsIn(folder);

    /// <inheritdoc/>
    public override DatasetPair Load(string? folder, LoadOptions options) =>
        TinyImageNetReader.LoadFolder(folder!, Standardisation, options);

    /// <inheritdoc/>
    public override int? ClassesIn(string folder) => Directory.GetDirectories(Path.Combine(folder, "train")).Length;

    /// <summary>Also names of a part of it.</summary>
    public override bool IsMeantBy(string name) => name.StartsWith(Name, StringComparison.Ordinal);

    // All of the published folder but the test images, which have no labels, and the boxes of objects.
    [GeneratedRegex(
        @"^tiny-imagenet-200/(?:wnids\.txt|words\.txt|val/val_annotations\.txt|val/images/val_\d{1,5}\.JPEG|" +
        @"train/(?<id>n\d{8})/images/\k<id>_\d{1,4}\.JPEG)\z", RegexOptions.None, 1000)]
    private static partial Regex Member();
}
