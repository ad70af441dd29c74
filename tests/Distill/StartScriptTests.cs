using System.Diagnostics;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Distill;

/// <summary>The script infmatch in a tree of a few files, with a dotnet that writes down how it was called.</summary>
public sealed class StartScriptTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Calls => Path.Combine(_root, "tools", "calls");

    [SkippableFact]
    public void It_builds_when_nothing_is_built_or_a_source_is_newer_and_starts_the_program_else()
    {
        MakeTree();
        (int code, _, string errors) = Start("./infmatch", _root, "distill", "--out", "a b");
        Assert.Equal(0, code);
        Assert.Contains("Building", errors);
        Assert.Equal(
            ["build", "./infmatch <distill> <--out> <a b>"], Told(), StringComparer.Ordinal);
        Start("./infmatch", _root, "--help");
        Assert.Equal(["./infmatch <--help>"], Told(), StringComparer.Ordinal);

        foreach ((string changed, bool builds) in ((string, bool)[])
            [("Nn/Network.cs", true), ("Directory.Build.props", true), ("tests/Test.cs", false)])
        {
            string file = Path.Combine(_root, changed);
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddSeconds(30));
            Start("./infmatch", _root, "--help");
            Assert.Equal(builds ? ["build", "./infmatch <--help>"] : ["./infmatch <--help>"], Told(), StringComparer.Ordinal);
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(-1));
        }
    }

    [SkippableFact]
    public void It_starts_from_any_folder_and_through_a_link_and_passes_the_exit_code_on()
    {
        MakeTree();
        string elsewhere = Directory.CreateDirectory(Path.Combine(_root, "elsewhere")).FullName;
        File.CreateSymbolicLink(Path.Combine(elsewhere, "im"), Path.Combine(_root, "infmatch"));
        (int code, _, _) = Start("./im", elsewhere, "fail");
        Assert.Equal(42, code);
        Assert.Equal(["build", "./im <fail>"], Told(), StringComparer.Ordinal);
    }

    [SkippableFact]
    public void A_build_that_fails_is_shown_and_nothing_is_started()
    {
        MakeTree();
        File.WriteAllText(Path.Combine(_root, "tools", "broken"), "");
        (int code, _, string errors) = Start("./infmatch", _root, "--help");
        Assert.Equal(1, code);
        Assert.Contains("error CS0000", errors);
        Assert.Contains("infmatch: the build failed.", errors);
        Assert.Equal(["build"], Told(), StringComparer.Ordinal);
    }

    private void MakeTree()
    {
        Skip.If(OperatingSystem.IsWindows(), "needs /bin/sh");
        foreach (string project in (string[])["Nn", "Distill", "tests", "tools"])
            Directory.CreateDirectory(Path.Combine(_root, project));
        foreach (string file in (string[])
            ["Directory.Build.props", "Nn/Nn.csproj", "Nn/Network.cs", "Distill/Distill.csproj", "tests/tests.csproj", "tests/Test.cs"])
        {
            File.WriteAllText(Path.Combine(_root, file), "");
            File.SetLastWriteTimeUtc(Path.Combine(_root, file), DateTime.UtcNow.AddMinutes(-1));
        }
        File.Copy(Path.Combine(Repository.Root, "infmatch"), Path.Combine(_root, "infmatch"));
        string dotnet = Path.Combine(_root, "tools", "dotnet");
        File.WriteAllText(dotnet,
            """
            #!/bin/sh
            here=$(dirname "$0")
            if [ "$1" = build ]; then
                echo build >> "$here/calls"
                [ -f "$here/broken" ] && { echo "error CS0000: broken"; exit 1; }
                mkdir -p "$2/bin/Release/net10.0" && touch "$2/bin/Release/net10.0/InfMatch.Distill.dll"
                exit 0
            fi
            shift
            printf '%s' "$INFMATCH_PROGRAM" >> "$here/calls"
            for word; do printf ' <%s>' "$word" >> "$here/calls"; done
            echo >> "$here/calls"
            [ "$1" = fail ] && exit 42
            exit 0

            """.ReplaceLineEndings("\n"));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(dotnet, (UnixFileMode)0b111_101_101);
    }

    private string[] Told()
    {
        string[] lines = File.ReadAllLines(Calls);
        File.Delete(Calls);
        return lines;
    }

    private (int Code, string Output, string Errors) Start(string program, string folder, params string[] args)
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        };
        start.ArgumentList.Add(program);
        foreach (string arg in args)
            start.ArgumentList.Add(arg);
        start.Environment["PATH"] = $"{Path.Combine(_root, "tools")}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }
}
