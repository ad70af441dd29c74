using System.Text.RegularExpressions;

namespace InfMatch.Tests.Architecture;

/// <summary>What the source text must keep to.</summary>
public sealed partial class SourceTests
{
    private const int LongestFile = 450;

    // Files that may be longer, each with its reason.
    private static readonly Dictionary<string, string> s_long = new(StringComparer.Ordinal);

    // A VJP that reads numbers leaves the graph. These read only where and of what type the numbers are.
    private static readonly string[] s_readsNumbers = ["Split", "Split"];

    // Spelled in parts, or this file would be the first to be found.
    private static readonly string[] s_machinePaths =
        [.. new[] { "work", "root", "home", "Users" }.Select(name => $"/{name}/")];

    [Fact]
    public void No_file_names_a_path_of_one_machine() =>
        Assert.Empty(Repository.TextFiles
            .SelectMany(f => s_machinePaths.Where(p => NamesPath(f.Text, p)).Select(p => $"{f.Path}: {p}")));

    [Fact]
    public void A_machine_path_is_found_and_an_address_is_not()
    {
        string path = s_machinePaths[0];
        Assert.True(NamesPath($"see {path}notes", path));
        Assert.True(NamesPath($"\"{path}notes\"", path));
        Assert.False(NamesPath($"https://example.org{path}notes", path));
    }

    [Fact]
    public void Files_are_short() =>
        Assert.Empty(Repository.Sources
            .Select(f => (f.Path, Lines: f.Text.Count(c => c == '\n')))
            .Where(f => f.Lines > LongestFile && !s_long.ContainsKey(f.Path))
            .Select(f => $"{f.Path} has {f.Lines} lines, more than {LongestFile}. Split it by concern, or state a reason."));

    // The compiler's own rule for it costs two fifths of a build. Beside the statements of a sample there is no other form.
    [Fact]
    public void Namespaces_are_those_of_the_whole_file() =>
        Assert.Empty(Repository.Sources
            .Where(f => !f.Path.StartsWith("samples/", StringComparison.Ordinal) && NamespaceWithBraces().IsMatch(f.Text))
            .Select(f => f.Path));

    [Theory]
    [InlineData("namespace A.B;\n", false)]
    [InlineData("using C;\n\nnamespace A.B\n{\n}\n", true)]
    [InlineData("namespace A {\n}\n", true)]
    public void A_namespace_in_braces_is_found(string source, bool isFound) =>
        Assert.Equal(isFound, NamespaceWithBraces().IsMatch(source));

    [GeneratedRegex(@"^namespace [\w.]+[ \t]*(\{|\r?$)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex NamespaceWithBraces();

    [Fact]
    public void A_vjp_stays_in_the_graph()
    {
        string[] found =
        [
            // The sample shows how the slip is caught.
            .. Repository.Sources.Where(f => !f.Path.StartsWith("tests/", StringComparison.Ordinal)
                    && f.Path != "samples/GradientCheck/Program.cs")
                .SelectMany(f => ReadsNumbers(f.Text)).Order(StringComparer.Ordinal),
        ];
        Assert.Equal(string.Join(' ', s_readsNumbers), string.Join(' ', found));
    }

    [Fact]
    public void Every_vjp_is_read()
    {
        int written = Repository.Sources.Where(f => f.Path.StartsWith("Autograd/", StringComparison.Ordinal))
            .Sum(f => VjpHead().Count(f.Text));
        Assert.True(written >= 28, $"Only {written} VJPs were found: has their signature changed?");
    }

    [Theory]
    [InlineData("record Bad { public override Variable?[] Vjp(Node at) => [Constant(at.Inputs[0].Value)]; }", 1)]
    [InlineData("record Bad { public override Variable?[] Vjp(Node at) { return [at.Inputs[0].Detach()]; } }", 1)]
    [InlineData("record Bad { protected override Variable Vjp(Variable x, Variable y, Variable dy) => dy * x.Detach(); }", 1)]
    [InlineData("record Bad { protected override Variable VjpB(Variable a, Variable b) => Constant(a.Value); }", 1)]
    [InlineData("record Good { public override Variable?[] Vjp(Node at) => [at.Cotangent]; T F() => x.Value; }", 0)]
    public void A_vjp_that_leaves_the_graph_is_found(string source, int times) =>
        Assert.Equal(string.Join(' ', Enumerable.Repeat("Bad", times)), string.Join(' ', ReadsNumbers(source)));

    // An address on the web may hold the same letters behind a host name; a path follows a quote, a space or a bracket.
    private static bool NamesPath(string text, string path)
    {
        for (int i = text.IndexOf(path, StringComparison.Ordinal);
            i >= 0; i = text.IndexOf(path, i + 1, StringComparison.Ordinal))
        {
            if (i == 0 || !(char.IsLetterOrDigit(text[i - 1]) || text[i - 1] is '.' or '-' or '_' or '/'))
                return true;
        }
        return false;
    }

    // The name of the record once for each time that its VJP reads the numbers of a variable or cuts one off.
    private static IEnumerable<string> ReadsNumbers(string source)
    {
        foreach (Match head in VjpHead().Matches(source))
        {
            string name = RecordName().Matches(source[..head.Index]).Last().Groups["name"].Value;
            foreach (Match _ in LeavesGraph().Matches(Body(source, head.Index + head.Length)))
                yield return name;
        }
    }

    // From the end of the signature to the closing brace, or to the semicolon of an expression body.
    private static string Body(string source, int start)
    {
        bool isBlock = source[start..].TrimStart().StartsWith('{');
        for (int i = start, depth = 0; i < source.Length; i++)
        {
            depth += source[i] is '{' or '(' or '[' ? 1 : source[i] is '}' or ')' or ']' ? -1 : 0;
            if (depth == 0 && source[i] == (isBlock ? '}' : ';'))
                return source[start..i];
        }
        throw new FormatException("The body of a Vjp does not end.");
    }

    [GeneratedRegex(@"override Variable\??(?:\[\])? Vjp[AB]?\([^)]*\)", RegexOptions.None, 1000)]
    private static partial Regex VjpHead();

    [GeneratedRegex(@"\brecord\s+(?<name>\w+)", RegexOptions.None, 1000)]
    private static partial Regex RecordName();

    [GeneratedRegex(@"\.(?:Value|Detach)\b", RegexOptions.None, 1000)]
    private static partial Regex LeavesGraph();
}
