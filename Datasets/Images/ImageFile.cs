using StbImageSharp;

namespace InfMatch.Datasets;

/// <summary>
/// Decodes a PNG or JPEG file to red, green and blue bytes: grey becomes equal channels, alpha is dropped, 16 bits are
/// cut to the upper 8, and a rotation noted in EXIF is not applied. The decoder is StbImageSharp, which sees a file
/// only after a guard has walked it.
/// </summary>
internal static class ImageFile
{
    private const int Channels = 3;

    /// <summary>The part of a key by which decoded images are kept: another decoder may give other bytes, and so may
    /// guards that hand it another file.</summary>
    public static string Decoder { get; } = $"stb {typeof(ImageResult).Assembly.GetName().Version} behind guards 2";

    /// <summary>Reads and checks, without decoding.</summary>
    /// <exception cref="DatasetException">The file is missing, damaged, over a limit or of another format.</exception>
    public static CheckedImage Read(string path, DecodeLimits limits) => Check(
        DatasetFile.ReadAll(path, limits with { MaxFileBytes = Math.Min(limits.MaxFileBytes, limits.MaxImageFileBytes) }),
        path, limits);

    /// <summary>An image in memory, after its guard has walked it.</summary>
    /// <exception cref="DatasetException">The bytes are damaged, over a limit or of another format.</exception>
    public static CheckedImage Check(byte[] file, string place, DecodeLimits limits) =>
        PngGuard.IsPng(file) ? PngGuard.Check(file, place, limits)
        : JpegGuard.IsJpeg(file) ? JpegGuard.Check(file, place, limits)
        : throw new DatasetException(
            DatasetFault.WrongFormat, place, $"this is {ImageKind.Of(file) ?? (file.AsSpan().StartsWith("BM"u8) ? "BMP" : "no image that is known here")}", expected: "PNG or JPEG",
            fix: "Convert it to PNG, or take it out of the folder.");

    /// <summary>Decodes what was checked to rows of pixels [H, W, 3].</summary>
    /// <exception cref="DatasetException">The decoder refuses them.</exception>
    public static byte[] Decode(CheckedImage file, string place)
    {
        ImageResult image;
        try
        {
            using var stream = new MemoryStream(file.Decodable.Array!, file.Decodable.Offset, file.Decodable.Count, writable: false);
            image = ImageResult.FromStream(stream, ColorComponents.RedGreenBlue);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever a decoder throws on bytes from outside says the same: they are damaged.
            throw new DatasetException(
                DatasetFault.Damaged, place, $"the image cannot be decoded ({e.Message.TrimEnd('.')})",
                fix: "Copy or save the image again.", innerException: e);
        }

        return image.Height == file.Height && image.Width == file.Width
            && image.Data?.Length == file.Height * file.Width * Channels
            ? image.Data
            : throw new DatasetException(
                DatasetFault.Damaged, place, "the decoded image is not of the size in its header",
                $"{image.Height}×{image.Width}", $"{file.Height}×{file.Width}", "Copy or save the image again.");
    }
}
