namespace InfMatch.Datasets;

/// <summary>The largest sizes a reader accepts, all checked before memory is allocated.</summary>
/// <param name="MaxFileBytes">Largest file on disk, in bytes.</param>
/// <param name="MaxDecodedBytes">Largest contents of one file after decompression, in bytes.</param>
/// <param name="MaxImages">Largest number of images in one file or folder.</param>
/// <param name="MaxSide">Largest height or width of an image, in pixels.</param>
public sealed record DecodeLimits(long MaxFileBytes, long MaxDecodedBytes, int MaxImages, int MaxSide)
{
    /// <summary>512 MiB a file and decoded (ten times MNIST), 10 million images, 4096 pixels a side.</summary>
    public static DecodeLimits Default { get; } = new(512L << 20, 512L << 20, 10_000_000, 4096);

    /// <summary>Largest file of a single PNG or JPEG image, in bytes; 32 MiB.</summary>
    public long MaxImageFileBytes { get; init; } = 32L << 20;

    /// <summary>Largest decoded PNG or JPEG image, in bytes with all its channels; 64 MiB, 4096×4096 in four of them.
    /// </summary>
    public long MaxImageBytes { get; init; } = 64L << 20;
}
