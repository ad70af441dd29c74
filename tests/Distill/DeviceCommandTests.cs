using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tests.Tensors;

namespace InfMatch.Tests.Distill;

public sealed class DeviceCommandTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Devices_lists_the_processor_and_every_device_and_marks_the_one_of_auto()
    {
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "devices", "--json"));
        using JsonDocument json = JsonDocument.Parse(_run.Output);
        JsonElement[] devices = [.. json.RootElement.EnumerateArray()];
        Assert.Equal(
            ["cpu", .. GpuDevices.List().Select(d => d.Specification)],
            devices.Select(d => d.GetProperty("device").GetString()!), StringComparer.Ordinal);
        Assert.Single(devices, d => d.GetProperty("auto").GetBoolean());
        Assert.All(devices, d => Assert.InRange(d.GetProperty("memoryMiB").GetInt64(), 1, 1L << 24));
        Assert.Empty(_run.Errors);
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "devices"));
        Assert.All(devices, d => Assert.Contains(
            $"{d.GetProperty("device").GetString()} ", _run.Output, StringComparison.Ordinal));
        Assert.Contains("--device auto takes it", _run.Output);
        // Where there is a GPU to compare it with.
        Assert.Equal(
            GpuDevices.List().Any(d => d.IsGpu && d.Refusal is null),
            devices[0].GetProperty("stepSeconds").ValueKind == JsonValueKind.Number);
        Assert.DoesNotContain("simulator", _run.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_run.Errors);
    }

    [Fact]
    public void Doctor_passes_where_all_is_well_and_leaves_nothing_behind()
    {
        Assert.Equal(0, _run.Run("doctor", "--device", "cpu", "--json"));
        using JsonDocument json = JsonDocument.Parse(_run.Output);
        int checks = json.RootElement.GetArrayLength();
        Assert.Equal(15, checks);
        Assert.All(json.RootElement.EnumerateArray(), f => Assert.True(f.GetProperty("passed").GetBoolean()));
        Assert.Empty(_run.Errors);
        Assert.Equal(0, _run.Run("doctor", "--device", "cpu"));
        Assert.Equal(checks, _run.Output.Split('\n').Count(line => line.StartsWith("  ✓ ", StringComparison.Ordinal)));
        Assert.Contains($"All {checks} checks passed.", _run.Output);
        Assert.DoesNotContain('\u001b', _run.Output);
        Assert.Empty(_run.Errors);
        Assert.False(Directory.Exists(_run.Runs));
    }

    [Fact]
    public void Doctor_checks_every_operation_when_asked()
    {
        Assert.Equal(0, _run.Run("doctor", "--device", "cpu", "--all"));
        foreach (string op in (string[])["Conv2dWeightGradient", "NormReluPool", "AffineSample", "ScatterRows"])
            Assert.Contains($"  ✓ {op}, ", _run.Output);
    }

    [Fact]
    public void Doctor_ends_with_the_exit_code_of_a_device_where_a_check_fails()
    {
        string file = Path.Combine(_run.Folder, "file");
        File.WriteAllText(file, "");
        int code = _run.RunAsGiven(
            Interruption.Silent(), "doctor", "--device", "cpu", "--out", Path.Combine(file, "runs"));
        Assert.Equal((int)ExitCode.Device, code);
        Assert.Single(_run.Output.Split('\n'), line => line.StartsWith("  ✗ folder ", StringComparison.Ordinal));
        Assert.Contains("Choose a writable folder with --out.", _run.Output);
        Assert.Contains("doctor: 1 of 15 checks failed", _run.Errors);
    }

    [Fact]
    public void A_device_that_has_no_memory_for_a_check_is_told_with_the_numbers_and_the_next_check_runs()
    {
        var cpu = new CpuBackend(1);
        cpu.RefusedMemoryRequest = cpu.MemoryRequests + 1;
        CheckResult[] results = [.. new DeviceHealthCheck(cpu).CheckHealth(all: false)];
        CheckResult failed = Assert.Single(results, f => !f.Passed);
        Assert.Equal(results[0], failed);
        Assert.Contains("bytes) more were asked for", failed.Detail);
        Assert.Contains("--memory-limit", failed.Fix);
    }

    [Fact]
    public void A_device_without_float64_is_told_so_in_one_line()
    {
        using var device = new GpuBackend(
            GpuBackend.Simulator, long.MaxValue, isDryRun: true, Precision.Float32, usesFloat64: false);
        CheckResult[] results = [.. new DeviceHealthCheck(device).CheckHealth(all: false)];
        CheckResult told = Assert.Single(results, r => r.Check.Contains("float64", StringComparison.Ordinal));
        Assert.True(told.Passed);
        Assert.StartsWith("float64: the device has none; it computes float32 tensors without it", told.Line, StringComparison.Ordinal);
        Assert.Contains(results, r => r.Check == "matrix product, float32");
    }

    [SkippableTheory]
    [InlineData("cuda:0")]
    [InlineData("opencl:0")]
    public void Doctor_passes_a_device_that_is_taken_for_one_without_float64(string name)
    {
        TestDevice.SkipWithout(name);
        using var device = new GpuBackend(name, long.MaxValue, isDryRun: false, Precision.Float32, usesFloat64: false);
        CheckResult[] results = [.. new DeviceHealthCheck(device).CheckHealth(all: false)];
        Assert.True(results.Length > 6);
        Assert.All(results, result => Assert.True(result.Passed, result.Line));
    }

    [Theory]
    [InlineData("512", false)]
    [InlineData("-1GiB", false)]
    [InlineData("4GB", true)]
    [InlineData("10MB", true)]
    [InlineData("3KB", false)]
    [InlineData("3KiB", false)]
    [InlineData("1e30GiB", false)]
    [InlineData("99999999999GiB", false)]
    [InlineData("512MiB", true)]
    [InlineData("1.5 gib", true)]
    public void A_memory_limit_is_a_size_with_a_unit(string text, bool isFine)
    {
        int code = _run.Run("doctor", "--device", "cpu", "--memory-limit", text);
        Assert.Equal(isFine ? 0 : (int)ExitCode.Usage, code);
        if (!isFine)
            Assert.Contains($"--memory-limit is \"{text}\"; expected a size such as 512MiB", _run.Errors);
    }

    [Theory]
    [InlineData("512", "512MiB")]
    [InlineData("2g", "2GiB")]
    [InlineData("4096 k", "4096KiB")]
    public void A_memory_limit_that_is_written_otherwise_is_told_how(string text, string meant)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run("doctor", "--device", "cpu", "--memory-limit", text));
        Assert.Contains($"did you mean {meant}?", _run.Errors);
    }

    [Theory]
    [InlineData("gpu", "did you mean cuda or opencl")]
    [InlineData("GPU", "did you mean cuda or opencl")]
    [InlineData("CUDA:1", "did you mean cuda:1?")]
    [InlineData("nvidia", "did you mean cuda?")]
    [InlineData("rocm:0", "did you mean opencl:0?")]
    [InlineData("opencel", "did you mean opencl?")]
    [InlineData("Cpu", "did you mean cpu?")]
    [InlineData("cpu:0", "did you mean cpu?")]
    [InlineData("cuda:x", "did you mean cuda?")]
    [InlineData("cuda:-1", "a GPU by its number as cuda:1")]
    [InlineData("", "expected one of auto")]
    [InlineData("toaster", "expected one of auto")]
    public void A_device_that_is_written_otherwise_is_told_how(string text, string part)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run("doctor", "--device", text));
        Assert.Contains(part, _run.Errors);
    }

    [Fact]
    public void More_threads_than_processors_are_noted()
    {
        int many = Environment.ProcessorCount + 1;
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--device", "cpu", "--threads", $"{many}")));
        Assert.Contains($"--threads is {many}, but this machine has {Environment.ProcessorCount} processors", _run.Errors);
    }

    [Fact]
    public void A_run_that_cannot_fit_the_limit_is_refused_before_any_work()
    {
        string[] args = CommandRun.SmallRun("--device", "cpu", "--memory-limit", "1MiB");
        args[Array.IndexOf(args, "--width") + 1] = "64";
        Assert.Equal((int)ExitCode.Memory, _run.Run(args));
        Assert.Contains("of the memory of cpu, 1.0 MiB can be had", _run.Errors);
        Assert.DoesNotContain("Experts", _run.Errors);
    }

    [Theory]
    [InlineData("tf32")]
    [InlineData("3xtf32")]
    public void A_precision_that_the_device_lacks_ends_a_run_before_any_work(string precision)
    {
        Assert.Equal(
            (int)ExitCode.Device, _run.Run(CommandRun.SmallRun("--device", "cpu", "--precision", precision)));
        Assert.Contains($"The precision {precision} was asked for on cpu", _run.Errors);
        Assert.Contains("Use --precision float32", _run.Errors);
        Assert.DoesNotContain("Experts", _run.Errors);
    }

    // The cpu stands for a device that takes float32 in silence: of the ten lines those of plain tf32 find that.
    [Fact]
    public void Doctor_finds_a_device_that_computes_in_float32_where_tf32_was_asked_for()
    {
        var cpu = new CpuBackend(1);
        CheckResult[] results = [.. new PrecisionHealthCheck(cpu, _ => cpu).CheckHealth()];
        Assert.Equal(10, results.Length);
        Assert.All(results, f => Assert.Equal(!f.Check.EndsWith(", tf32", StringComparison.Ordinal), f.Passed));
        Assert.Equal(4, results.Count(f => !f.Passed && f.Fix!.Contains("float32 is safe", StringComparison.Ordinal)));
        Assert.Contains(results, f => f.Check == "matrix product, tf32 inside a difference");
    }

    // Runs from before there was a choice keep their hash, and what is not float32 gets another.
    [Fact]
    public void The_precision_decides_the_numbers_of_a_run_and_float32_is_the_one_without_a_name()
    {
        Setting setting = Settings.All.Single(s => s.Name == "--precision");
        RunSettings before = Presets.Demo;
        Assert.Equal("float32", setting.Show(before));
        Assert.Equal(ConfigFile.Hash(before), ConfigFile.Hash(setting.Set(before, "float32")));
        Assert.NotEqual(
            ConfigFile.Hash(before), ConfigFile.Hash(setting.Set(before, "tf32")), StringComparer.Ordinal);
    }

    [Fact]
    public void A_run_tells_its_peak_and_keeps_its_limit()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--device", "cpu", "--memory-limit", "64MiB")));
        Summary summary = Summary.Read(Path.Combine(_run.RunPath, "summary.json"));
        Assert.InRange(summary.PeakMemoryBytes, 1 << 16, 64 << 20);
        Assert.Contains($"memory {ByteSize.Text(summary.PeakMemoryBytes)} at most", _run.Output);
        Assert.Equal("64MiB", ConfigFile.Read(Path.Combine(_run.RunPath, "config.json")).Resolved.Settings.MemoryLimit);
    }

    [Fact]
    public void Missing_memory_names_the_options_to_lower()
    {
        var error = new DeviceMemoryException(
            "cuda:0", new MemoryShortage(3 << 20, 5 << 20, 1 << 20, 2 << 20, 8 << 20));
        Assert.Equal(ExitCode.Memory, Failure.CodeOf(error));
        string line = Failure.Describe("distill", error, verbose: false);
        foreach (string part in (string[])
            ["cuda:0: 3.0 MiB (3145728 bytes) more", "5.0 MiB are in use", "1.0 MiB are cached", "2.0 MiB are free",
                "a limit of 8.0 MiB", "--real-batch", "--width", "--ipc", "--memory-limit", "[IM5003]"])
            Assert.Contains(part, line);
    }
}
