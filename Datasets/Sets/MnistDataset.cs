using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>MNIST. Source: http://yann.lecun.com/exdb/mnist; the sums are those by which torchvision knows the files.</summary>
public sealed class MnistDataset : MnistLikeDataset
{
    /// <inheritdoc/>
    public override string Name => "mnist";

    /// <inheritdoc/>
    public override string Description => "handwritten digits, grey";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override bool HasDigits => true;

    /// <inheritdoc/>
    public override DatasetLicence Licence { get; } =
        new("cc-by-sa-3.0", "MNIST is by Yann LeCun and Corinna Cortes, under CC BY-SA 3.0.");

    /// <inheritdoc/>
    public override ImmutableArray<string> ClassNames { get; } = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    /// <summary>Mean 0.1307, standard deviation 0.3081.</summary>
    public override Standardisation Standardisation { get; } = new([0.1307f], [0.3081f]);

    /// <inheritdoc/>
    public override string TrainLabelsSha256 => "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13";

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => ["mnist", "MNIST/raw"];

    /// <inheritdoc/>
    public override string Files =>
        "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz from " +
        "http://yann.lecun.com/exdb/mnist";

    /// <inheritdoc/>
    public override DownloadSource Source { get; } = new("mnist", FilesAt(
        ["http://yann.lecun.com/exdb/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"],
        ["f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432", "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c"]));
}
