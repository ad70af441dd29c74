using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace InfMatch.Datasets;

/// <summary>
/// An immutable set of images with captions: names [I], captions [C] that each belong to one image, and, as far as they were
/// computed or read, feature vectors of the images [I, F] and of the captions [C, G], and the images themselves.
/// </summary>
public sealed class PairDataset
{
    private readonly ImmutableArray<ImmutableArray<int>> _captionsOf;
    private string? _contentHash;

    /// <summary>Takes the parts without copying and checks that they fit together.</summary>
    /// <param name="name">Name for people, for example "flickr8k train".</param>
    /// <param name="imageNames">The name of each image, [I]; all differ.</param>
    /// <param name="captions">The captions, [C]; every image has at least one.</param>
    /// <param name="imageFeatures">A row for each image, [I, F]; null where there are none.</param>
    /// <param name="captionFeatures">A row for each caption, [C, G]; null where there are none.</param>
    /// <param name="images">The images in the order of the names; null where they were not read.</param>
    /// <exception cref="ArgumentException">The parts do not fit together.</exception>
    public PairDataset(
        string name, ImmutableArray<string> imageNames, ImmutableArray<Caption> captions, FeatureTable? imageFeatures = null,
        FeatureTable? captionFeatures = null, ImageDataset? images = null)
    {
        if (imageNames.IsEmpty)
            throw new ArgumentException($"PairDataset {name}: there are no images.", nameof(imageNames));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (string image in imageNames)
        {
            if (image.Length == 0 || !names.Add(image))
                throw new ArgumentException($"PairDataset {name}: an image name is empty or occurs twice: \"{image}\".", nameof(imageNames));
        }
        RequireRows(name, "image feature vectors", imageFeatures?.Rows, imageNames.Length, "images", nameof(imageFeatures));
        RequireRows(name, "images", images?.Count, imageNames.Length, "image names", nameof(images));
        RequireRows(name, "caption feature vectors", captionFeatures?.Rows, captions.Length, "captions", nameof(captionFeatures));
        var captionsOf = new List<int>[imageNames.Length];
        for (int i = 0; i < captionsOf.Length; i++)
            captionsOf[i] = [];
        for (int c = 0; c < captions.Length; c++)
        {
            (int image, string text) = captions[c];
            if ((uint)image >= (uint)imageNames.Length || string.IsNullOrWhiteSpace(text))
            {
                throw new ArgumentException(
                    $"PairDataset {name}: caption {c} is \"{text}\" of image {image}; it needs words, and an image below " +
                    $"{imageNames.Length}.", nameof(captions));
            }
            captionsOf[image].Add(c);
        }
        if (Array.FindIndex(captionsOf, c => c.Count == 0) is >= 0 and int bare)
            throw new ArgumentException($"PairDataset {name}: image {bare} ({imageNames[bare]}) has no caption.", nameof(captions));
        (Name, ImageNames, Captions) = (name, imageNames, captions);
        (ImageFeatures, CaptionFeatures, Images) = (imageFeatures, captionFeatures, images);
        _captionsOf = [.. captionsOf.Select(c => c.ToImmutableArray())];
        ImageOfCaption = [.. captions.Select(c => c.Image)];
    }

    /// <summary>Name for people, for example "flickr8k train".</summary>
    public string Name { get; }

    /// <summary>Name of each image, [I].</summary>
    public ImmutableArray<string> ImageNames { get; }

    /// <summary>All captions, [C].</summary>
    public ImmutableArray<Caption> Captions { get; }

    /// <summary>The image of each caption, [C].</summary>
    public ImmutableArray<int> ImageOfCaption { get; }

    /// <summary>Feature vectors of the images, [I, F]; null where there are none.</summary>
    public FeatureTable? ImageFeatures { get; }

    /// <summary>Feature vectors of the captions, [C, G]; null where there are none.</summary>
    public FeatureTable? CaptionFeatures { get; }

    /// <summary>The images, in the order of their names; null where they were not read. Their classes mean nothing where the set
    /// has none.</summary>
    public ImageDataset? Images { get; }

    /// <summary>Number of images I.</summary>
    public int ImageCount => ImageNames.Length;

    /// <summary>Number of captions C.</summary>
    public int CaptionCount => Captions.Length;

    /// <summary>Indices of the captions of an image, rising; at least one.</summary>
    /// <exception cref="IndexOutOfRangeException">There is no such image.</exception>
    public ImmutableArray<int> CaptionsOf(int image) => _captionsOf[image];

    /// <summary>Feature vectors of images and captions.</summary>
    /// <exception cref="DatasetException">The set has none.</exception>
    public (FeatureTable Images, FeatureTable Captions) Features => ImageFeatures is { } images && CaptionFeatures is { } captions
        ? (images, captions)
        : throw new DatasetException(
            DatasetFault.NotFound, Name,
            $"the set has no feature vectors of {(ImageFeatures is not null ? "captions" : CaptionFeatures is not null ? "images" : "images and captions")}",
            fix: "Compute them with 'features make' and put the file into the folder of the set (docs/datasets.md).");

    /// <summary>The set of the given images with all their captions; image by image, captions in the order of this set.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="images">Indices of images; none twice.</param>
    /// <exception cref="ArgumentException">There is no image, or one is named twice.</exception>
    public PairDataset Subset(string name, ReadOnlySpan<int> images)
    {
        var names = ImmutableArray.CreateBuilder<string>(images.Length);
        var captions = new List<Caption>();
        var rows = new List<int>();
        for (int i = 0; i < images.Length; i++)
        {
            names.Add(ImageNames[images[i]]);
            foreach (int c in CaptionsOf(images[i]))
            {
                captions.Add(new Caption(i, Captions[c].Text));
                rows.Add(c);
            }
        }
        return new PairDataset(
            name, names.MoveToImmutable(), [.. captions], ImageFeatures?.Subset(images),
            CaptionFeatures?.Subset(CollectionsMarshal.AsSpan(rows)), Images?.Subset(images));
    }

    /// <summary>
    /// SHA-256, in lower-case hex, of names, captions, feature vectors and images: two runs with the same hash saw the same
    /// data. Computed once.
    /// </summary>
    public string ContentHash() => _contentHash ??= ComputeContentHash();

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name}: {ImageCount} images, {CaptionCount} captions; features of images {ImageFeatures?.ToString() ?? "none"}, " +
        $"of captions {CaptionFeatures?.ToString() ?? "none"}");

    private string ComputeContentHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Number(int value)
        {
            Span<byte> bytes = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
            hash.AppendData(bytes);
        }
        void Text(string value)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(value);
            Number(bytes.Length);
            hash.AppendData(bytes);
        }
        void Table(FeatureTable? table)
        {
            Number(table?.Width ?? 0);
            // Floats lie in memory as files have them: readers of array files refuse other machines.
            if (table is not null)
                hash.AppendData(MemoryMarshal.AsBytes(table.Values));
        }
        Number(ImageCount);
        foreach (string name in ImageNames)
            Text(name);
        Number(CaptionCount);
        foreach ((int image, string text) in Captions)
        {
            Number(image);
            Text(text);
        }
        Table(ImageFeatures);
        Table(CaptionFeatures);
        Text(Images?.ContentHash() ?? "");
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void RequireRows(string name, string what, int? got, int needed, string of, string parameter)
    {
        if (got is { } rows && rows != needed)
            throw new ArgumentException($"PairDataset {name}: {rows} {what} for {needed} {of}.", parameter);
    }
}
