using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Documents;

/// <summary>C# in documents is compiled and run, and prints what the document shows; a quotation stands in the
/// sources.</summary>
public sealed class CodeInDocumentsTests
{
    private static readonly IReadOnlyList<CodeBlock> s_blocks =
    [
        .. Repository.TextFiles.Where(f => f.Path.EndsWith(".md", StringComparison.Ordinal))
            .SelectMany(f => CodeBlock.In(f.Path, f.Text)),
    ];

    private static readonly IReadOnlyList<CodeBlock> s_examples =
        [.. Repository.Sources.SelectMany(f => CodeBlock.InComments(f.Path, f.Text))];

    private static readonly Lazy<string> s_sources = new(() =>
        string.Concat(Repository.Sources.Select(f => CodeBlock.Bare(f.Text))));

    public static TheoryData<string> Programs() => [.. s_blocks.Where(b => b.IsProgram).Select(b => b.Place)];

    public static TheoryData<string> Quotations() => [.. s_blocks.Where(b => !b.IsProgram).Select(b => b.Place)];

    public static TheoryData<string> Examples() => [.. s_examples.Select(b => b.Place)];

    [Theory, MemberData(nameof(Programs))]
    public void A_program_prints_what_the_block_of_text_behind_it_shows(string place)
    {
        CodeBlock block = s_blocks.Single(b => b.Place == place);
        string found = block.Run();
        Assert.True(
            block.Output is not null, $"{place}: no block of text behind it shows what it prints. It prints:\n{found}");
        Assert.Equal(block.Output, found);
    }

    [Theory, MemberData(nameof(Examples))]
    public void An_example_in_a_comment_compiles(string place) =>
        Assert.NotEmpty(s_examples.Single(b => b.Place == place).Compile());

    [Theory, MemberData(nameof(Quotations))]
    public void A_quotation_stands_in_the_sources(string place) =>
        Assert.True(
            s_sources.Value.Contains(
                CodeBlock.Bare(s_blocks.Single(b => b.Place == place).Code).Trim(), StringComparison.Ordinal),
            $"{place} is no whole program (it has no `using InfMatch…`), and no source has this code.");

    [Fact]
    public void Code_that_does_not_compile_or_is_not_in_the_sources_is_found()
    {
        CodeBlock wrong = CodeBlock.In("x.md", "```csharp\nusing InfMatch.Tensors;\nint i = \"a\";\n```\n").Single();
        Assert.True(wrong.IsProgram);
        Assert.Contains("CS0029", Assert.Throws<InvalidOperationException>(() => wrong.Run()).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(CodeBlock.Bare("static int Nowhere() => 12345678;").Trim(), s_sources.Value, StringComparison.Ordinal);
    }
}
