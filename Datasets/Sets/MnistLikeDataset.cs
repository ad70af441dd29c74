using System.Collections.Immutable;
using System.Security.Cryptography;

namespace InfMatch.Datasets;

/// <summary>A set in the four IDX files of MNIST. Such sets have the same file names and sizes, so that only the contents tell
/// them apart.</summary>
public abstract class MnistLikeDataset : Dataset
{
    /// <summary>The four published files: training images and labels, test images and labels.</summary>
    protected static readonly ImmutableArray<string> PublishedNames =
    [
        "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
    ];

    /// <summary>SHA-256 of the training labels, in lower-case hex.</summary>
    public abstract string TrainLabelsSha256 { get; }

    /// <inheritdoc/>
    public override PublishedSize Published { get; } = new(60_000, 10_000, 10, "28×28");

    /// <inheritdoc/>
    public override bool IsIn(string folder) => IdxReader.IsIn(folder);

    /// <inheritdoc/>
    public override DatasetPair Load(string? folder, LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(folder);
        DatasetPair pair = IdxReader.LoadFolder(folder, Traits, options.Limits);
        if (pair.Train.Height != 28 || pair.Train.Width != 28)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, folder, $"the images are not of the size of {Name}",
                $"{pair.Train.Height}×{pair.Train.Width}", "28×28", "Is this the folder of another data set?");
        }

        string labels = Convert.ToHexStringLower(SHA256.HashData(pair.Train.Labels));
        return DatasetCatalog.All.OfType<MnistLikeDataset>().FirstOrDefault(
            d => d.Name != Name && d.TrainLabelsSha256 == labels) is { } other
            ? throw new DatasetException(
                DatasetFault.WrongFormat, folder, $"this folder holds {other.Name}", other.Name, Name,
                $"Give the folder of {Name}, or ask for {other.Name}.")
            : pair;
    }

    /// <summary>The four files with their MD5, at each of some sites.</summary>
    protected static ImmutableArray<PublishedFile> FilesAt(string[] sites, string[] sums) =>
        [.. PublishedNames.Select((name, i) => new PublishedFile(name, [.. sites.Select(s => new Uri(s + name))], sums[i]))];
}
