namespace InfMatch.Datasets;

/// <summary>Any folder of images with one folder a class.</summary>
public sealed class ImageFolderDataset : Dataset
{
    /// <inheritdoc/>
    public override string Name => ImageFolderReader.Name;

    /// <inheritdoc/>
    public override string Description => "any folder of PNG or JPEG images with one folder a class";

    /// <summary>After all that have a name of their own.</summary>
    public override int Place => 10 * UsualPlace;

    /// <inheritdoc/>
    public override bool IsDecoded => true;

    /// <inheritdoc/>
    public override bool IsAnyFolder => true;

    /// <inheritdoc/>
    public override string Files => "one folder of PNG or JPEG images for each class";

    /// <inheritdoc/>
    public override bool IsIn(string folder) => Directory.Exists(folder);

    /// <inheritdoc/>
    public override DatasetPair Load(string? folder, LoadOptions options) => ImageFolderReader.LoadFolder(folder!, options);
}
