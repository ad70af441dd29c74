using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>A set in a picture that shows several.</summary>
/// <param name="Caption">What stands below it, such as its name and accuracy.</param>
/// <param name="Pixels">Pixels [M·ipc, C, H, W], all of class 0 first, C being 1 or 3.</param>
internal sealed record ComparedImages(string Caption, ReadOnlyMemory<byte> Pixels);

/// <summary>Sets of images one below the other in one PNG: a class a column, with a caption below each set.</summary>
internal static class ComparisonPicture
{
    /// <summary>The most images of a class that are drawn of each set.</summary>
    public const int MostPerClass = 3;

    private const int Gap = 4, HeadHeight = 24, CaptionHeight = 36, SmallestSide = 84;
    private const float HeadSize = 13, CaptionSize = 17;

    /// <summary>How many times an image of this height is enlarged.</summary>
    public static int ScaleOf(int height) => Math.Max(1, SmallestSide / height);

    /// <summary>Where an image begins: a set, an image of a class, and the class, in pixels of the PNG.</summary>
    public static (int X, int Y) PositionOf(int set, int image, int label, int perClass, (int Height, int Width) size)
    {
        int scale = ScaleOf(size.Height), rows = Math.Min(perClass, MostPerClass);
        int block = rows * (size.Height * scale + Gap) + CaptionHeight;
        return (Gap + label * (size.Width * scale + Gap), HeadHeight + set * block + image * (size.Height * scale + Gap));
    }

    /// <summary>Writes the picture of sets that have as many images per class.</summary>
    public static void Write(
        string path, IReadOnlyList<ComparedImages> sets, Shape image, IReadOnlyList<string> classes)
    {
        (int channels, int height, int width) = (image[0], image[1], image[2]);
        int scale = ScaleOf(height), perClass = sets[0].Pixels.Length / (image.Count * classes.Count);
        (int right, _) = PositionOf(0, 0, classes.Count, perClass, (height, width));
        (_, int bottom) = PositionOf(sets.Count, 0, 0, perClass, (height, width));
        using var bitmap = new SKBitmap(right, bottom, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        for (int set = 0; set < sets.Count; set++)
        {
            for (int i = 0; i < classes.Count * Math.Min(perClass, MostPerClass); i++)
            {
                (int row, int label) = (i / classes.Count, i % classes.Count);
                using SKBitmap small = PngImage.Bitmap(
                    sets[set].Pixels.Span.Slice((label * perClass + row) * image.Count, image.Count), channels, height, width);
                using SKImage source = SKImage.FromBitmap(small);
                (int x, int y) = PositionOf(set, row, label, perClass, (height, width));
                canvas.DrawImage(
                    source, SKRect.Create(x, y, width * scale, height * scale), new SKSamplingOptions(SKFilterMode.Nearest));
            }
            (_, int below) = PositionOf(set + 1, 0, 0, perClass, (height, width));
            Text(canvas, sets[set].Caption, right / 2f, below - CaptionHeight / 2f + CaptionSize / 4, CaptionSize);
        }
        for (int label = 0; label < classes.Count; label++)
        {
            (int x, int y) = PositionOf(0, 0, label, perClass, (height, width));
            Text(canvas, classes[label], x + width * scale / 2f, y - HeadSize / 2, HeadSize);
        }
        canvas.Flush();
        byte[] bytes = PngImage.Encode(bitmap);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    private static void Text(SKCanvas canvas, string text, float x, float y, float size)
    {
        if (!PictureFont.Exists)
            return;
        using var font = new SKFont(PictureFont.Typeface, size) { Edging = SKFontEdging.Antialias };
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        canvas.DrawText(PrintableText.Of(text), x, y, SKTextAlign.Center, font, ink);
    }
}
