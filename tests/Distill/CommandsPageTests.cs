using System.Text.RegularExpressions;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Distill;

/// <summary>docs/commands.md is what the program prints, and tells everything.</summary>
public sealed partial class CommandsPageTests
{
    private const int MostWords = 40;

    private static readonly string s_page = ReferencePage.Write();

    [Fact]
    public void The_page_is_what_the_program_prints()
    {
        string path = Path.Combine(Repository.Root, "docs", "commands.md");
        Assert.True(
            File.Exists(path) && File.ReadAllText(path).ReplaceLineEndings("\n") == s_page,
            "docs/commands.md is stale. Write it again: ./infmatch reference > docs/commands.md");
    }

    [Fact]
    public void Lines_and_sentences_are_short()
    {
        Assert.All(s_page.Split('\n').Where(l => !l.StartsWith('|')), l => Assert.InRange(l.Length, 0, 100));
        string running = LineBreak().Replace(s_page, " ");
        Assert.All(
            running.Split('\n').Where(l => !l.StartsWith('|')).SelectMany(l => SentenceEnd().Split(l)),
            sentence => Assert.InRange(sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, 0, MostWords));
    }

    [Fact]
    public void Every_error_code_in_the_sources_has_a_meaning_and_none_is_without_use()
    {
        string[] used =
        [
            .. Repository.Sources.Where(f => !f.Path.StartsWith("tests/", StringComparison.Ordinal) && !f.Path.EndsWith("ErrorCodes.cs", StringComparison.Ordinal))
                .SelectMany(f => Code().Matches(f.Text).Select(m => m.Value))
                .Concat(Enum.GetValues<DatasetFault>().Select(fault => $"IM{(int)fault}"))
                .Concat([ErrorCodes.Device, ErrorCodes.Safetensors, ErrorCodes.Npy, ErrorCodes.DamagedArrays, ErrorCodes.OnnxModel, ErrorCodes.Files])
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
        ];
        Assert.Equal(used, ErrorCodes.All.Select(c => c.Code).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal(ErrorCodes.All.Select(c => c.Code).Order(StringComparer.Ordinal), ErrorCodes.All.Select(c => c.Code), StringComparer.Ordinal);
    }

    [Fact]
    public void Every_variable_that_is_read_is_told()
    {
        HashSet<string> told = [.. ReferencePage.Variables.Select(v => v.Name)];
        Assert.All(
            Repository.Sources.Where(f => !f.Path.StartsWith("tests/", StringComparison.Ordinal))
                .SelectMany(f => Variable().Matches(f.Text).Select(m => m.Groups["name"].Value)),
            name => Assert.Contains(name, told));
    }

    [Fact]
    public void Every_option_stands_on_the_page() => Assert.All(
        CommandTree.Everything(out _).SelectMany(c => c.Command.Options), option => Assert.Contains($"`{option.Name}", s_page));

    [GeneratedRegex(@"\n +")]
    private static partial Regex LineBreak();

    [GeneratedRegex(@"(?<=[.!?:;]) ")]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"IM\d{4}")]
    private static partial Regex Code();

    [GeneratedRegex(@"""(?<name>INFMATCH_[A-Z_]+)""")]
    private static partial Regex Variable();
}
