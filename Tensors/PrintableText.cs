using System.Buffers;
using System.Globalization;
using System.Text;

namespace InfMatch.Tensors;

/// <summary>
/// Text that came from outside, such as file names, metadata and names of arrays and classes, as one line that shows what it
/// holds: it can neither move a cursor nor colour, reorder, hide or break what stands around it.
/// </summary>
public static class PrintableText
{
    // All of these are printed by every terminal as what they are, so most texts are done after one vectorised look.
    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c)));

    // Letters by category, but drawn as nothing at all.
    private static readonly Rune[] s_blankLetters =
        [new(0x034f), new(0x115f), new(0x1160), new(0x17b4), new(0x17b5), new(0x2800), new(0x3164), new(0xffa0)];

    /// <summary>
    /// The text with each character that is not to be seen written as an escape of C#: \n, \r, \t, \u001b, \U000e0001. These
    /// are the controls C0 and C1, DEL, the separators of lines and paragraphs, all characters of the category Format
    /// (direction marks and isolates, zero width, byte order mark, tags), blank letters, noncharacters and halves of
    /// surrogate pairs. All else, a backslash too, stays, so a text that was made printable before is unchanged.
    /// </summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int start = text.AsSpan().IndexOfAnyExcept(s_plain);
        if (start < 0)
            return text;
        var line = new StringBuilder(text, 0, start, text.Length + 16);
        for (int i = start, used; i < text.Length; i += used)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out Rune rune, out used) != OperationStatus.Done)
                Escape(line, text[i]);
            else if (IsPrintable(rune))
                line.Append(text, i, used);
            else
                Escape(line, rune.Value);
        }
        return line.ToString();
    }

    /// <summary>The text between double quotes, so that its ends are seen; printable as by <see cref="Of(string)"/>.</summary>
    public static string Quoted(string text) => $"\"{Of(text)}\"";

    /// <summary>
    /// A printable text of at most <paramref name="longest"/> characters, at least 1; the end of a longer one is an ellipsis.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="longest"/> is below 1.</exception>
    public static string Of(string text, int longest)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, 1);
        string line = Of(text);
        if (line.Length <= longest)
            return line;
        int end = longest - 1;
        if (end > 0 && char.IsHighSurrogate(line[end - 1]))
            end--;
        return string.Concat(line.AsSpan(0, end), "…");
    }

    /// <summary>Lines that were meant as lines, each printable: line feeds and tabs stay, other breaks become line feeds.
    /// </summary>
    public static string OfLines(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        return string.Join('\n', lines.Select(line => string.Join('\t', line.Split('\t').Select(part => Of(part)))));
    }

    /// <summary>Whether a character is seen where it stands and changes nothing around it.</summary>
    public static bool IsPrintable(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        && (rune.Value & 0xfffe) != 0xfffe && rune.Value is not (>= 0xfdd0 and <= 0xfdef)
        && !s_blankLetters.Contains(rune);

    private static void Escape(StringBuilder line, int code) => line.Append(code switch
    {
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        <= 0xffff => string.Create(CultureInfo.InvariantCulture, $"\\u{code:x4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\U{code:x8}"),
    });
}
