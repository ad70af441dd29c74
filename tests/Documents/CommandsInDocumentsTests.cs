using System.CommandLine;
using System.Text.RegularExpressions;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Documents;

/// <summary>Commands that documents show are ones that the program understands.</summary>
public sealed partial class CommandsInDocumentsTests
{
    private readonly RootCommand _program;

    public CommandsInDocumentsTests() => CommandTree.Everything(out _program);

    [Fact]
    public void The_program_understands_every_command_of_the_documents()
    {
        // Appendices are dated: their commands are those of their day.
        (string Path, string Command)[] commands =
        [
            .. Repository.TextFiles
                .Where(f => f.Path.EndsWith(".md", StringComparison.Ordinal) && !f.Path.Contains("appendix", StringComparison.Ordinal))
                .SelectMany(f => CommandsOf(f.Text).Select(command => (f.Path, command))),
        ];
        Assert.Empty(commands.SelectMany(c => Faults(c.Command).Select(fault => $"{c.Path}: {c.Command}: {fault}")));
        Assert.True(commands.Length > 80, $"Only {commands.Length} commands were found: are they written in another way?");
    }

    [Theory]
    [InlineData("    ./infmatch runs list --json   # all", "")]
    [InlineData("    ./infmatch distill --ipc 1 \\\n        --seed 2\n", "")]
    [InlineData("see `infmatch help distill`", "")]
    [InlineData("    ./infmatch distil --ipc 1", "distil")]
    [InlineData("    ./infmatch distill --seed 1 \\\n        --itertions 2\n", "--itertions")]
    [InlineData("    infmatch distill --preset second-order", "preset second-order")]
    [InlineData("`./infmatch distill --dataset cifar10`", "data set cifar10")]
    public void A_command_that_is_none_is_found(string text, string fault)
    {
        string[] found = [.. CommandsOf(text).SelectMany(Faults)];
        Assert.Equal(fault.Length > 0, found.Any(f => f.Contains(fault, StringComparison.Ordinal)));
    }

    // Lines of code, and code within a sentence; what has brackets or bars tells a syntax, and capitals stand for a name.
    private static IEnumerable<string> CommandsOf(string markdown) =>
        CommandLine().Matches(Continued().Replace(markdown, " ")).Select(m => m.Groups["command"].Value)
            .Select(command => Remark().Replace(command, ""))
            .Where(command => command.IndexOfAny(['[', '|', '…', '{']) < 0);

    private IEnumerable<string> Faults(string command)
    {
        string[] words = CommandWords.WithoutWords(command.Replace("\"", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        foreach (string error in _program.Parse(words).Errors.Select(e => e.Message))
            yield return error;
        if (After(words, "--preset") is { } preset && !Presets.Names.Contains(preset, StringComparer.Ordinal))
            yield return $"there is no preset {preset}";
        if (After(words, "--dataset") is { } set
            && !DatasetCatalog.Names.Concat(PairCatalog.Names).Contains(set, StringComparer.Ordinal))
            yield return $"there is no data set {set}";
    }

    private static string? After(string[] words, string option) =>
        words.SkipWhile(w => w != option).Skip(1).FirstOrDefault() is { } value && value.Any(char.IsLower) ? value : null;

    [GeneratedRegex(@"\\\n\s*")]
    private static partial Regex Continued();

    [GeneratedRegex(@"\s+(#|>).*$")]
    private static partial Regex Remark();

    [GeneratedRegex(@"(^ {4,}|^|`)(\./)?infmatch (?<command>[a-z-][^`\n]*)(`|$)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex CommandLine();
}
