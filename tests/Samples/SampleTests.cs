using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Samples;

/// <summary>Every sample runs as a program of its own and prints what samples/README.md shows.</summary>
public sealed partial class SampleTests
{
    // Numbers of a training depend on the processor's vector width; all others are exact.
    private static readonly string[] s_trained = ["TrainConvNet", "InfluenceOfExamples", "DistilAsLibrary"];

    private static readonly string[] s_names =
    [
        .. Directory.EnumerateDirectories(Path.Combine(Repository.Root, "samples")).Select(folder => Path.GetFileName(folder)!)
            .Order(StringComparer.Ordinal),
    ];

    private static string Page => Path.Combine(Repository.Root, "samples", "README.md");

    public static TheoryData<string> Names() => [.. s_names];

    [Theory, MemberData(nameof(Names))]
    public void A_sample_prints_what_the_page_shows(string name)
    {
        string found = Run(name), shown = Shown(name);
        if (Environment.GetEnvironmentVariable("INFMATCH_WRITE_DOCUMENTS") == "1")
        {
            File.WriteAllText(Page, File.ReadAllText(Page).Replace(Block(name, shown), Block(name, found), StringComparison.Ordinal));
            return;
        }
        if (!s_trained.Contains(name, StringComparer.Ordinal))
        {
            Assert.Equal(shown, found);
            return;
        }
        Assert.Equal(Number().Replace(shown, "#"), Number().Replace(found, "#"));
        foreach ((double expected, double given) in Numbers(shown).Zip(Numbers(found)))
            Assert.True(Math.Abs(expected - given) <= Math.Max(0.15, 0.25 * expected), $"{name}: {given}, the page has {expected}:\n{found}");
    }

    [Fact]
    public void The_page_has_a_section_for_every_sample_and_no_other() => Assert.Equal(
        s_names, Heading().Matches(File.ReadAllText(Page)).Select(m => m.Groups["name"].Value).Order(StringComparer.Ordinal), StringComparer.Ordinal);

    private static string Run(string name)
    {
        // …/bin/Release/net10.0: the samples are built in the configuration of the tests.
        var framework = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string program = Path.Combine(
            Repository.Root, "samples", name, "bin", framework.Parent!.Name, framework.Name, $"InfMatch.Samples.{name}.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. name == "NamedDevice" ? ["cpu"] : Array.Empty<string>()])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd().ReplaceLineEndings("\n");
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{name} ended with {process.ExitCode}:\n{output}{errors.Result}");
        return output;
    }

    private static string Block(string name, string output) => $"## {name}\n{Before(name)}```text\n{output}```";

    private static string Before(string name) => Parts(name).Groups["before"].Value;

    private static string Shown(string name) => Parts(name).Groups["output"].Value;

    private static Match Parts(string name)
    {
        Match parts = Regex.Match(
            File.ReadAllText(Page).ReplaceLineEndings("\n"),
            $@"^## {name}\n(?<before>.*?)```text\n(?<output>.*?)```", RegexOptions.Multiline | RegexOptions.Singleline);
        Assert.True(parts.Success, $"samples/README.md has no section {name} with a block of text.");
        return parts;
    }

    private static IEnumerable<double> Numbers(string text) =>
        Number().Matches(text).Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"\d+(\.\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex("^## (?<name>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
