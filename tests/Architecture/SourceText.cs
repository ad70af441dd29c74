using System.Text;

namespace InfMatch.Tests.Architecture;

/// <summary>C# source without what would mislead a scan by brackets.</summary>
internal static class SourceText
{
    /// <summary>The source with blanks in the place of comments, directives, characters and strings; lines stay where they are.
    /// </summary>
    public static string Blank(string source)
    {
        var text = new StringBuilder(source);
        for (int i = 0; i < source.Length;)
        {
            int end = Skip(source, i);
            for (int j = i; end > i && j < end; j++)
            {
                if (text[j] is not '\n')
                    text[j] = ' ';
            }
            i = Math.Max(end, i + 1);
        }
        return text.ToString();
    }

    /// <summary>Behind the bracket that closes the one at a place, in blanked source.</summary>
    public static int Close(string text, int at)
    {
        for (int depth = 0; at < text.Length; at++)
        {
            depth += text[at] is '(' or '[' or '{' ? 1 : text[at] is ')' or ']' or '}' ? -1 : 0;
            if (depth == 0)
                return at + 1;
        }
        throw new FormatException("A bracket is not closed.");
    }

    // Behind the comment, directive, character or string that begins here; the same place where none does.
    private static int Skip(string source, int at)
    {
        ReadOnlySpan<char> rest = source.AsSpan(at);
        if (rest.StartsWith("//") || (rest[0] == '#' && (at == 0 || source[at - 1] == '\n')))
            return at + Until(rest, "\n");
        if (rest.StartsWith("/*"))
            return at + Until(rest, "*/") + 2;
        if (rest[0] == '\'')
            return at + (rest[1] == '\\' ? 3 + Until(rest[3..], "'") : 2) + 1;
        int marks = 0;
        while (marks < rest.Length && rest[marks] is '$' or '@')
            marks++;
        return marks < rest.Length && rest[marks] == '"' ? SkipString(source, at, marks) : at;
    }

    private static int SkipString(string source, int at, int marks)
    {
        bool isVerbatim = source.AsSpan(at, marks).Contains('@'), hasHoles = source.AsSpan(at, marks).Contains('$');
        int quotes = 0, i = at + marks;
        while (i + quotes < source.Length && source[i + quotes] == '"')
            quotes++;
        if (quotes >= 3 && !isVerbatim)
        {
            int end = source.IndexOf(new string('"', quotes), i + quotes, StringComparison.Ordinal);
            return end + quotes;
        }
        for (i++; i < source.Length; i++)
        {
            char c = source[i], next = i + 1 < source.Length ? source[i + 1] : '\0';
            if ((c == '\\' && !isVerbatim) || (isVerbatim && c == '"' && next == '"') || (hasHoles && c == '{' && next == '{'))
                i++;
            else if (hasHoles && c == '{')
                i = SkipHole(source, i);
            else if (c == '"')
                return i + 1;
        }
        return source.Length;
    }

    // At the brace that closes a hole of an interpolated string.
    private static int SkipHole(string source, int at)
    {
        for (int depth = 0; at < source.Length; at++)
        {
            int end = Skip(source, at);
            if (end > at)
                at = end - 1;
            else if (source[at] is '{' or '}' && (depth += source[at] == '{' ? 1 : -1) == 0)
                return at;
        }
        return at;
    }

    private static int Until(ReadOnlySpan<char> text, string what) =>
        text.IndexOf(what, StringComparison.Ordinal) is >= 0 and var found ? found : text.Length;
}
