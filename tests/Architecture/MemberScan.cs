using System.Text.RegularExpressions;

namespace InfMatch.Tests.Architecture;

/// <summary>A method, constructor, property or type with parameters as it stands in a source file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Line">The line on which it begins, from 1.</param>
/// <param name="Lines">Lines from there to its end; 1 for what has no body of its own.</param>
/// <param name="Parameters">How many parameters it has.</param>
internal sealed record SourceMember(string Name, int Line, int Lines, int Parameters);

/// <summary>
/// Finds the members of types in C# source, by brackets alone: inside a type, a member is what stands between two ends. The lines
/// of local functions and lambdas are the member's around them; field initialisers and top-level programs are no members.
/// </summary>
internal sealed partial class MemberScan
{
    // What may stand before a call, where the type of a local function would.
    private static readonly string[] s_noTypes =
        ["new", "return", "await", "else", "in", "is", "and", "or", "not", "when", "case", "throw", "yield", "where", "from", "select"];

    private static readonly string[] s_types = ["class", "struct", "interface", "record", "enum", "namespace", "extension"];

    private readonly string _text;
    private readonly List<SourceMember> _found = [];

    private MemberScan(string source) => _text = SourceText.Blank(source);

    /// <summary>All members, in their order.</summary>
    public static IReadOnlyList<SourceMember> Of(string source)
    {
        var scan = new MemberScan(source);
        if (source.Contains("\nnamespace ", StringComparison.Ordinal) || source.StartsWith("namespace ", StringComparison.Ordinal))
            scan.ReadTypes(0);
        return scan._found;
    }

    // The inside of a type, a namespace or the file, to its closing brace.
    private int ReadTypes(int at)
    {
        int start = at;
        while (at < _text.Length)
        {
            char c = _text[at];
            if (c == '}')
                return at + 1;
            if (c is '(' or '[')
            {
                at = Close(at);
                continue;
            }
            bool isArrow = c == '=' && Next(at + 1) == '>';
            if (c == '=' && !isArrow && !IsOperator(start, at))
            {
                at = start = End(at);
                continue;
            }
            if (c is not ('{' or ';') && !isArrow)
            {
                at++;
                continue;
            }
            string head = _text[start..at];
            bool isType = IsType(head);
            int end = c == ';' ? at + 1 : isArrow ? End(at) : IsType(head, "enum") ? Close(at) : isType ? ReadTypes(at + 1)
                : Initialised(Close(at));
            Add(head, start, isType || c == ';' ? at : end);
            at = start = end;
        }
        return at;
    }

    private void Add(string head, int start, int end)
    {
        string signature = Signature(head);
        int close = signature.LastIndexOf(')');
        bool isType = IsType(head);
        if (isType && close < 0)
            return;
        int open = close < 0 ? -1 : Open(signature, close);
        string before = (open < 0 ? signature : signature[..open]).TrimEnd();
        int begin = start + head.Length - head.TrimStart().Length;
        if (before.Length == 0 || before.TrimStart().StartsWith("using ", StringComparison.Ordinal))
            return;
        int line = _text.AsSpan(0, begin).Count('\n') + 1;
        _found.Add(new SourceMember(
            Name(before), line, _text.AsSpan(begin, Math.Max(0, end - begin)).Count('\n') + 1,
            open < 0 ? 0 : Count(signature[(open + 1)..close])));
        if (!isType)
            AddLocalFunctions(start + head.Length, end);
    }

    private void AddLocalFunctions(int from, int to)
    {
        foreach (Match head in LocalFunction().Matches(_text[from..Math.Max(from, to)]))
        {
            int open = from + head.Index + head.Length - 1, close = Close(open);
            string rest = _text[close..].TrimStart();
            bool hasBody = rest.StartsWith("=>", StringComparison.Ordinal) || rest.StartsWith('{')
                || rest.StartsWith("where ", StringComparison.Ordinal);
            if (hasBody && !s_noTypes.Contains(head.Groups["type"].Value, StringComparer.Ordinal))
            {
                _found.Add(new SourceMember(
                    head.Groups["name"].Value, _text.AsSpan(0, open).Count('\n') + 1, 1, Count(_text[(open + 1)..(close - 1)])));
            }
        }
    }

    [GeneratedRegex(@"[;{}]\s*(?:(?:static|async|unsafe)\s+)*(?<type>[\w.]+)(?:<[^;(){}]*>)?[\[\]?*]*\s+(?<name>\w+)(?:<[\w, ]+>)?\(")]
    private static partial Regex LocalFunction();

    // Without attributes, and up to what a constructor passes on, base types and constraints.
    private static string Signature(string head)
    {
        int depth = 0;
        head = head.TrimStart();
        while (head.StartsWith('['))
            head = head[SourceText.Close(head, 0)..].TrimStart();
        for (int i = 0; i < head.Length; i++)
        {
            depth += head[i] is '(' or '[' or '<' ? 1 : head[i] is ')' or ']' or '>' ? -1 : 0;
            if (depth == 0 && (head[i] == ':' || head.AsSpan(i).StartsWith(" where ") || head.AsSpan(i).StartsWith("\nwhere ")))
                return head[..i];
        }
        return head;
    }

    private static int Open(string text, int close)
    {
        for (int i = close, depth = 0; i >= 0; i--)
        {
            depth += text[i] == ')' ? 1 : text[i] == '(' ? -1 : 0;
            if (depth == 0)
                return i;
        }
        return -1;
    }

    private static int Count(string parameters)
    {
        if (parameters.Trim().Length == 0)
            return 0;
        (int count, int depth) = (1, 0);
        foreach (char c in parameters)
        {
            depth += c is '(' or '[' or '<' or '{' ? 1 : c is ')' or ']' or '>' or '}' ? -1 : 0;
            if (depth == 0 && c == ',')
                count++;
        }
        return count;
    }

    private static string Name(string before)
    {
        if (before.EndsWith('>'))
            before = before[..before.LastIndexOf('<')];
        int end = before.Length;
        while (end > 0 && (char.IsLetterOrDigit(before[end - 1]) || before[end - 1] is '_' or '.' or '@'))
            end--;
        return end == before.Length ? "operator" : before[end..];
    }

    private static bool IsType(string head, params string[] kinds) =>
        Signature(head).Split([' ', '\n', '\r', '\t', '('], StringSplitOptions.RemoveEmptyEntries)
            .TakeWhile(word => word.All(char.IsLetter))
            .Any(word => (kinds.Length > 0 ? kinds : s_types).Contains(word, StringComparer.Ordinal));

    // "operator ==" and its like.
    private bool IsOperator(int start, int at) => _text.AsSpan(start, at - start).TrimEnd().EndsWith("operator")
        || _text.AsSpan(start, at - start).TrimEnd(" <>!=").EndsWith("operator");

    private char Next(int at) => at < _text.Length ? _text[at] : '\0';

    // A property's accessors may be followed by "= value;".
    private int Initialised(int at)
    {
        int next = at;
        while (char.IsWhiteSpace(Next(next)))
            next++;
        return Next(next) == '=' && Next(next + 1) != '>' ? End(next) : at;
    }

    private int Close(int at) => SourceText.Close(_text, at);

    // Behind the semicolon that ends an expression.
    private int End(int at)
    {
        while (at < _text.Length && _text[at] != ';')
            at = _text[at] is '(' or '[' or '{' ? Close(at) : at + 1;
        return at + 1;
    }
}
