namespace InfMatch.Datasets;

/// <summary>The largest sizes a reader accepts, all checked before memory is allocated.</summary>
/// <param name="MaxFileBytes">Largest file on disk, in bytes.</param>
/// <param name="MaxDecodedBytes">Largest contents of one file after decompression, in bytes.</param>
/// <param name="MaxImages">Largest number of images in one file.</param>
/// <param name="MaxSide">Largest height or width of an image, in pixels.</param>
public sealed record DecodeLimits(long MaxFileBytes, long MaxDecodedBytes, int MaxImages, int MaxSide)
{
    /// <summary>512 MiB a file and decoded (ten times MNIST), 10 million images, 4096 pixels a side.</summary>
    public static DecodeLimits Default { get; } = new(512L << 20, 512L << 20, 10_000_000, 4096);
}
