using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>One image of a set as a PNG file: 8 bits a channel, grey or RGB.</summary>
internal static class PngImage
{
    /// <summary>Encodes pixels [C, H, W], C being 1 or 3.</summary>
    /// <exception cref="DistillException">There are other channels, which PNG has no form for here.</exception>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        if (channels is not (1 or 3))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2020",
                $"images of {channels} channels cannot be written as PNG, only 1 or 3. Export to npz or safetensors.");
        }
        // A bitmap of one grey channel becomes a grey PNG, which holds a third of the bytes.
        SKColorType type = channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888;
        using var bitmap = new SKBitmap(width, height, type, SKAlphaType.Opaque);
        int plane = height * width;
        Span<byte> target = bitmap.GetPixelSpan();
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = target[(y * bitmap.RowBytes)..];
            for (int x = 0; x < width; x++)
            {
                int at = y * width + x;
                if (channels == 1)
                    row[x] = pixels[at];
                else
                    (row[4 * x], row[4 * x + 1], row[4 * x + 2], row[4 * x + 3]) =
                        (pixels[at], pixels[plane + at], pixels[2 * plane + at], 255);
            }
        }
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100)
            ?? throw new InvalidOperationException($"{width}×{height} pixels could not be encoded as PNG.");
        return png.ToArray();
    }
}
