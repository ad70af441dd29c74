namespace InfMatch.Datasets;

/// <summary>Tells the format of an image by its first bytes, whatever the file is called.</summary>
internal static class ImageKind
{
    /// <summary>The formats that are read.</summary>
    public const string Png = "PNG", Jpeg = "JPEG";

    /// <summary>So many bytes of the head are looked at.</summary>
    public const int HeadBytes = 32;

    /// <summary>The name of the format; null where the bytes are of none that is known here.</summary>
    public static string? Of(ReadOnlySpan<byte> head) => head switch
    {
        _ when PngGuard.IsPng(head) => Png,
        _ when JpegGuard.IsJpeg(head) => Jpeg,

        // Two letters begin many a text, so the length of the header that follows counts, too.
        [(byte)'B', (byte)'M', _, _, _, _, _, _, _, _, _, _, _, _, 12 or 40 or 52 or 56 or 64 or 108 or 124, 0, 0, 0, ..] => "BMP",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'7' or (byte)'9', (byte)'a', ..] => "GIF",
        [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..] => "TIFF",
        [(byte)'I', (byte)'I', 0xBC, 1, ..] => "JPEG XR",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "WebP",
        [0, 0, 0, 12, (byte)'j', (byte)'P', ..] or [0xFF, 0x4F, 0xFF, 0x51, ..] => "JPEG 2000",
        [0, 0, 0, 12, (byte)'J', (byte)'X', (byte)'L', ..] or [0xFF, 0x0A, ..] => "JPEG XL",
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'a', (byte)'v', (byte)'i', ..] => "AVIF",
        [_, _, _, _, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'h' or (byte)'m', (byte)'e' or (byte)'i', _, ..] => "HEIC",
        [(byte)'8', (byte)'B', (byte)'P', (byte)'S', 0, 1, ..] => "PSD",
        _ => null,
    };
}
