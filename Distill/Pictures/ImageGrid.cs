using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>Images of a set in one PNG: a class a row, enlarged by whole pixels, with the class names at the left.</summary>
internal static class ImageGrid
{
    /// <summary>Pixels between two images.</summary>
    public const int Gap = 2;

    /// <summary>The most images of a class that are drawn; the others are in the set's file.</summary>
    public const int MostPerClass = 50;

    private const int LabelWidth = 96, SmallestSide = 48;
    private const float TextSize = 12;

    /// <summary>Whether class names can be drawn on this machine.</summary>
    public static bool HasFont { get; } = SKFontManager.Default.FontFamilyCount > 0;

    /// <summary>How many times an image of this height is enlarged.</summary>
    public static int ScaleOf(int height) => Math.Max(1, (SmallestSide + height - 1) / height);

    /// <summary>Where image (row, column) begins, in pixels of the PNG.</summary>
    public static (int X, int Y) PositionOf(int row, int column, int height, int width)
    {
        int scale = ScaleOf(height);
        return (LabelWidth + Gap + column * (width * scale + Gap), Gap + row * (height * scale + Gap));
    }

    /// <summary>Writes pixels [M·ipc, C, H, W], all of class 0 first, C being 1 or 3.</summary>
    public static void Write(
        string path, ReadOnlySpan<byte> pixels, int channels, int height, int width, IReadOnlyList<string> classes)
    {
        int plane = height * width, perClass = pixels.Length / (channels * plane * classes.Count), scale = ScaleOf(height);
        int columns = Math.Min(perClass, MostPerClass);
        (int right, int bottom) = PositionOf(classes.Count, columns, height, width);
        using var bitmap = new SKBitmap(right, bottom, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        using var font = new SKFont(SKTypeface.Default, TextSize) { Edging = SKFontEdging.Antialias };
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        for (int row = 0; row < classes.Count; row++)
        {
            (_, int top) = PositionOf(row, 0, height, width);
            if (HasFont)
                canvas.DrawText(PrintableText.Of(classes[row]), 4, top + (height * scale + TextSize) / 2, SKTextAlign.Left, font, ink);
            for (int column = 0; column < columns; column++)
            {
                ReadOnlySpan<byte> image = pixels.Slice((row * perClass + column) * channels * plane, channels * plane);
                using SKBitmap small = PngImage.Bitmap(image, channels, height, width);
                (int x, int y) = PositionOf(row, column, height, width);
                using SKImage source = SKImage.FromBitmap(small);
                canvas.DrawImage(
                    source, SKRect.Create(x, y, width * scale, height * scale), new SKSamplingOptions(SKFilterMode.Nearest));
            }
        }
        canvas.Flush();
        byte[] bytes = PngImage.Encode(bitmap);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>The pixels [M·n, C, H, W] of a picture that <see cref="Write"/> made, n being the images of a class that it
    /// shows.</summary>
    /// <exception cref="DistillException">It is damaged, or no picture of such images.</exception>
    public static byte[] Read(string path, int channels, int height, int width, int classes)
    {
        using SKBitmap? bitmap = SKBitmap.Decode(path);
        int scale = ScaleOf(height), pitch = width * scale + Gap, plane = height * width;
        int columns = bitmap is null ? 0 : (bitmap.Width - PositionOf(0, 0, height, width).X) / pitch;
        if (bitmap is null || columns < 1 || (bitmap.Width, bitmap.Height) != PositionOf(classes, columns, height, width))
        {
            throw new DistillException(
                ExitCode.Data, "IM3060",
                $"{path} is {(bitmap is null ? "no picture that can be read" : $"a picture of {bitmap.Width}×{bitmap.Height} pixels")}; " +
                $"expected one of {classes} rows of images {height}×{width}. It was changed or damaged after the run wrote it.");
        }
        var pixels = new byte[classes * columns * channels * plane];
        for (int i = 0; i < pixels.Length; i++)
        {
            int image = i / (channels * plane), channel = i / plane % channels, y = i % plane / width, x = i % width;
            (int left, int top) = PositionOf(image / columns, image % columns, height, width);
            SKColor colour = bitmap.GetPixel(left + x * scale, top + y * scale);
            pixels[i] = channel switch { 0 => colour.Red, 1 => colour.Green, _ => colour.Blue };
        }
        return pixels;
    }
}
