using System.Buffers.Text;
using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>A small image as a data URI, which a page or a file of JSON can hold.</summary>
internal static class EmbeddedImage
{
    private const string Png = "data:image/png;base64,", Jpeg = "data:image/jpeg;base64,";

    // Photographs take a fifth of the bytes as JPEG; of small images every pixel is seen.
    private const int LargestPng = 48, Quality = 85;

    /// <summary>Pixels [C, H, W], C being 1 or 3; PNG up to 48×48 and JPEG above.</summary>
    /// <exception cref="DistillException">There are other channels.</exception>
    public static string Of(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        if (Math.Max(height, width) <= LargestPng)
            return Png + Convert.ToBase64String(PngImage.Encode(pixels, channels, height, width));
        using SKBitmap bitmap = PngImage.Bitmap(pixels, channels, height, width);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, Quality)
            ?? throw new InvalidOperationException($"{width}×{height} pixels could not be encoded as JPEG.");
        return Jpeg + Convert.ToBase64String(data.AsSpan());
    }

    /// <summary>Whether a text is such a URI.</summary>
    public static bool IsOne(string text) => PayloadOf(text) is { } payload && Base64.IsValid(payload.AsSpan());

    /// <summary>The image of such a URI; null where it cannot be decoded.</summary>
    public static SKBitmap? Decode(string uri) => PayloadOf(uri) is { } payload ? SKBitmap.Decode(Convert.FromBase64String(payload)) : null;

    private static string? PayloadOf(string text) => text.StartsWith(Png, StringComparison.Ordinal) ? text[Png.Length..]
        : text.StartsWith(Jpeg, StringComparison.Ordinal) ? text[Jpeg.Length..]
        : null;
}
