using System.Globalization;
using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>Where the images of an <see cref="ImageGrid"/> are in its picture, in pixels.</summary>
internal sealed record GridLayout
{
    /// <summary>The keyword of the text in the PNG file.</summary>
    public const string Keyword = "infmatch-grid";

    private const int Numbers = 8, Largest = 1 << 20;

    /// <summary>Where the first image begins, from the left.</summary>
    public required int Left { get; init; }

    /// <summary>Where it begins from above.</summary>
    public required int Top { get; init; }

    /// <summary>From an image to the next of its class.</summary>
    public required int CellWidth { get; init; }

    /// <summary>From a row to the next.</summary>
    public required int CellHeight { get; init; }

    /// <summary>How many times an image is enlarged.</summary>
    public required int Scale { get; init; }

    /// <summary>How many images of a class there are.</summary>
    public required int Columns { get; init; }

    /// <summary>How many classes there are in a row.</summary>
    public required int Beside { get; init; }

    /// <summary>From a class to the next in its row.</summary>
    public required int BlockWidth { get; init; }

    /// <summary>The numbers in the order of the properties.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Left} {Top} {CellWidth} {CellHeight} {Scale} {Columns} {Beside} {BlockWidth}");

    /// <summary>The pixels [M·n, C, H, W] of the images in a picture, n being the images of a class that it
    /// shows.</summary>
    /// <param name="path">The picture.</param>
    /// <param name="image">[C, H, W], C being 1 or 3.</param>
    /// <param name="classes">M.</param>
    /// <exception cref="DistillException">It is damaged, or no picture of such images.</exception>
    public static byte[] ReadImages(string path, (int Channels, int Height, int Width) image, int classes)
    {
        byte[] file = File.ReadAllBytes(path);
        using SKBitmap? bitmap = SKBitmap.Decode(path);
        GridLayout? layout = bitmap is null ? null
            : PngText.Find(file, Keyword) is { } text ? Parse(text)
            : Older(bitmap.Width, image.Height, image.Width);
        if (bitmap is null || layout is null || !layout.IsIn(bitmap, image, classes))
        {
            throw new DistillException(
                ExitCode.Data, "IM3068",
                $"{path} is {(bitmap is null ? "no picture that can be read" : $"a picture of {bitmap.Width}×{bitmap.Height} pixels")}; " +
                $"expected one of {classes} classes of images {image.Height}×{image.Width}. It was changed or damaged after the run wrote it.");
        }
        return layout.Take(bitmap, image, classes);
    }

    private byte[] Take(SKBitmap bitmap, (int Channels, int Height, int Width) image, int classes)
    {
        (int channels, int height, int width) = image;
        int plane = height * width;
        var pixels = new byte[classes * Columns * channels * plane];
        for (int i = 0; i < pixels.Length; i++)
        {
            int number = i / (channels * plane), channel = i / plane % channels, y = i % plane / width, x = i % width;
            (int left, int top) = PositionOf(number / Columns, number % Columns);
            SKColor colour = bitmap.GetPixel(left + x * Scale, top + y * Scale);
            pixels[i] = channel switch { 0 => colour.Red, 1 => colour.Green, _ => colour.Blue };
        }
        return pixels;
    }

    private (int X, int Y) PositionOf(int label, int number) =>
        (Left + label % Beside * BlockWidth + number * CellWidth, Top + label / Beside * CellHeight);

    private bool IsIn(SKBitmap bitmap, (int Channels, int Height, int Width) image, int classes)
    {
        bool isSound = ((int[])[Left, Top, CellWidth, CellHeight, BlockWidth]).All(n => n is >= 0 and < Largest)
            && Scale is > 0 and < 1024 && Columns is > 0 and <= ImageGrid.MostPerClass && Beside > 0 && Beside <= classes;
        (int right, int bottom) = isSound ? PositionOf(Beside - 1, Columns - 1) : (0, 0);
        return isSound && right + image.Width * Scale <= bitmap.Width
            && bottom + (classes - 1) / Beside * CellHeight + image.Height * Scale <= bitmap.Height;
    }

    private static GridLayout? Parse(string text)
    {
        string[] parts = text.Split(' ');
        int[] n = [.. parts.Select(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1)];
        if (n.Length != Numbers)
            return null;
        return new GridLayout
        {
            Left = n[0], Top = n[1], CellWidth = n[2], CellHeight = n[3], Scale = n[4], Columns = n[5], Beside = n[6], BlockWidth = n[7],
        };
    }

    // As earlier versions drew: a class a row, without title and labels.
    private static GridLayout Older(int wide, int height, int width)
    {
        const int Gap = 2, NameWidth = 96, SmallestSide = 48;
        int scale = Math.Max(1, (SmallestSide + height - 1) / height), cell = width * scale + Gap;
        return new GridLayout
        {
            Left = NameWidth + Gap, Top = Gap, CellWidth = cell, CellHeight = height * scale + Gap, Scale = scale,
            Columns = (wide - NameWidth - Gap) / cell, Beside = 1, BlockWidth = wide,
        };
    }
}
