using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>An image with the captions that stand beside it.</summary>
/// <param name="Picture">A data URI; null for captions alone.</param>
/// <param name="Captions">The captions, each with a short remark behind it.</param>
internal sealed record CaptionedImage(string? Picture, IReadOnlyList<(string Text, string Remark)> Captions);

/// <summary>Images with their captions as a picture, several in a row. Small images are enlarged by whole pixels.</summary>
/// <param name="Cells">The images in the order of reading.</param>
internal sealed record CaptionedGrid(IReadOnlyList<CaptionedImage> Cells)
{
    private const int Side = 96, TextWidth = 240, Gap = 8, Line = 13, MostLines = 7, Columns = 4, TitleLine = 22, NoteLine = 18;
    private const float TextSize = 11, TitleSize = 16, NoteSize = 13;

    private static readonly SKColor s_remark = new(0x6e, 0x77, 0x81);

    /// <summary>What stands above the images.</summary>
    public required string Title { get; init; }

    /// <summary>What stands below them; empty for nothing.</summary>
    public string Note { get; init; } = "";

    private bool HasPictures => Cells.Any(cell => cell.Picture is not null);

    private int Across => Math.Min(Columns, Cells.Count);

    private int ImageWidth => HasPictures ? Side + Gap : 0;

    private int CellWidth => ImageWidth + (PictureFont.Exists ? TextWidth + Gap : 0);

    private int Wide => Across * CellWidth + Gap;

    /// <summary>Writes the picture as PNG.</summary>
    /// <exception cref="DistillException">There are no images, and no font to write captions with.</exception>
    public void Write(string path)
    {
        if (!HasPictures && !PictureFont.Exists)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2048",
                $"{path} would be empty: the files of the images are not there, and no font is installed to write captions with. Put the " +
                "images into the folder of the data set, or install a font such as DejaVu Sans.");
        }
        using SKFont title = PictureText.FontOf(TitleSize), note = PictureText.FontOf(NoteSize), text = PictureText.FontOf(TextSize);
        string[] above = PictureFont.Exists ? [.. PictureText.Lines(Title, title, Wide - 2 * Gap)] : [];
        string[] below = PictureFont.Exists && Note.Length > 0 ? [.. PictureText.Lines(Note, note, Wide - 2 * Gap)] : [];
        List<(string Text, string Remark)>[] lines = [.. Cells.Select(cell => LinesOf(cell, text))];
        int cellHeight = (HasPictures ? Side : Math.Max(1, lines.Max(l => l.Count)) * Line) + Gap;
        int top = Gap + above.Length * TitleLine, rows = (Cells.Count + Across - 1) / Across, end = top + rows * cellHeight;
        using var bitmap = new SKBitmap(Wide, end + below.Length * NoteLine + Gap, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.White);
        using SKPaint ink = new() { Color = SKColors.Black, IsAntialias = true }, grey = new() { Color = s_remark, IsAntialias = true };
        for (int i = 0; i < above.Length; i++)
            canvas.DrawText(above[i], Gap, (i + 1) * TitleLine - 4, SKTextAlign.Left, title, ink);
        for (int i = 0; i < below.Length; i++)
            canvas.DrawText(below[i], Gap, end + (i + 1) * NoteLine - 4, SKTextAlign.Left, note, ink);
        for (int i = 0; i < Cells.Count; i++)
        {
            int x = Gap + i % Across * CellWidth, y = top + i / Across * cellHeight;
            DrawImage(canvas, Cells[i].Picture, x, y);
            for (int l = 0; l < lines[i].Count; l++)
            {
                (string words, string remark) = lines[i][l];
                int left = x + ImageWidth, baseline = y + (l + 1) * Line - 2;
                canvas.DrawText(words, left, baseline, SKTextAlign.Left, text, ink);
                canvas.DrawText(remark, left + text.MeasureText(words), baseline, SKTextAlign.Left, text, grey);
            }
        }
        canvas.Flush();
        byte[] bytes = PngImage.Encode(bitmap);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    private static void DrawImage(SKCanvas canvas, string? picture, int x, int y)
    {
        using SKBitmap? small = picture is null ? null : EmbeddedImage.Decode(picture);
        if (small is null)
            return;
        using SKImage image = SKImage.FromBitmap(small);
        int larger = Math.Max(small.Width, small.Height), scale = Math.Max(1, Side / larger);
        float factor = larger * scale > Side ? Side / (float)larger : scale;
        canvas.DrawImage(
            image, SKRect.Create(x, y, small.Width * factor, small.Height * factor),
            new SKSamplingOptions(factor >= 1 ? SKFilterMode.Nearest : SKFilterMode.Linear));
    }

    // Each caption begins a line; of long ones each gets its share.
    private static List<(string Text, string Remark)> LinesOf(CaptionedImage cell, SKFont font)
    {
        var lines = new List<(string, string)>();
        if (!PictureFont.Exists)
            return lines;
        for (int i = 0; i < cell.Captions.Count; i++)
        {
            (string text, string remark) = cell.Captions[i];
            string behind = $" {remark}";
            float room = TextWidth - font.MeasureText(behind);
            int share = Math.Max(1, (MostLines - lines.Count) / (cell.Captions.Count - i));
            string[] broken = [.. PictureText.Lines($"• {text}", font, room)];
            string[] shown = broken.Length <= share ? broken : [.. broken[..(share - 1)], string.Join(' ', broken[(share - 1)..])];
            lines.AddRange(shown.Select((line, l) => (PictureText.Fitting(line, font, room), l == shown.Length - 1 ? behind : "")));
        }
        return lines;
    }
}
