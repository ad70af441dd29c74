using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace InfMatch.Datasets;

/// <summary>A caption as its file has it.</summary>
/// <param name="Image">The name of the image.</param>
/// <param name="Text">The caption.</param>
/// <param name="Line">Its line, from 1.</param>
internal readonly record struct NamedCaption(string Image, string Text, int Line);

/// <summary>
/// Reads captions in the forms in which Flickr8k and Flickr30K are published: lines NAME#k, tab, caption; a table "image,caption" with
/// commas and quotes; a table "image_name| comment_number| comment". The first line tells which it is.
/// </summary>
internal static class CaptionFile
{
    /// <summary>The captions in the order of the file.</summary>
    /// <exception cref="DatasetException">The file is of no known form, or a line is at fault.</exception>
    public static List<NamedCaption> Read(string path, DecodeLimits limits)
    {
        List<(int Number, string Text)> lines = PairTextFile.Read(path, limits);
        string first = lines[0].Text;
        string head = first.Replace(" ", "", StringComparison.Ordinal);
        List<NamedCaption> captions = head.StartsWith("image_name|", StringComparison.OrdinalIgnoreCase) ? Bars(path, lines)
            : head.Equals("image,caption", StringComparison.OrdinalIgnoreCase) ? Commas(path, limits)
            : first.Contains('\t', StringComparison.Ordinal) ? Tokens(path, lines)
            : throw PairTextFile.At(path, lines[0].Number).Is(DatasetFault.WrongFormat, "captions of no known form", $"\"{Start(first)}\"",
                "NAME.jpg#0, a tab and a caption; or the heading image,caption or image_name| comment_number| comment",
                "Name the file with the captions.");
        return captions.Count > 0
            ? captions
            : throw new DatasetException(DatasetFault.Truncated, path, "the file has a heading and no captions", fix: "Copy the file again.");
    }

    private static List<NamedCaption> Tokens(string path, List<(int Number, string Text)> lines)
    {
        var captions = new List<NamedCaption>(lines.Count);
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((int number, string line) in lines)
        {
            int tab = line.IndexOf('\t', StringComparison.Ordinal), mark = tab < 0 ? -1 : line.LastIndexOf('#', tab);
            if (mark < 0 || !int.TryParse(line.AsSpan(mark + 1, tab - mark - 1), NumberStyles.None, CultureInfo.InvariantCulture, out int _))
            {
                throw PairTextFile.At(path, number).Is(DatasetFault.WrongFormat, "the line is no caption", $"\"{Start(line)}\"", "NAME.jpg#0, a tab and a caption");
            }
            if (!seen.TryAdd(line[..tab], number))
            {
                throw PairTextFile.At(path, number).Is(DatasetFault.Duplicate, "the caption has the number of another", line[..tab],
                    $"another than in line {seen[line[..tab]]}");
            }
            captions.Add(Checked(path, line[..mark], line[(tab + 1)..], number));
        }
        return captions;
    }

    private static List<NamedCaption> Bars(string path, List<(int Number, string Text)> lines)
    {
        var captions = new List<NamedCaption>(lines.Count);
        foreach ((int number, string line) in lines.Skip(1))
        {
            string[] parts = line.Split('|', 3, StringSplitOptions.TrimEntries);
            // The published table of Flickr30K lacks the second bar in one of its 158,915 rows.
            if (parts.Length == 2 && parts[1].Split([' ', '\t'], 2, StringSplitOptions.TrimEntries) is [var k, var text])
                parts = [parts[0], k, text];
            if (parts.Length != 3 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int _))
            {
                throw PairTextFile.At(path, number).Is(DatasetFault.WrongFormat, "the line is no caption", $"\"{Start(line)}\"", "NAME.jpg| 0| caption");
            }
            captions.Add(Checked(path, parts[0], parts[2], number));
        }
        return captions;
    }

    private static List<NamedCaption> Commas(string path, DecodeLimits limits)
    {
        var captions = new List<NamedCaption>();
        using var reader = new StringReader(PairTextFile.ReadWhole(path, limits));
        using var csv = new CsvParser(reader, new CsvConfiguration(CultureInfo.InvariantCulture) { DetectColumnCountChanges = false });
        try
        {
            for (bool isHead = true; csv.Read(); isHead = false)
            {
                string[] fields = csv.Record!;
                if (isHead)
                    continue;
                if (fields.Length != 2)
                {
                    throw PairTextFile.At(path, csv.RawRow).Is(DatasetFault.WrongFormat, "the row has not the fields of a caption", $"{fields.Length} fields",
                        "2: NAME.jpg,caption; a caption with commas stands in quotes");
                }
                captions.Add(Checked(path, fields[0], fields[1], csv.RawRow));
            }
        }
        catch (CsvHelperException e)
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, $"{path}:{csv.RawRow}", "the row is no row of a table with commas",
                "Quotes within a quoted caption are doubled. Copy the published file again.", e);
        }
        return captions;
    }

    private static NamedCaption Checked(string path, string image, string text, int line)
    {
        string caption = text.Trim();
        return caption.Length > 0
            ? new NamedCaption(PairTextFile.RequireName(image.Trim(), path, line), caption, line)
            : throw PairTextFile.At(path, line).Is(DatasetFault.WrongFormat, "the caption is empty", null, "a sentence");
    }

    private static string Start(string line) => line.Length > 60 ? $"{line[..60]}…" : line;
}
