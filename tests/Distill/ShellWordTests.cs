using System.Diagnostics;
using InfMatch.Distill;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class ShellWordTests
{
    public static TheoryData<string> Words() =>
    [
        "", "runs", "runs a b'c", "it's", "'", "''", "a\"b", "$HOME", "$(touch x)", "`touch x`", "a\\b", "a\\", "~", "~/x", "-n", "--out",
        "-", "@file", "*", "?", "[a]", "{a,b}", "a;b", "a|b", "a&b", "a>b", "a<b", "(a)", "#a", "!x", "a!b", "=a", "a=b", "%d%s", "100%",
        " a", "a ", "  ", "tab\there", "a\nb", "\na", "a\n", "a\n\n", "\n", "\u001b[31mred", "\u0001\u007f\u0085", "\u202eexe.gpj", "a\u2028b",
        "zero\u200bwidth", "Ünï cöde", "日本", "😀", "\U000e0041", "-\n", "%\n", "'\n'", "\\n\n", "8\n8", "\u001b0", "a\u00a0b",
    ];

    [SkippableTheory, MemberData(nameof(Words))]
    public void A_shell_gives_the_word_back(string text)
    {
        Skip.If(OperatingSystem.IsWindows(), "needs /bin/sh");
        string word = ShellWord.ForPosix(text);
        Assert.Equal(PrintableText.Of(word), word, StringComparer.Ordinal);
        // Only a shell of POSIX 2024 knows $'…', which only a line feed at the end needs.
        string shell = text.EndsWith('\n') ? "/bin/bash" : "/bin/sh";
        Skip.IfNot(File.Exists(shell), $"needs {shell}");
        Assert.Equal([text], Arguments(shell, $"dotnet {word}"), StringComparer.Ordinal);
        Assert.Equal(["a", text, "b"], Arguments(shell, $"dotnet a {word} b"), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("runs/a", "runs/a")]
    [InlineData("-x", "./-x")]
    [InlineData("@x y", "'./@x y'")]
    [InlineData("~", "'~'")]
    public void A_path_is_no_option_and_no_file_of_arguments(string path, string word) =>
        Assert.Equal(word, OperatingSystem.IsWindows() ? word : ShellWord.OfPath(path));

    [Theory]
    [InlineData("C:\\runs\\a", "C:\\runs\\a")]
    [InlineData("C:\\my runs\\a", "\"C:\\my runs\\a\"")]
    [InlineData("C:\\my runs\\", "\"C:\\my runs\\\\\"")]
    [InlineData("it's", "\"it's\"")]
    [InlineData("a&b", "\"a&b\"")]
    [InlineData("a$b", "'a$b'")]
    [InlineData("it's`$", "'it''s`$'")]
    [InlineData("", "\"\"")]
    [InlineData("a%b", "\"a%b\"")]
    [InlineData("a\u001bb", "\"a\\u001bb\"")]
    public void Windows_takes_double_quotes_where_no_value_is_put_in(string text, string word) =>
        Assert.Equal(word, ShellWord.ForWindows(text));

    [SkippableTheory]
    [InlineData("runs a b'c")]
    [InlineData("-dash $HOME `x` \"q\" ~")]
    [InlineData("new\nline \u001b[31m")]
    public void The_commands_that_a_run_prints_reach_their_files(string name)
    {
        Skip.If(OperatingSystem.IsWindows(), "needs /bin/sh");
        using var run = new CommandRun();
        string root = Path.Combine(run.Folder, name);
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), [.. CommandRun.SmallRun(), "--out", root, "--device", "cpu"]));
        string[] commands =
        [
            .. (run.Output + run.Errors).Split('\n').Where(l => l.Contains(ShellWord.Program, StringComparison.Ordinal))
                .Select(l => l[l.IndexOf("dotnet", StringComparison.Ordinal)..]),
        ];
        Assert.Equal(2, commands.Length);
        foreach (string command in commands)
        {
            string[] arguments = Arguments("/bin/sh", command);
            Assert.Equal(["run", "--project", "Distill", "--"], arguments[..4], StringComparer.Ordinal);
            Assert.True(File.Exists(arguments[5]), command);
        }
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), [.. Arguments("/bin/sh", commands[1])[4..], "--quick"]));
    }

    // What a program named dotnet would be given.
    private static string[] Arguments(string shell, string command)
    {
        var start = new ProcessStartInfo(shell) { RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"dotnet() {{ printf '%s\\0' \"$@\"; }}\n{command}");
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.Split('\0')[..^1];
    }
}
