using System.Diagnostics;
using System.Text.Json;

namespace InfMatch.Tests.Distill;

/// <summary>
/// The program as processes on processors that lack instructions: without AVX2, to which .NET 10 counts fused
/// multiply-add, and without any vectors.
/// </summary>
public sealed class FallbackTests : IDisposable
{
    private const string WithoutAvx2 = "DOTNET_EnableAVX2", WithoutVectors = "DOTNET_EnableHWIntrinsic";

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    private static (int Code, string Output, string Errors) Run(string assembly, string? without, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, assembly));
        foreach (string arg in args)
            start.ArgumentList.Add(arg);
        if (without is not null)
            start.Environment[without] = "0";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)), $"{assembly} {string.Join(' ', args)} took more than four minutes");
        return (process.ExitCode, output.Result, errors.Result);
    }

    // Every operation beside its float64 definition, and derivatives beside differences, on the kernels of this processor.
    [SkippableTheory]
    [InlineData(WithoutAvx2, "128-bit vectors without fused multiply-add")]
    [InlineData(WithoutVectors, "single numbers without fused multiply-add")]
    public void Every_operation_is_right_on_a_processor_that_lacks_instructions(string without, string arithmetic)
    {
        Skip.IfNot(System.Runtime.Intrinsics.X86.Fma.IsSupported, "only x86 can do without");
        (int code, string output, string errors) = Run(
            "InfMatch.Distill.dll", without, "doctor", "--device", "cpu", "--all", "--out", Path.Combine(_run.Folder, "out"));
        Assert.True(code == 0, output + errors);
        Assert.Contains(arithmetic, output + errors);
        Assert.Contains("checks passed", output + errors);
    }

    // A multiply-add in software gives a tenth of a GFLOP/s at most, vectors of 128 bits some twenty; a machine that others use
    // takes the best of some tries, and much less than it could give.
    [SkippableFact]
    public void A_processor_without_fused_multiply_add_multiplies_in_vectors_and_not_in_software()
    {
        Skip.IfNot(System.Runtime.Intrinsics.X86.Fma.IsSupported, "only x86 can do without");
        const double Enough = 0.5;
        double best = 0;
        for (int round = 0; round < 5 && best < Enough; round++)
        {
            (int code, string output, string errors) = Run(
                "InfMatch.Benchmarks.dll", WithoutAvx2, "convnet", "--device", "cpu", "--threads", "1", "--width", "8", "--batch", "4",
                "--syn", "2", "--sgemm", "256", "--repeat", "5", "--seconds", "0.2", "--json");
            Assert.True(code == 0, output + errors);
            using JsonDocument json = JsonDocument.Parse(output);
            best = Math.Max(best, Number(json.RootElement, "sgemm_256_gflops"));
        }
        Assert.InRange(best, Enough, 1000);
    }

    // Wherever the benchmark keeps it.
    private static double Number(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject()
            .Select(p => p.Name == name && p.Value.ValueKind == JsonValueKind.Number ? p.Value.GetDouble() : Number(p.Value, name))
            .FirstOrDefault(x => x != 0),
        JsonValueKind.Array => element.EnumerateArray().Select(e => Number(e, name)).FirstOrDefault(x => x != 0),
        _ => 0,
    };

    [SkippableFact]
    public void A_run_that_goes_on_without_fused_multiply_add_says_that_bits_may_differ()
    {
        Skip.IfNot(System.Runtime.Intrinsics.X86.Fma.IsSupported, "only x86 can do without");
        string runs = Path.Combine(_run.Folder, "out");
        string[] few =
        [
            "--preset", "demo", "--ipc", "1", "--iterations", "1", "--width", "4", "--depth", "2", "--experts", "1",
            "--expert-epochs", "1", "--expert-steps", "8", "--checkpoints", "4", "--window", "1", "--start-first", "1", "--start-last", "1",
            "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--device", "cpu", "--out", runs,
        ];
        (int code, string output, string errors) = Run("InfMatch.Distill.dll", null, ["distill", .. few]);
        Assert.True(code == 0, output + errors);
        const string Warning = "bits may differ from here on";
        (code, output, errors) = Run("InfMatch.Distill.dll", null, "resume", "--out", runs);
        Assert.True(code == 0, output + errors);
        Assert.DoesNotContain(Warning, output + errors);
        (code, output, errors) = Run("InfMatch.Distill.dll", WithoutAvx2, "resume", "--out", runs);
        Assert.True(code == 0, output + errors);
        Assert.Contains(Warning, output + errors);
    }
}
