using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using InfMatch.Autograd;
using InfMatch.Tests.Architecture;
using InfMatch.Tests.Autograd;

namespace InfMatch.Tests.Documents;

/// <summary>The text of docs/operations.md, from the operations themselves.</summary>
internal static class OperationsPage
{
    public const string Path = "docs/operations.md";

    public static string Text()
    {
        var text = new StringBuilder($"""
            # Operations

            Generated from the operations; do not edit. Write it again with

                INFMATCH_WRITE_DOCUMENTS=1 dotnet test --filter "FullyQualifiedName~OperationsPageTests"

            All {AllOperations.Types.Count} differentiable operations. An input is x, or a and b; the output is y. A bar
            means a cotangent: ȳ = ∂L/∂y is given, and x̄ = (∂y/∂x)ᵀ·ȳ is what the VJP returns. Every VJP is
            made of operations of this list, so it can be differentiated again.

            The samples of each operation check it on every backend. Its derivatives are compared with
            central differences, to second order: see [add-an-operation.md](add-an-operation.md). What is
            composed of these stands in `Autograd/Functional.cs` and `Autograd/Functional.Axes.cs`: softmax,
            sums and maxima along an axis, norms.


            """);
        var files = AllOperations.Types.Select(type => (Type: type, File: FileOf(type)))
            .OrderBy(op => op.File.Path, StringComparer.Ordinal).ThenBy(op => op.File.Index).GroupBy(op => op.File.Path, StringComparer.Ordinal);
        foreach (var file in files)
        {
            text.Append($"## {file.Key[(file.Key.LastIndexOf('/') + 1)..^3]}\n\n`{file.Key}`\n\n");
            text.Append("| operation | formula | adjoint |\n|---|---|---|\n");
            foreach ((Type type, _) in file)
            {
                FormulaAttribute formula = Of(type)!;
                text.Append($"| {type.Name} | {Cell(formula.Forward)} | {Cell(formula.Adjoint)} |\n");
            }
            text.Append('\n');
        }
        return text.ToString().ReplaceLineEndings("\n").TrimEnd() + "\n";
    }

    public static FormulaAttribute? Of(Type op) => op.GetCustomAttribute<FormulaAttribute>();

    private static (string Path, int Index) FileOf(Type op)
    {
        var declaration = new Regex($@"^public sealed record {op.Name}\b", RegexOptions.Multiline);
        return Repository.Sources.Where(f => !f.Path.StartsWith("tests/", StringComparison.Ordinal))
            .Select(f => (f.Path, Match: declaration.Match(f.Text))).Where(f => f.Match.Success)
            .Select(f => (f.Path, f.Match.Index)).Single();
    }

    private static string Cell(string formula) => formula.Replace("|", "\\|", StringComparison.Ordinal);
}
