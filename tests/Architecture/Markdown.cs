using System.Globalization;
using System.Text.RegularExpressions;

namespace InfMatch.Tests.Architecture;

/// <summary>
/// The running text of a Markdown file. A passage is a paragraph, an item of a list, a heading or a cell of a table;
/// code blocks and lines of HTML are none. A span of code counts as one word, the target of a link as none.
/// </summary>
internal static partial class Markdown
{
    // An indented line is code behind a blank line; inside an item of a list that takes the item's indent more.
    private const int CodeIndent = 4, CodeIndentInList = 6;

    private static readonly string[] s_abbreviations = ["e.g.", "i.e.", "cf.", "al.", "vs.", "etc."];

    /// <summary>Every passage with the number of its first line.</summary>
    public static IEnumerable<(int Line, string Text)> Passages(string markdown)
    {
        int first = 0;
        List<string> open = [];
        foreach ((int number, string line, bool begins) in TextLines(markdown))
        {
            bool whole = line.Length == 0 || line[0] is '|' or '#';
            if (open.Count > 0 && (whole || begins))
            {
                yield return (first, string.Join(' ', open));
                open.Clear();
            }
            if (line.Length > 0 && line[0] == '|')
            {
                foreach (string cell in Bar().Split(line.Trim('|')).Where(c => c.Trim().Length > 0))
                    yield return (number, cell.Trim());
            }
            else if (line.Length > 0 && line[0] == '#')
            {
                yield return (number, line.TrimStart('#', ' '));
            }
            else if (line.Length > 0)
            {
                if (open.Count == 0)
                    first = number;
                open.Add(ItemMark().Replace(line, ""));
            }
        }
        if (open.Count > 0)
            yield return (first, string.Join(' ', open));
    }

    /// <summary>The sentences of a passage: what ends with a full stop, a question or an exclamation mark.</summary>
    public static IEnumerable<string> Sentences(string passage)
    {
        string text = LinkTarget().Replace(CodeSpan().Replace(passage, "code"), "]");
        int begin = 0;
        foreach (Match end in SentenceEnd().Matches(text))
        {
            string sentence = text[begin..(end.Index + end.Length)].Trim();
            if (s_abbreviations.Any(a => sentence.EndsWith(a, StringComparison.Ordinal)))
                continue;
            yield return sentence;
            begin = end.Index + end.Length;
        }
        if (begin < text.Length)
            yield return text[begin..].Trim();
    }

    /// <summary>How many words a sentence has; signs alone, such as = or –, are none.</summary>
    public static int Words(string sentence) =>
        sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries).Count(word => word.Any(char.IsLetterOrDigit));

    /// <summary>Running lines with their width in columns. Rows of tables, code blocks, HTML, addresses and targets of
    /// links have no width of their own: none of them can be broken.</summary>
    public static IEnumerable<(int Line, int Columns)> Widths(string markdown) =>
        from line in TextLines(markdown, trim: false)
        where line.Text.Length > 0 && line.Text[0] != '|'
        select (line.Number, new StringInfo(Address().Replace(LinkTarget().Replace(line.Text, "]"), ""))
            .LengthInTextElements);

    // Lines outside code and HTML, and whether one begins a paragraph or an item.
    private static IEnumerable<(int Number, string Text, bool Begins)> TextLines(string markdown, bool trim = true)
    {
        bool fenced = false, code = false, list = false, blank = true;
        int number = 0;
        foreach (string line in markdown.Split('\n').Select(l => l.TrimEnd()))
        {
            number++;
            string text = line.TrimStart();
            int indent = line.Length - text.Length;
            if (text.StartsWith("```", StringComparison.Ordinal))
            {
                fenced = !fenced;
                yield return (number, "", true);
                continue;
            }
            if (fenced || text.StartsWith('<'))
                continue;
            bool item = ItemMark().IsMatch(text);
            code = text.Length > 0 && indent >= (list ? CodeIndentInList : CodeIndent) && (code || blank) && !item;
            if (text.Length > 0 && indent == 0)
                list = item || (list && !blank);
            list |= item;
            if (!code)
                yield return (number, trim ? text : line, item || blank);
            blank = text.Length == 0 || code;
        }
    }

    [GeneratedRegex(@"^([-*]|\d+\.) ")]
    private static partial Regex ItemMark();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex Bar();

    [GeneratedRegex(@"(`+)[^`]+\1")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\]\([^)]*\)")]
    private static partial Regex LinkTarget();

    [GeneratedRegex(@"https?://[^\s)>]+")]
    private static partial Regex Address();

    [GeneratedRegex(@"[.!?][)""”*_\]]*(?=\s)")]
    private static partial Regex SentenceEnd();
}
