using System.Text.Json.Nodes;
using InfMatch.Benchmarks;
using InfMatch.Tensors;

namespace InfMatch.Tests.Benchmarks;

/// <summary>What 'device' measures, on the processor and tiny.</summary>
public sealed class DeviceMeasurementsTests
{
    private static readonly ConvNetSizes s_tiny =
        new(Width: 2, Depth: 3, Size: 8, Channels: 3, Classes: 10) { Batch = 2, Syn = 2, Sgemm = 1 };

    [Fact]
    public void Every_kernel_of_a_step_has_a_time_beside_its_floor_and_all_memory_comes_back()
    {
        var cpu = new CpuBackend(1);
        JsonObject found;
        using (TensorScope.Begin())
        {
            found = new DeviceMeasurements(cpu, [s_tiny], new DeviceMeasurementOptions(1e-4, 1, [16])).Run(DeviceMeasurements.Parts);
        }
        Assert.Equal(0, cpu.Memory.InUse);
        Assert.True(found["first"]!["first_step_ms"]!.GetValue<double>() > 0);
        Assert.True(found["ceilings"]!["copy_gb_s"]!.GetValue<double>() > 0);
        Assert.True(found["ceilings"]!["sgemm_16_gflops"]!.GetValue<double>() > 0);
        JsonObject[] rows = [.. found["kernels"]![0]!["rows"]!.AsArray().Select(r => r!.AsObject())];
        Assert.Equal(
            ["conv1", "conv1_dw", "conv1_db", "norm1", "norm1_dx", "norm1_second", "conv2", "conv2_dx", "conv2_dw", "conv2_db", "norm2", "norm2_dx",
             "norm2_second", "conv3", "conv3_dx", "conv3_dw", "conv3_db", "norm3", "norm3_dx", "norm3_second", "cross_entropy", "cross_entropy_d",
             "sgd_step", "dot", "affine", "affine_dx"],
            rows.Select(r => r["name"]!.GetValue<string>()), StringComparer.Ordinal);
        Assert.All(rows, r => Assert.True(r["us"]!.GetValue<double>() > 0, r.ToJsonString()));
        JsonNode step = found["steps"]![0]!;
        Assert.True(step["wall_us"]!.GetValue<double>() > 0);
        Assert.Null(step["device_us"]); // the processor has no clock of its own
        Assert.Null(found["resources"]);
    }

    [Fact]
    public void The_work_of_a_kernel_is_that_of_its_direct_sum_and_its_bytes_those_of_its_tensors()
    {
        using var scope = TensorScope.Begin();
        IReadOnlyList<KernelWork> works = new DeviceKernels(new CpuBackend(1), s_tiny).Works();
        KernelWork conv2 = works.First(w => w.Name == "conv2");
        Assert.Equal(2.0 * (2 * 2 * 4 * 4) * (2 * 3 * 3), conv2.Operations);
        Assert.Equal(4.0 * (2 * 2 * 4 * 4 + 2 * 2 * 3 * 3 + 2 * 2 * 4 * 4), conv2.Bytes);
    }

    [Fact]
    public void Kernels_are_written_as_text_without_a_device()
    {
        (string name, string text) = DeviceCode.ToPtx(s_tiny).First();
        Assert.Contains("<Single", name, StringComparison.Ordinal);
        Assert.Contains(".target sm_75", text, StringComparison.Ordinal);
    }
}
