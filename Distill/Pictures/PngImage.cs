using ScottPlot;
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
        using SKBitmap bitmap = Bitmap(pixels, channels, height, width);
        return Encode(bitmap, SKPngEncoderOptions.Default);
    }

    /// <summary>A picture that was drawn as the bytes of a PNG file: enlarged pixels, lines and text.</summary>
    // Without filters such a picture takes half of the time and no more bytes: equal pixels follow each other as they are.
    public static byte[] Encode(SKBitmap drawn) => Encode(drawn, new SKPngEncoderOptions(SKPngEncoderFilterFlags.None, zLibLevel: 6));

    private static byte[] Encode(SKBitmap bitmap, SKPngEncoderOptions options)
    {
        using SKPixmap pixels = bitmap.PeekPixels();
        using SKData png = pixels.Encode(options)
            ?? throw new InvalidOperationException($"{bitmap.Width}×{bitmap.Height} pixels could not be encoded as PNG.");
        return png.ToArray();
    }

    /// <summary>A plot as the bytes of a PNG file.</summary>
    public static byte[] Encode(Plot plot, int width, int height)
    {
        using var bitmap = new SKBitmap(width, height);
        using (var canvas = new SKCanvas(bitmap))
            plot.Render(canvas, width, height);
        return Encode(bitmap);
    }

    /// <summary>Pixels [C, H, W] as a bitmap: RGB where C is 3, else the first channel in grey.</summary>
    public static SKBitmap Bitmap(ReadOnlySpan<byte> pixels, int channels, int height, int width)
    {
        // A bitmap of one grey channel becomes a grey PNG, which holds a third of the bytes.
        bool colour = channels == 3;
        int plane = height * width;
        var bitmap = new SKBitmap(width, height, colour ? SKColorType.Rgba8888 : SKColorType.Gray8, SKAlphaType.Opaque);
        Span<byte> target = bitmap.GetPixelSpan();
        for (int y = 0; y < height; y++)
        {
            Span<byte> row = target[(y * bitmap.RowBytes)..];
            for (int x = 0; x < width; x++)
            {
                int at = y * width + x;
                if (!colour)
                    row[x] = pixels[at];
                else
                    (row[4 * x], row[4 * x + 1], row[4 * x + 2], row[4 * x + 3]) =
                        (pixels[at], pixels[plane + at], pixels[2 * plane + at], 255);
            }
        }
        return bitmap;
    }
}
