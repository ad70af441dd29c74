using System.Diagnostics;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Benchmarks;

/// <summary>eng/gpu-check with programs that only pretend: which parts run, what becomes of one that hangs, and what comes back.</summary>
public sealed class GpuCheckTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("infmatch-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Out => Path.Combine(_root, "out");

    [SkippableFact]
    public void A_part_that_hangs_is_stopped_and_what_was_measured_comes_back()
    {
        Make("echo measuring; case \"$*\" in *kernels*) sleep 60 ;; esac");
        (int code, string output) = Run("--device", "cpu", "--seconds", "10", "--part", "kernels", "--part", "start");
        Assert.Equal(4, code);
        Assert.Contains("✗  kernels                    stopped after ", output, StringComparison.Ordinal);
        Assert.Contains("✗  start                      left out: no time was left", output, StringComparison.Ordinal);
        Assert.Equal(
            ["results.tgz", "table.txt"], Directory.GetFiles(Out).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("measuring\n", Start("tar", "-xzOf", Path.Combine(Out, "results.tgz"), "./kernels.txt").Output);
    }

    [SkippableFact]
    public void Every_part_leaves_a_line_and_what_a_machine_lacks_is_said()
    {
        Make("echo measured");
        (int code, string output) = Run(
            "--device", "cuda", "--part", "environment", "--part", "doctor", "--part", "kernels", "--part", "profile", "--part",
            "sanitizer", "--part", "opencl");
        Assert.Equal(0, code);
        string table = File.ReadAllText(Path.Combine(Out, "table.txt"));
        foreach (string line in (string[])
            ["✓  devices                    passed", "✓  parity of all operations   passed", "✓  kernels                    measured",
             "-  ncu                        this machine has no ncu", "-  compute-sanitizer          this machine has no",
             "-  OpenCL of the same card    no OpenCL device answers on this machine"])
        {
            Assert.Contains(line, table, StringComparison.Ordinal);
            Assert.Contains(line, output, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("✗", table, StringComparison.Ordinal);
        Assert.Contains("device --device cuda:0 --case 128x256 128x100 32x10 --save", File.ReadAllText(Path.Combine(_root, "calls")), StringComparison.Ordinal);
        Assert.Equal(2, Run("--part", "nothing").Code);
    }

    [SkippableFact]
    public void The_bits_of_runs_are_compared()
    {
        Make("", """
            case "$*" in
            *" --out "*bits*) echo "\"setHash\": \"abc$(($(cat "$0.hash" 2> /dev/null || echo 0)))\""; echo 1 > "$0.hash"; exit 0 ;;
            esac
            """);
        (int code, string output) = Run("--device", "cpu", "--part", "bits");
        Assert.Equal(4, code);
        Assert.Contains("✗  same bits in two runs      abc0 and abc1", output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void What_stands_in_the_loops_of_machine_code_is_counted()
    {
        Skip.IfNot(File.Exists("/usr/bin/python3"), "needs python3");
        string file = Path.Combine(_root, "code.txt");
        File.WriteAllText(file, """
            		Function : norm
            	.headerflags	@"EF_CUDA_SM90"
                    /*0000*/                   LDC R1, c[0x0][0x28] ;                  /* 0x1 */
                    /*0010*/                   LDG.E R2, desc[UR4][R2.64] ;            /* 0x2 */
                    /*0020*/                   MUFU.RSQ R3, R2 ;                       /* 0x3 */
                    /*0030*/              @!P0 FFMA R4, R3, R2, R4 ;                   /* 0x4 */
                    /*0040*/               @P0 BRA 0x20 ;                              /* 0x5 */
                    /*0050*/                   BAR.SYNC.DEFER_BLOCKING 0x0 ;           /* 0x6 */
                    /*0060*/               @P1 BRA 0x10 ;                              /* 0x7 */
                    /*0070*/                   EXIT ;                                  /* 0x8 */
                    /*0080*/                   BRA 0x80;                               /* 0x9 */
            """);
        Assert.Equal(
            """
            norm: 9 instructions
              0010-0060: 6 instructions, FFMA 1, MUFU 1, LDG 1, BAR 1
              0020-0040 innermost: 3 instructions, FFMA 1, MUFU 1

            """, Start("python3", Path.Combine(Repository.Root, "eng", "sass-loops.py"), file).Output);
    }

    // Programs that write down how they were called, and then do what is given.
    private void Make(string benchmarks, string distill = "")
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "a script for Linux");
        string app = Directory.CreateDirectory(Path.Combine(_root, "app")).FullName;
        File.WriteAllText(Path.Combine(app, ".complete"), "");
        Script(Path.Combine(app, "InfMatch.Benchmarks"), benchmarks);
        Script(Path.Combine(app, "InfMatch.Distill"), $"{distill}\necho passed");
        File.Copy(Path.Combine(Repository.Root, "eng", "gpu-check"), Path.Combine(_root, "run"));
    }

    private void Script(string path, string text)
    {
        File.WriteAllText(path, $"#!/bin/sh\necho \"$*\" >> '{_root}/calls'\n{text}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private (int Code, string Output) Run(params string[] options) =>
        Start("bash", [Path.Combine(_root, "run"), "--out", Out, .. options]);

    private (int Code, string Output) Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = _root,
        };
        start.Environment["PATH"] = "/usr/bin:/bin";
        start.Environment.Remove("OUT");
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        errors.GetAwaiter().GetResult();
        return (process.ExitCode, output);
    }
}
