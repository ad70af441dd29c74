using System.Collections.Immutable;

namespace InfMatch.Datasets;

/// <summary>SVHN's cropped digits. Source: http://ufldl.stanford.edu/housenumbers; the sums are those by which torchvision knows the
/// files.</summary>
public sealed class SvhnDataset : Dataset
{
    private const string Site = "http://ufldl.stanford.edu/housenumbers/";

    /// <inheritdoc/>
    public override string Name => "svhn";

    /// <inheritdoc/>
    public override string Description => "house numbers, colour";

    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override PublishedSize Published { get; } = new(73_257, 26_032, 10, "32×32");

    /// <inheritdoc/>
    public override bool HasDigits => true;

    /// <inheritdoc/>
    public override DatasetLicence Licence { get; } = new(
        "other", "SVHN (Netzer et al., 2011) is for non-commercial use only (http://ufldl.stanford.edu/housenumbers).");

    /// <inheritdoc/>
    public override ImmutableArray<string> ClassNames { get; } = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    /// <summary>Mean (0.4377, 0.4438, 0.4728), standard deviation (0.1980, 0.2010, 0.1970), as DC has them.</summary>
    public override Standardisation Standardisation { get; } = new([0.4377f, 0.4438f, 0.4728f], [0.1980f, 0.2010f, 0.1970f]);

    /// <inheritdoc/>
    public override ImmutableArray<string> SubFolders => ["svhn", "SVHN"];

    /// <inheritdoc/>
    public override string Files =>
        $"{SvhnReader.TrainFile} and {SvhnReader.TestFile} from http://ufldl.stanford.edu/housenumbers";

    /// <inheritdoc/>
    public override DownloadSource Source { get; } = new("svhn",
    [
        PublishedFile.Of(SvhnReader.TrainFile, Site, "e26dedcc434d2e4c54c9b2d4a06d8373", 182_040_794),
        PublishedFile.Of(SvhnReader.TestFile, Site, "eb5a983be6a315427106f1b164d9cef3", 64_275_384),
    ]);

    /// <inheritdoc/>
    public override bool IsIn(string folder) => SvhnReader.IsIn(folder);

    /// <inheritdoc/>
    public override DatasetPair Load(string? folder, LoadOptions options) =>
        SvhnReader.LoadFolder(folder!, Traits, options.Limits);
}
