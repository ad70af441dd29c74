using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>
/// Images of a set as a picture: the images of a class in a row behind its name, enlarged by whole pixels; under each image its
/// label, where there is room. Classes of few images stand beside each other, so that a picture is never a strip.
/// </summary>
/// <param name="pixels">[M·ipc, C, H, W], all of class 0 first, C being 1 or 3.</param>
/// <param name="channels">C.</param>
/// <param name="height">H.</param>
/// <param name="width">W.</param>
/// <param name="classes">The names of the classes.</param>
internal sealed class ImageGrid(byte[] pixels, int channels, int height, int width, IReadOnlyList<string> classes)
{
    /// <summary>The most images of a class that are drawn; the others are in the set's file.</summary>
    public const int MostPerClass = 50;

    private const int Gap = 4, NameWidth = 104, SmallestSide = 48, LargestSide = 112, WidestRow = 1500, LeastBeside = 5;
    private const int LeastForLabels = 84, LabelLine = 14, TitleLine = 22, NoteLine = 18, Between = 28, Frame = 3;
    private const float LabelSize = 11, NameSize = 13, TitleSize = 16, NoteSize = 13;

    private static readonly SKColor s_mark = SKColors.Red;

    private readonly int _perClass = pixels.Length / (channels * height * width * classes.Count);

    /// <summary>What stands above the images; empty for nothing.</summary>
    public string Title { get; init; } = "";

    /// <summary>What stands below them; empty for nothing.</summary>
    public string Note { get; init; } = "";

    /// <summary>The label of each image in lines; empty for none.</summary>
    public IReadOnlyList<string[]> Labels { get; init; } = [];

    /// <summary>The images, counted as in the pixels, that get a red frame and red lines below.</summary>
    public IReadOnlySet<int> Marked { get; init; } = new HashSet<int>();

    /// <summary>How many times an image is enlarged.</summary>
    public int Scale => Math.Max(
        (SmallestSide + height - 1) / height,
        Math.Clamp((WidestRow - NameWidth) / Columns - Gap, SmallestSide, LargestSide) / Math.Max(height, width));

    private int Columns => Math.Min(_perClass, MostPerClass);

    // How many classes stand beside each other.
    private int Beside => classes.Count >= 2 * LeastBeside ? Math.Max(1, LeastBeside / Columns) : 1;

    private int CellWidth => width * Scale + Gap;

    private int LabelLines => PictureFont.Exists && width * Scale >= LeastForLabels && Labels.Count > 0 ? Labels.Max(l => l.Length) : 0;

    private int CellHeight => height * Scale + Gap + LabelLines * LabelLine;

    private string[] TitleLines => PictureFont.Exists && Title.Length > 0 ? Broken(Title, TitleSize) : [];

    private string[] NoteLines => PictureFont.Exists && Note.Length > 0 ? Broken(Note, NoteSize) : [];

    private int Wide => Beside * (NameWidth + Columns * CellWidth) + Gap;

    private int Rows => (classes.Count + Beside - 1) / Beside;

    private int Top => Gap + TitleLines.Length * TitleLine;

    private int High => Top + Rows * CellHeight + NoteLines.Length * NoteLine;

    /// <summary>Where image (class, number) begins, in pixels of the picture.</summary>
    public (int X, int Y) PositionOf(int label, int number) => (
        label % Beside * (NameWidth + Columns * CellWidth) + NameWidth + Gap + number * CellWidth,
        Top + label / Beside * CellHeight);

    /// <summary>Writes grids beside each other as one PNG.</summary>
    public static void Write(string path, params IReadOnlyList<ImageGrid> grids)
    {
        int wide = grids.Sum(g => g.Wide) + (grids.Count - 1) * Between, high = grids.Max(g => g.High);
        using var bitmap = new SKBitmap(wide, high, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        foreach (ImageGrid grid in grids)
        {
            grid.Draw(canvas);
            canvas.Translate(grid.Wide + Between, 0);
        }
        canvas.Flush();
        byte[] bytes = PngImage.Encode(bitmap);
        if (grids.Count == 1)
            bytes = PngText.With(bytes, GridLayout.Keyword, grids[0].Layout.ToString());
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    // Where the images are, which the picture itself tells to whoever takes them out again.
    private GridLayout Layout => new()
    {
        Left = PositionOf(0, 0).X, Top = PositionOf(0, 0).Y, CellWidth = CellWidth, CellHeight = CellHeight, Scale = Scale,
        Columns = Columns, Beside = Beside, BlockWidth = NameWidth + Columns * CellWidth,
    };

    private void Draw(SKCanvas canvas)
    {
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        using var red = new SKPaint { Color = s_mark, IsAntialias = true };
        using SKFont ofName = PictureText.FontOf(NameSize), ofLabel = PictureText.FontOf(LabelSize);
        DrawLines(canvas, TitleLines, TitleSize, TitleLine, 0);
        DrawLines(canvas, NoteLines, NoteSize, NoteLine, Top + Rows * CellHeight);
        int image = channels * height * width;
        for (int row = 0; row < classes.Count; row++)
        {
            if (PictureFont.Exists)
            {
                (int left, int top) = PositionOf(row, 0);
                string name = PictureText.Fitting(PrintableText.Of(classes[row]), ofName, NameWidth - Gap);
                canvas.DrawText(name, left - NameWidth, top + (height * Scale + NameSize) / 2, SKTextAlign.Left, ofName, ink);
            }
            for (int column = 0; column < Columns; column++)
            {
                int number = row * _perClass + column;
                (int x, int y) = PositionOf(row, column);
                using SKBitmap small = PngImage.Bitmap(pixels.AsSpan(number * image, image), channels, height, width);
                using SKImage source = SKImage.FromBitmap(small);
                canvas.DrawImage(
                    source, SKRect.Create(x, y, width * Scale, height * Scale), new SKSamplingOptions(SKFilterMode.Nearest));
                bool isMarked = Marked.Contains(number);
                if (isMarked)
                    DrawFrame(canvas, x, y);
                for (int line = 0; LabelLines > 0 && line < Labels[number].Length; line++)
                {
                    canvas.DrawText(
                        PictureText.Fitting(PrintableText.Of(Labels[number][line]), ofLabel, width * Scale), x,
                        y + height * Scale + (line + 1) * LabelLine - 3, SKTextAlign.Left, ofLabel, isMarked ? red : ink);
                }
            }
        }
    }

    // Around the image, in the gap: no pixel of it is covered.
    private void DrawFrame(SKCanvas canvas, int x, int y)
    {
        using var edge = new SKPaint { Color = s_mark, IsStroke = true, StrokeWidth = Frame };
        canvas.DrawRect(
            SKRect.Create(x - Frame / 2f, y - Frame / 2f, width * Scale + Frame, height * Scale + Frame), edge);
    }

    private static void DrawLines(SKCanvas canvas, string[] lines, float size, int line, int top)
    {
        using SKFont font = PictureText.FontOf(size);
        using var ink = new SKPaint { Color = SKColors.Black, IsAntialias = true };
        for (int i = 0; i < lines.Length; i++)
            canvas.DrawText(lines[i], Gap, top + (i + 1) * line - line / 4, SKTextAlign.Left, font, ink);
    }

    private string[] Broken(string text, float size)
    {
        using SKFont font = PictureText.FontOf(size);
        return [.. PictureText.Lines(text, font, Wide - 2 * Gap)];
    }
}
