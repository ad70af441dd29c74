using InfMatch.Tensors;
using SkiaSharp;

namespace InfMatch.Distill;

/// <summary>Text in pictures.</summary>
internal static class PictureText
{
    /// <summary>The font of a size.</summary>
    public static SKFont FontOf(float size) => new(PictureFont.Typeface, size) { Edging = SKFontEdging.Antialias };

    /// <summary>A text in lines that fit a width; a single word may be wider.</summary>
    public static IReadOnlyList<string> Lines(string text, SKFont font, float width)
    {
        var lines = new List<string>();
        foreach (string word in PrintableText.Of(text).Split(' '))
        {
            string longer = lines.Count == 0 ? word : $"{lines[^1]} {word}";
            if (lines.Count > 0 && font.MeasureText(longer) <= width)
                lines[^1] = longer;
            else
                lines.Add(word);
        }
        return lines;
    }

    /// <summary>The text, or its beginning with "…" where it is wider than the room.</summary>
    public static string Fitting(string text, SKFont font, float room)
    {
        if (font.MeasureText(text) <= room)
            return text;
        while (text.Length > 1 && font.MeasureText(text + "…") > room)
            text = text[..^1];
        return text + "…";
    }
}
