using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>Fashion-MNIST. Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST", arXiv:1708.07747; the sums are those of its README.
/// </summary>
public sealed class FashionMnistDataset : MnistLikeDataset
{
    /// <summary>Mean 0.2861, standard deviation 0.3530.</summary>
    internal static readonly Standardisation Pixels = new([0.2861f], [0.3530f]);

    /// <summary>The ten articles.</summary>
    internal static readonly ImmutableArray<string> Articles =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>Zalando's.</summary>
    internal static readonly DatasetLicence OfImages = new(
        "mit", "Fashion-MNIST is by Zalando SE, under the MIT licence (https://github.com/zalandoresearch/fashion-mnist).");

    /// <inheritdoc/>
    public override string Name => "fashion-mnist";

    /// <inheritdoc/>
    public override string Description => "articles of clothing, grey";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override DatasetLicence Licence => OfImages;

    /// <inheritdoc/>
    public override ImmutableArray<string> ClassNames => Articles;

    /// <inheritdoc/>
    public override Standardisation Standardisation => Pixels;

    /// <inheritdoc/>
    public override string TrainLabelsSha256 => "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7";

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => ["fashion-mnist", "FashionMNIST/raw"];

    /// <inheritdoc/>
    public override ImmutableArray<string> SystemFolders => ["/usr/share/datasets/fashion-mnist"];

    /// <inheritdoc/>
    public override string Files =>
        "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz from " +
        "https://github.com/zalandoresearch/fashion-mnist (on Debian: apt install dataset-fashion-mnist)";

    /// <inheritdoc/>
    public override DownloadSource Source { get; } = new("fashion-mnist", FilesAt(
        ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
        ["8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe", "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310"]));
}
