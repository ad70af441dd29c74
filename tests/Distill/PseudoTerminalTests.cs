using System.Diagnostics;
using System.Text;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>The program on a terminal of its own, which script(1) of util-linux makes: what a person sees who presses Ctrl-C.
/// Elsewhere <see cref="TerminalTests"/> stand for it.</summary>
public sealed class PseudoTerminalTests : IDisposable
{
    // What a shell starts in the background ignores Ctrl-C, and so do all that it starts.
    private const string CtrlC = "\u0003", HearInterrupt = "--default-signal=INT";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    public async Task The_first_ctrl_c_leaves_a_clean_screen_and_a_command_that_can_be_copied(int width)
    {
        Screen screen = await Run(
            width, "distill --preset demo --ipc 1 --width 8 --experts 1 --expert-epochs 10000", ("loss ", CtrlC));
        string run = Assert.Single(Directory.GetDirectories(Path.Combine(_folder, "runs")));
        string command = $"  dotnet run --project Distill -- resume {Path.Combine("runs", Path.GetFileName(run))}";
        Assert.Contains($"\n{command}\r\n", screen.Raw, StringComparison.Ordinal);
        string[] rows = [.. screen.Rows];
        string all = string.Join('\n', rows), prose = string.Join(' ', rows.Select(r => r.Trim()));
        Assert.Contains(
            "Interrupted: stopping after this step. Press Ctrl-C again to quit at once.", prose, StringComparison.Ordinal);
        Assert.DoesNotContain("^C", all, StringComparison.Ordinal);
        Assert.Single(rows, r => r.Contains("Experts", StringComparison.Ordinal));
        int saved = Array.IndexOf(rows, "Saved. Continue with:");
        Assert.True(saved > 0, all);
        int page = Array.FindIndex(rows, r => r.StartsWith("Report:   runs", StringComparison.Ordinal));
        Assert.True(page > saved, all);
        Assert.Equal(command, string.Concat(rows[(saved + 1)..page]));
        Assert.Equal(["distill: interrupted.", "ended with 130"], rows[^2..]);
    }

    [SkippableFact]
    public async Task The_second_ctrl_c_ends_at_once_and_the_shell_goes_on_below()
    {
        // Steps that take so long that the second comes before the first is done.
        Screen screen = await Run(
            80, "distill --preset demo --ipc 1 --width 512 --expert-batch 256 --threads 1", ("Experts", CtrlC),
            ("quit at once.", CtrlC));
        string[] rows = [.. screen.Rows];
        // Linux sends the signal before it shows the key, which so stands at the end of the line or below it.
        Assert.Equal("ended with 130", rows[^1].Replace("^C", "", StringComparison.Ordinal), StringComparer.Ordinal);
        Assert.Contains("Experts", rows[^2], StringComparison.Ordinal);
        Assert.DoesNotContain("distill: interrupted.", rows, StringComparer.Ordinal);
    }

    private static bool HearsInterrupts()
    {
        using Process process = Process.Start(new ProcessStartInfo("env", [HearInterrupt, "true"]) { RedirectStandardError = true, UseShellExecute = false })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    // On a thread of its own: those of the pool may all be busy with other tests, and a key must be typed in time.
    private Task<Screen> Run(int width, string arguments, params (string At, string Key)[] keys) => Task.Factory.StartNew(
        () => RunHere(width, arguments, keys), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    // Types a key each time that its text has appeared on the screen.
    private Screen RunHere(int width, string arguments, (string At, string Key)[] keys)
    {
        const string script = "/usr/bin/script";
        Skip.IfNot(OperatingSystem.IsLinux() && File.Exists(script), "It takes script(1) of util-linux, which makes a terminal.");
        Skip.IfNot(HearsInterrupts(), "It takes env(1) of coreutils 8.31, which lets a program hear what its parents ignore.");
        string program = Path.Combine(AppContext.BaseDirectory, "InfMatch.Distill.dll");
        string dotnet = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
        var start = new ProcessStartInfo(script)
        {
            WorkingDirectory = _folder, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.UTF8,
            ArgumentList =
            {
                "-qec", $"trap : INT; stty cols {width} rows 40; env {HearInterrupt} '{dotnet}' '{program}' {arguments}; echo \"ended with $?\"", "/dev/null",
            },
        };
        foreach ((string name, string? value) in ((string, string?)[])
        [
            ("TERM", "xterm"), ("NO_COLOR", "1"), ("LANG", "C.UTF-8"), ("LC_ALL", null), ("SHELL", "/bin/sh"), ("INFMATCH_DEVICE", "cpu"),
            ("INFMATCH_DATA", null),
        ])
        {
            start.Environment[name] = value;
        }
        using Process process = Process.Start(start)!;
        using var late = new CancellationTokenSource(s_patience);
        using CancellationTokenRegistration _ = late.Token.Register(() => process.Kill(entireProcessTree: true));
        var screen = new Screen(width);
        char[] buffer = new char[4096];
        int typed = 0, seen = 0;
        while (process.StandardOutput.Read(buffer) is > 0 and int count)
        {
            screen.Write(new string(buffer, 0, count));
            if (typed < keys.Length && screen.Raw.IndexOf(keys[typed].At, seen, StringComparison.Ordinal) >= 0)
            {
                seen = screen.Raw.Length;
                process.StandardInput.Write(keys[typed++].Key);
                process.StandardInput.Flush();
            }
        }
        process.WaitForExit();
        Assert.False(late.IsCancellationRequested, $"It did not end: {screen.Raw}");
        Assert.Equal(keys.Length, typed);
        return screen;
    }
}
