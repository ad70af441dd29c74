using System.Text;

namespace InfMatch.Datasets;

/// <summary>A text file of a set of pairs, in lines that are counted from 1: UTF-8, with or without a byte order mark, lines that end as
/// on any system.</summary>
internal static class PairTextFile
{
    // Far above any caption and any name of a file.
    private const int LongestLine = 16 << 10, LongestName = 255;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The lines that are not blank, with their numbers.</summary>
    /// <exception cref="DatasetException">The file is missing, empty, no UTF-8 text, or has a line that is too long.</exception>
    public static List<(int Number, string Text)> Read(string path, DecodeLimits limits)
    {
        string text = ReadWhole(path, limits);
        var lines = new List<(int, string)>();
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (line.Length > LongestLine)
            {
                throw At(path, number).Is(DatasetFault.TooLarge, "the line is too long", $"{line.Length} characters", $"at most {LongestLine}",
                    "Check that this is the right file.");
            }
            if (!line.IsWhiteSpace())
                lines.Add((number, line.ToString()));
        }
        return lines.Count > 0
            ? lines
            : throw new DatasetException(DatasetFault.Truncated, path, "the file has blank lines only", fix: "Copy the file again.");
    }

    /// <summary>The whole file as text.</summary>
    /// <exception cref="DatasetException">The file is missing, empty or no UTF-8 text.</exception>
    public static string ReadWhole(string path, DecodeLimits limits)
    {
        byte[] bytes = DatasetFile.ReadAll(path, limits);
        ReadOnlySpan<byte> content = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes;
        try
        {
            return s_strict.GetString(content);
        }
        catch (DecoderFallbackException e)
        {
            throw new DatasetException(
                DatasetFault.Damaged, path, "the file is no UTF-8 text", "Save it as UTF-8, or copy it again.", e)
            {
                Offset = e.Index + (bytes.Length - content.Length),
            };
        }
    }

    /// <summary>A name of an image that is a file name and no path.</summary>
    /// <exception cref="DatasetException">It is none.</exception>
    public static string RequireName(string name, string path, int line) =>
        name.Length is > 0 and <= LongestName && name.AsSpan().IndexOfAny('/', '\\', '\0') < 0 && name != "." && name != ".."
            ? name
            : throw At(path, line).Is(DatasetFault.WrongFormat, "this is no name of an image file", $"\"{name}\"", "a file name without a folder",
                "Is this a file of another kind?");

    /// <summary>A line of a file.</summary>
    public static TextPlace At(string path, int line) => new(path, line);
}

/// <summary>A line of a file, for what is wrong with it.</summary>
internal readonly record struct TextPlace(string Path, int Line)
{
    /// <summary>A fault in the line.</summary>
    public DatasetException Is(
        DatasetFault fault, string fact, string? got, string? expected, string fix = "Copy the published file again.") =>
        new(fault, $"{Path}:{Line}", fact, got, expected, fix);
}
