using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>CIFAR-10. Source, also of the sum: https://www.cs.toronto.edu/~kriz/cifar.html.</summary>
public sealed class Cifar10Dataset : Dataset
{
    /// <summary>Of both CIFARs.</summary>
    internal static readonly DatasetLicence OfImages = new(
        "unknown",
        "CIFAR is by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton; it has no stated licence, and its page asks for the " +
        "citation of the technical report of 2009 (https://www.cs.toronto.edu/~kriz/cifar.html).");

    /// <inheritdoc/>
    public override string Name => "cifar-10";

    /// <inheritdoc/>
    public override string Description => "photographs, colour";

    /// <inheritdoc/>
    public override int Place => 3;

    /// <inheritdoc/>
    public override PublishedSize Published { get; } = new(50_000, 10_000, 10, "32×32");

    /// <inheritdoc/>
    public override DatasetLicence Licence => OfImages;

    /// <inheritdoc/>
    public override ImmutableArray<string> ClassNames { get; } =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Mean (0.4914, 0.4822, 0.4465), standard deviation (0.2023, 0.1994, 0.2010): the numbers that the distillation
    /// literature uses (the deviation is the mean of per-image deviations; over all pixels it is 0.247, 0.243, 0.262).</summary>
    public override Standardisation Standardisation { get; } = new([0.4914f, 0.4822f, 0.4465f], [0.2023f, 0.1994f, 0.2010f]);

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => [CifarReader.FolderName, "cifar-10"];

    /// <inheritdoc/>
    public override string Files =>
        "data_batch_1.bin to data_batch_5.bin and test_batch.bin from cifar-10-binary.tar.gz of " +
        "https://www.cs.toronto.edu/~kriz/cifar.html";

    /// <inheritdoc/>
    public override DownloadSource Source { get; } = new(
        CifarReader.FolderName,
        [PublishedFile.Of("cifar-10-binary.tar.gz", "https://www.cs.toronto.edu/~kriz/", "c32a1d4ab5d03f1284b67883e8d87530",
            170_052_171)],
        ArchiveContents.Members(CifarReader.FolderName, 40L << 20, "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
            "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"));

    /// <inheritdoc/>
    public override bool IsIn(string folder) => CifarReader.IsIn(folder);

    /// <inheritdoc/>
    public override DatasetPair Load(string? folder, LoadOptions options) =>
        CifarReader.LoadFolder(folder!, Traits, limits: options.Limits);
}
