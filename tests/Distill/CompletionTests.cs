using System.Diagnostics;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>The scripts of 'completion' in the shells themselves, which ask the built program.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData("bash", "infmatch dis", "distill")]
    [InlineData("bash", "infmatch distill --dataset fash", "fashion-mnist fashion-mnist-small")]
    [InlineData("bash", "infmatch distill --lr-l", "--lr-label")]
    [InlineData("bash", "infmatch distill --set lrLa", "lrLabel=")]
    [InlineData("bash", "infmatch presets traj", "trajectory")]
    [InlineData("bash", "infmatch distill --preset dm", "dm")]
    [InlineData("bash", "infmatch datasets ge", "get")]
    [InlineData("zsh", "infmatch dis", "distill")]
    [InlineData("zsh", "infmatch distill --device cp", "cpu")]
    [InlineData("fish", "infmatch dis", "distill")]
    [InlineData("fish", "infmatch distill --device cp", "cpu")]
    public void A_shell_completes_a_line(string shell, string line, string expected)
    {
        Skip.If(OperatingSystem.IsWindows(), "needs a shell of POSIX systems");
        string? path = Array.Find(["/bin/", "/usr/bin/", "/usr/local/bin/"], p => File.Exists(p + shell));
        Skip.If(path is null, $"{shell} is not installed.");
        MakeProgram();
        string script = Path.Combine(_folder, "completion");
        File.WriteAllText(script, CompletionScript.Of(shell));
        string quoted = ShellWord.ForPosix(line);
        string ask = shell switch
        {
            "bash" =>
                $"source '{script}'; COMP_LINE={quoted}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=($COMP_LINE); " +
                "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { :; }; _infmatch_complete; printf '%s\\n' \"${COMPREPLY[@]}\"",
            // Outside the line editor compadd and _files cannot run: what they are given is the answer.
            "zsh" =>
                "compdef() { :; }; _files() { :; }; compadd() { shift; printf '%s\\n' \"$@\" }; " +
                $"source '{script}'; words=(${{=:-{line}}}); CURRENT=${{#words}}; _infmatch_complete",
            _ => $"source '{script}'; complete -C {quoted} | string split -f 1 \\t",
        };
        string last = line.Split(' ')[^1];
        string[] found = [.. Output(path + shell, ask).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(w => w.StartsWith(last, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Assert.Equal(expected, string.Join(' ', found));
    }

    [Fact]
    public void Every_shell_has_a_script() => Assert.All(
        CompletionScript.Shells, shell => Assert.Contains("[suggest:", CompletionScript.Of(shell)));

    private void MakeProgram()
    {
        string program = Path.Combine(_folder, "infmatch");
        string dll = Path.Combine(AppContext.BaseDirectory, "InfMatch.Distill.dll");
        string dotnet = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
        File.WriteAllText(program, $"#!/bin/sh\nexec '{dotnet}' '{dll}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
    }

    private string Output(string shell, string command)
    {
        var start = new ProcessStartInfo(shell)
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder,
        };
        foreach (string argument in shell.EndsWith("zsh", StringComparison.Ordinal) ? (string[])["-f", "-c", command] : ["-c", command])
            start.ArgumentList.Add(argument);
        start.Environment["PATH"] = $"{_folder}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["HOME"] = _folder;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 || output.Length > 0, errors.Result);
        return output;
    }
}
