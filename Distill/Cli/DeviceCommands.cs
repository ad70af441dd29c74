using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What the commands on devices do: 'devices' lists them, 'doctor' checks them.</summary>
internal sealed class DeviceCommands(Terminal terminal)
{
    /// <summary>'devices': the processor and every CUDA and OpenCL device, and which of them auto takes.</summary>
    public void List()
    {
        IReadOnlyList<GpuDevice> present = GpuDevices.List();
        DeviceChoice choice = Devices.Choose(StepTimeFile.OfUser);
        string auto = choice.Best?.Device.Specification ?? "cpu";
        var cpu = new CpuBackend();
        Show(
            "cpu", CpuBackend.ProcessorName, cpu.Memory.Limit, $"{cpu.Threads} threads, {CpuBackend.Arithmetic(cpu.VectorBits)}",
            choice.Processor, auto == "cpu" ? "ready; --device auto takes it" : "ready");
        foreach (GpuDevice device in present)
        {
            ComparedDevice compared = choice.Compared.First(c => c.Device == device);
            Show(
                device.Specification, device.Name, device.MemoryBytes,
                $"{device.Multiprocessors} multiprocessors, {device.GroupThreads} threads a group, {device.SharedBytes / 1024} KiB " +
                $"of shared memory a group, {(device.WarpThreads == 0 ? "warps not told" : $"warps of {device.WarpThreads}")}; " +
                $"{device.Capability}; {device.Driver}{(device.HasFloat64 ? "" : "; no float64: such tensors are refused")}",
                compared.Time,
                device.Refusal is { } refusal ? $"cannot be used: {refusal}"
                : auto == device.Specification ? "ready; --device auto takes it"
                : $"ready; --device auto leaves it out: {choice.Describe(compared)}");
        }
        if (present.Count == 0)
            terminal.Show("No CUDA or OpenCL device answers. Where there is a GPU, install its driver.");
        if (terminal.IsJson)
            terminal.Data.WriteLine(Json(cpu, choice, present).ToJsonString(JsonText.Options));
    }

    /// <summary>'doctor': the machine, and every usable device or the one that is named.</summary>
    /// <exception cref="DistillException">A check failed.</exception>
    public void CheckHealth(RunSettings settings, bool isNamed, bool all)
    {
        terminal.Show(
            $"InfMatch.Native {EnvironmentReport.Version} {EnvironmentReport.Commit}, {RuntimeInformation.FrameworkDescription}, " +
            $"{RuntimeInformation.OSDescription}");
        var found = new List<CheckResult>();
        terminal.Show("system");
        foreach (CheckResult result in SystemHealthCheck.CheckHealth(settings.Out))
            Show(result, found);
        IReadOnlyList<GpuDevice> present = GpuDevices.List();
        string[] devices = isNamed
            ? [settings.Device]
            : ["cpu", .. present.Where(d => d.Refusal is null).Select(d => d.Specification)];
        foreach (GpuDevice refused in present.Where(d => d.Refusal is not null && !isNamed))
            terminal.Show($"{refused.Specification} {refused.Name} is left out: {refused.Refusal}");
        long limit = ByteSize.Limit(settings.MemoryLimit);
        foreach (string device in devices)
        {
            Backend Open() => Devices.Open(device, settings.Threads, limit).Backend;

            // What keeps a device that is named from opening is the error of the command.
            if ((isNamed ? Open() : TryOpen(device, Open, found)) is not { } backend)
                continue;
            using var closing = backend as IDisposable;
            Check(backend, all, found);
            if (present.FirstOrDefault(d => d.Specification == backend.Name) is { HasTf32: true })
            {
                var precisions = new PrecisionHealthCheck(backend, p => new GpuBackend(backend.Name, limit, p));
                foreach (CheckResult result in precisions.CheckHealth())
                    Show(result, found);
            }
        }
        Conclude(found);
    }

    private Backend? TryOpen(string device, Func<Backend> open, List<CheckResult> found)
    {
        Backend? backend = null;
        CheckResult opened = CheckResult.Try(
            device, "opened", "End what else uses the device, or look at its driver.", () =>
            {
                backend = open();
                return (true, "");
            });
        if (!opened.Passed)
            Show(opened, found);
        return backend;
    }

    private void Check(Backend backend, bool all, List<CheckResult> found)
    {
        terminal.Show(backend.Description.StartsWith(backend.Name, StringComparison.Ordinal)
            ? backend.Description
            : $"{backend.Name} {backend.Description}");
        foreach (CheckResult result in new DeviceHealthCheck(backend).CheckHealth(all))
            Show(result, found);
    }

    private void Conclude(List<CheckResult> found)
    {
        int failed = found.Count(f => !f.Passed);
        if (failed == 0)
            terminal.Show($"All {found.Count} checks passed.");
        if (terminal.IsJson)
        {
            terminal.Data.WriteLine(new JsonArray(
            [
                .. found.Select(f => new JsonObject
                {
                    ["subject"] = f.Subject, ["check"] = f.Check, ["passed"] = f.Passed, ["detail"] = f.Detail, ["fix"] = f.Fix,
                }),
            ]).ToJsonString(JsonText.Options));
        }
        if (failed > 0)
        {
            throw new DistillException(
                ExitCode.Device, "IM4002",
                $"{failed} of {found.Count} checks failed; {(terminal.IsJson ? "\"fix\" says" : "the lines marked ✗ say")} what to do.");
        }
    }

    private void Show(CheckResult result, List<CheckResult> found)
    {
        found.Add(result);
        terminal.Mark(result.Passed, result.Line);
    }

    private void Show(
        string specification, string name, long memory, string limits, StepTime? time, string use)
    {
        terminal.Show($"{(use.EndsWith("auto takes it", StringComparison.Ordinal) ? '*' : ' ')} {specification,-9} {name}, {memory >> 20} MiB");
        terminal.Show($"            {limits}");
        if (time is { } step)
        {
            terminal.Show(
                $"            {DeviceChoice.Text(step.Seconds)} for a training step of {TrainingProbe.Images} images, {step.How}");
        }
        terminal.Show($"            {use}");
    }

    private static JsonArray Json(CpuBackend cpu, DeviceChoice choice, IReadOnlyList<GpuDevice> present) => new(
    [
        new JsonObject
        {
            ["device"] = "cpu", ["name"] = CpuBackend.ProcessorName, ["memoryMiB"] = cpu.Memory.Limit >> 20,
            ["threads"] = cpu.Threads, ["vectorBits"] = cpu.VectorBits,
            ["fusedMultiplyAdd"] = CpuBackend.HasFusedMultiplyAdd, ["stepSeconds"] = choice.Processor?.Seconds,
            ["usable"] = true, ["refusal"] = null,
            ["auto"] = choice.Best is null,
        },
        .. present.Select(d => Json(d, choice)),
    ]);

    private static JsonObject Json(GpuDevice d, DeviceChoice choice) => new()
    {
        ["device"] = d.Specification, ["name"] = d.Name, ["memoryMiB"] = d.MemoryBytes >> 20,
        ["multiprocessors"] = d.Multiprocessors, ["groupThreads"] = d.GroupThreads, ["sharedBytes"] = d.SharedBytes,
        ["warpThreads"] = d.WarpThreads, ["capability"] = d.Capability, ["driver"] = d.Driver, ["isGpu"] = d.IsGpu,
        ["tf32"] = d.HasTf32, ["float64"] = d.HasFloat64, ["peakGflops"] = d.Float32Gflops is { } peak ? Math.Round(peak) : null,
        ["stepSeconds"] = choice.Compared.First(c => c.Device == d).Time?.Seconds, ["usable"] = d.Refusal is null,
        ["refusal"] = d.Refusal, ["auto"] = choice.Best?.Device == d,
    };
}
