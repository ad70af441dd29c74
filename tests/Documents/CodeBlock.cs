using System.Net;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace InfMatch.Tests.Documents;

/// <summary>A fenced block of C# in a document, and the block of text behind it that shows what it prints.</summary>
/// <param name="Place">The file and the line of the fence.</param>
/// <param name="Code">What stands in it.</param>
/// <param name="Output">What the next block shows; null where no block of text follows.</param>
internal sealed record CodeBlock(string Place, string Code, string? Output)
{
    private const string Language = "```csharp";

    // Stands in for System.Console: a type of the global namespace is found before those of a using directive.
    private const string Console = """
        internal static class Console
        {
            public static readonly System.IO.StringWriter Out = new() { NewLine = "\n" };
            public static void WriteLine() => Out.WriteLine();
            public static void WriteLine(object? value) => Out.WriteLine(value);
            public static void Write(object? value) => Out.Write(value);
        }
        """;

    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly Lazy<MetadataReference[]> s_references = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(file => !Path.GetFileName(file).StartsWith("InfMatch.Tests", StringComparison.Ordinal))
            .Select(file => MetadataReference.CreateFromFile(file)),
    ]);

    private const string Libraries = """
        using InfMatch.Autograd;
        using InfMatch.Datasets;
        using InfMatch.Nn;
        using InfMatch.Tensors;
        using InfMatch.Tensors.IO;

        """;

    /// <summary>Whether it is a whole program; else it is a quotation of the sources.</summary>
    public bool IsProgram => Code.Contains("using InfMatch.", StringComparison.Ordinal);

    /// <summary>All blocks of C# of a document.</summary>
    public static IEnumerable<CodeBlock> In(string path, string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() != Language)
                continue;
            int end = EndOf(lines, i), next = end + 1;
            while (next < lines.Length && lines[next].Length == 0)
                next++;
            string? output = next < lines.Length && lines[next].Trim() == "```text"
                ? Text(lines[(next + 1)..EndOf(lines, next)])
                : null;
            yield return new CodeBlock($"{path}:{i + 1}", Text(lines[(i + 1)..end]), output);
            i = end;
        }
    }

    /// <summary>All examples in the documentation comments of a source file.</summary>
    public static IEnumerable<CodeBlock> InComments(string path, string text)
    {
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() != "/// <code>")
                continue;
            int end = Array.FindIndex(lines, i, line => line.Trim() == "/// </code>");
            string[] code = [.. lines[(i + 1)..end].Select(line => WebUtility.HtmlDecode(line.TrimStart()[3..]))];
            yield return new CodeBlock($"{path}:{i + 1}", Libraries + Text(code), null);
        }
    }

    /// <summary>Compiles it with the assemblies of the tests, runs it and returns what it prints.</summary>
    /// <exception cref="InvalidOperationException">It does not compile.</exception>
    public string Run()
    {
        Assembly program = Assembly.Load(Compile());
        MethodInfo main = program.EntryPoint!;
        main.Invoke(
            null, BindingFlags.DoNotWrapExceptions, null, main.GetParameters().Length == 0 ? null : [Array.Empty<string>()],
            null);
        return program.GetType("Console")!.GetField("Out")!.GetValue(null)!.ToString()!;
    }

    /// <summary>The assembly that it compiles to.</summary>
    /// <exception cref="InvalidOperationException">It does not compile without a warning.</exception>
    public byte[] Compile()
    {
        string code = string.Join('\n', Code.Split('\n').Select(
            line => line.StartsWith("#:", StringComparison.Ordinal) ? "" : line));
        CSharpParseOptions language = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Latest);
        CSharpCompilation compilation = CSharpCompilation.Create(
            $"block-{Guid.NewGuid():N}",
            [.. new[] { code, Console, ImplicitUsings }.Select(part =>
                CSharpSyntaxTree.ParseText(SourceText.From(part), language))],
            s_references.Value,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        using var image = new MemoryStream();
        Diagnostic[] errors =
            [.. compilation.Emit(image).Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning)];
        if (errors.Length > 0)
            throw new InvalidOperationException($"{Place} does not compile:\n{string.Join('\n', errors.Select(d => d.ToString()))}");
        return image.ToArray();
    }

    /// <summary>Code without comments and blank space, in which a quotation is looked for.</summary>
    public static string Bare(string code) => string.Concat(
        CSharpSyntaxTree.ParseText(code).GetRoot().DescendantTokens().Select(token => token.Text + " "));

    private static int EndOf(string[] lines, int start)
    {
        int end = Array.FindIndex(lines, start + 1, line => line.Trim() == "```");
        return end >= 0 ? end : throw new InvalidOperationException($"The block from line {start + 1} has no end.");
    }

    private static string Text(string[] lines) => string.Join('\n', lines) + "\n";
}
