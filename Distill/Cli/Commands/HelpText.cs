namespace InfMatch.Distill;

/// <summary>Texts of help as they are written in the source: paragraphs, and sections of indented lines.</summary>
internal static class HelpText
{
    /// <summary>The first sentence, on one line and without its full stop.</summary>
    public static string FirstSentence(string help)
    {
        string paragraph = Paragraphs(help)[0];
        int end = paragraph.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? paragraph : paragraph[..end]).TrimEnd('.');
    }

    /// <summary>The paragraphs: running text in one line each; what has indented lines as it is.</summary>
    public static IReadOnlyList<string> Paragraphs(string help) =>
    [
        .. help.ReplaceLineEndings("\n").Split("\n\n").Select(p => p.Trim('\n')).Where(p => p.Length > 0)
            .Select(p => p.Contains("\n  ", StringComparison.Ordinal) ? p : p.Replace('\n', ' ')),
    ];

    /// <summary>Whether a paragraph is a section of indented lines.</summary>
    public static bool IsSection(string paragraph) => paragraph.Contains('\n', StringComparison.Ordinal);
}
