using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>
/// Text from a set in the files beside it, which other programs read by their own rules: every text is printable, and none
/// can become a formula, markup or another row.
/// </summary>
internal static class TableText
{
    // What a spreadsheet takes for a formula, also as wide forms (OWASP, CSV injection).
    private const string FormulaSigns = "=+-@\uff1d\uff0b\uff0d\uff20";

    // What means something within a line of Markdown, in GitHub's form or with formulas.
    private const string MarkdownSigns = "\\`*[]|~$";

    /// <summary>
    /// A cell of CSV (RFC 4180) that holds text: quoted where it has more than letters, digits and blanks within. A formula's
    /// sign at the beginning gets an apostrophe before it, so that a spreadsheet shows the text; numbers are written as they
    /// are and not by this.
    /// </summary>
    public static string Cell(string text)
    {
        string line = PrintableText.Of(text);
        if (line.Length > 0 && FormulaSigns.Contains(line.TrimStart().FirstOrDefault(), StringComparison.Ordinal))
            line = $"'{line}";
        bool isBare = line.Length > 0 && line == line.Trim()
            && line.All(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_' or '.' or '/');
        return isBare ? line : $"\"{line.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>Text within a paragraph or an item of Markdown, where it reads as itself: no emphasis, code, link, table,
    /// heading, list or HTML.</summary>
    public static string Markdown(string text)
    {
        string line = PrintableText.Of(text).Trim();
        var escaped = new StringBuilder(line.Length + 16);
        for (int i = 0; i < line.Length; i++)
        {
            char c = line[i];
            // Within a word an underscore is no emphasis; a sign at the beginning would make a heading, quotation or list.
            bool isSign = MarkdownSigns.Contains(c, StringComparison.Ordinal)
                || (c == '_' && !(IsWord(line, i - 1) && IsWord(line, i + 1)))
                || (i == 0 && c is '#' or '+' or '-' or '=')
                || (c is '.' or ')' && i > 0 && !line.AsSpan(0, i).ContainsAnyExceptInRange('0', '9')
                    && (i == line.Length - 1 || line[i + 1] == ' '));
            if (c is '<' or '>' or '&')
                escaped.Append(c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;");
            else if (c == ':' && line.AsSpan(i).StartsWith("://")) // an address would become a link by itself
                escaped.Append("&#58;");
            else
                escaped.Append(isSign ? "\\" : "").Append(c);
        }
        return escaped.ToString();
    }

    /// <summary>A scalar of YAML between double quotes.</summary>
    public static string Yaml(string text) =>
        $"\"{PrintableText.Of(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>JSON with the same meaning in which every character is printable: others stand in texts only, as escapes of
    /// JSON.</summary>
    public static string Json(string json)
    {
        var text = new StringBuilder(json.Length);
        foreach (Rune rune in json.EnumerateRunes())
        {
            if (rune.Value is '\n' or '\r' || PrintableText.IsPrintable(rune))
                text.Append(rune);
            else
                foreach (char c in $"{rune}")
                    text.Append($"\\u{(int)c:x4}");
        }
        return text.ToString();
    }

    private static bool IsWord(string line, int at) => at >= 0 && at < line.Length && char.IsLetterOrDigit(line[at]);
}
