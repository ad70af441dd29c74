using ILGPU.Runtime.OpenCL;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>Which device --device auto takes, on machines that are made up.</summary>
public sealed class SpeedEstimateTests
{
    // Peaks in GFLOP/s, by the makers' figures.
    private const double Rtx4090 = 82_600, Gt710 = 366, Radeon7800 = 37_300, Ryzen2Units = 563, Uhd630 = 440;

    private static readonly SpeedEstimate s_desktop = SpeedEstimate.OfProcessor(16, 512, isFused: true);
    private static readonly SpeedEstimate s_laptop = SpeedEstimate.OfProcessor(4, 256, isFused: true);
    private static readonly SpeedEstimate s_old = SpeedEstimate.OfProcessor(2, 128, isFused: false);

    private static GpuDevice Gpu(
        string specification, double? peak, bool isGpu = true, int threads = 1024, bool hasTf32 = false) => new(
        specification, "made up", isGpu)
        {
            MemoryBytes = 8L << 30, SharedBytes = 48 << 10, GroupThreads = threads, Multiprocessors = 32, WarpThreads = 32,
            HasTf32 = hasTf32, Float32Gflops = peak,
        };

    private static string Taken(SpeedEstimate processor, params GpuDevice[] present) =>
        Devices.Best(present, processor)?.Specification ?? "cpu";

    [Fact]
    public void A_processor_is_reckoned_by_cores_lanes_and_multiply_add()
    {
        Assert.Equal(2 * 16 * 3.0 * 16 * 4, s_desktop.Gflops);
        Assert.Equal(2 * 4 * 3.0 * 8 * 4, s_laptop.Gflops);
        Assert.Equal(2 * 2 * 3.0 * 4 * 2, s_old.Gflops);
        Assert.Equal(2 * 1 * 3.0 * 1 * 2, SpeedEstimate.OfProcessor(1, 64, isFused: false).Gflops);
        Assert.Equal("about 6.1 TFLOP/s in convolutions (16 cores, 3.0 GHz taken for each, 16 lanes)", s_desktop.ToString());
        Assert.Equal(
            "about 96 GFLOP/s in convolutions (2 cores, 3.0 GHz taken for each, 4 lanes without fused multiply-add)",
            s_old.ToString());
    }

    [Fact]
    public void No_slow_gpu_is_taken_in_place_of_a_faster_processor()
    {
        Assert.Equal("cpu", Taken(s_desktop, Gpu("opencl:0", Ryzen2Units)));
        Assert.Equal("cpu", Taken(s_laptop, Gpu("opencl:0", Uhd630)));
        Assert.Equal("cpu", Taken(s_laptop, Gpu("cuda:0", Gt710)));
        Assert.Equal("opencl:0", Taken(s_old, Gpu("opencl:0", Uhd630)));
        Assert.Equal("opencl:0", Taken(s_desktop, Gpu("opencl:0", Radeon7800)));
        Assert.Equal("cuda:0", Taken(s_desktop, Gpu("cuda:0", Rtx4090)));
    }

    [Fact]
    public void Of_several_the_fastest_is_taken_and_of_equal_ones_the_first()
    {
        Assert.Equal("cuda:0", Taken(s_laptop, Gpu("opencl:0", Uhd630), Gpu("cuda:0", Rtx4090), Gpu("cuda:1", Rtx4090)));
        Assert.Equal("opencl:1", Taken(s_laptop, Gpu("opencl:0", Uhd630), Gpu("opencl:1", Radeon7800)));
        Assert.Equal("cuda:0", Taken(s_laptop, Gpu("cuda:0", Rtx4090), Gpu("opencl:0", Rtx4090))); // one card, two drivers
        Assert.Equal("cuda:1", Taken(s_laptop, Gpu("cuda:0", Gt710), Gpu("cuda:1", Rtx4090)));
    }

    [Fact]
    public void What_is_unusable_or_unknown_is_left_out_with_the_reason()
    {
        GpuDevice[] all =
        [
            Gpu("opencl:0", Radeon7800, threads: 64), Gpu("opencl:1", Radeon7800, isGpu: false), Gpu("opencl:2", null),
            Gpu("opencl:3", Uhd630), Gpu("opencl:4", 20_000),
        ];
        Assert.Equal("opencl:4", Taken(s_laptop, all));
        Assert.Equal("cpu", Taken(s_laptop, all[..4]));
        Assert.StartsWith("its groups have fewer than 256 threads", Devices.WhyNot(all[0], s_laptop), StringComparison.Ordinal);
        Assert.Equal("not a GPU", Devices.WhyNot(all[1], s_laptop));
        Assert.Equal("its speed is not known", Devices.WhyNot(all[2], s_laptop));
        Assert.Equal(
            "slower than the cpu by estimate, about 110 GFLOP/s in convolutions (32 multiprocessors, a quarter of its peak of " +
            "440 GFLOP/s)", Devices.WhyNot(all[3], s_laptop));
        Assert.StartsWith(
            "not the fastest by estimate, about 5.0 TFLOP/s", Devices.WhyNot(all[4], s_laptop), StringComparison.Ordinal);
    }

    // The cpu has no tensor cores: it is no choice then, however slow the GPU.
    [Fact]
    public void A_precision_that_only_some_devices_have_decides()
    {
        GpuDevice fast = Gpu("cuda:0", Rtx4090), slow = Gpu("cuda:1", 1000, hasTf32: true);
        Assert.Equal("cuda:1", Devices.Best([fast, slow], s_desktop, Precision.Tf32)?.Specification);
        Assert.Null(Devices.Best([fast], s_desktop, Precision.Tf32));
    }

    // Makers' figures in TFLOP/s: RX 6800 XT (36 double units as ROCm counts, 20.7), Vega 64 (12.7), Raphael's graphics (0.56),
    // UHD 630 (0.44), Arc A770 (512 engines, 2.1 GHz, 17.2), RTX 3090 through OpenCL (35.6).
    [Theory]
    [InlineData(CLDeviceVendor.AMD, 36, 2.25, 4, 32, 0, 0, 20.7)]
    [InlineData(CLDeviceVendor.AMD, 64, 1.546, 4, 16, 0, 0, 12.7)]
    [InlineData(CLDeviceVendor.AMD, 64, 1.546, 0, 0, 0, 0, 12.7)]
    [InlineData(CLDeviceVendor.AMD, 1, 2.2, 4, 32, 0, 0, 0.56)]
    [InlineData(CLDeviceVendor.Intel, 24, 1.15, 0, 0, 0, 0, 0.44)]
    [InlineData(CLDeviceVendor.Intel, 512, 2.1, 0, 0, 0, 0, 17.2)]
    [InlineData(CLDeviceVendor.Nvidia, 82, 1.695, 0, 0, 8, 6, 35.6)]
    [InlineData(CLDeviceVendor.Nvidia, 82, 1.695, 0, 0, 0, 0, null)]
    [InlineData(CLDeviceVendor.Other, 16, 1, 0, 0, 0, 0, null)]
    [InlineData(CLDeviceVendor.AMD, 36, 0, 4, 32, 0, 0, null)]
    [InlineData(CLDeviceVendor.AMD, 0, 2.25, 4, 32, 0, 0, null)]
    public void The_peak_of_an_opencl_device_is_the_one_its_maker_states(
        CLDeviceVendor vendor, int units, double gigahertz, int simds, int width, int major, int minor, double? teraflops)
    {
        double? found = GpuDevices.OpenClPeakGflops(vendor, units, gigahertz, attribute => (int)attribute switch
        {
            0x4040 when simds > 0 => simds,
            0x4041 when width > 0 => width,
            0x4000 when major > 0 => major,
            0x4001 when major > 0 => minor,
            _ => null,
        });
        Assert.Equal(teraflops is null, found is null);
        if (teraflops is { } expected)
            Assert.Equal(expected, found!.Value / 1e3, expected / 50);
    }

    [Fact]
    public void Threads_that_share_a_core_count_once()
    {
        string folder = Directory.CreateTempSubdirectory("infmatch-").FullName;
        try
        {
            Assert.Null(ProcessorCores.Find(Path.Combine(folder, "none")));
            Assert.Null(ProcessorCores.Find(folder));
            string[] siblings = ["0,4", "1,5", "2", "3", "0,4", "1,5"];
            for (int i = 0; i < siblings.Length; i++)
            {
                string topology = Path.Combine(folder, $"cpu{i}", "topology");
                Directory.CreateDirectory(topology);
                File.WriteAllText(Path.Combine(topology, "thread_siblings_list"), $"{siblings[i]}\n");
            }
            Directory.CreateDirectory(Path.Combine(folder, "cpufreq"));
            Assert.Equal(4, ProcessorCores.Find(folder));
            Assert.InRange(ProcessorCores.Count, 1, Environment.ProcessorCount);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("OpenCL", "libOpenCL.so.1 /usr/lib/wsl/lib/libOpenCL.so.1")]
    [InlineData("cuda", "libcuda.so.1 /usr/lib/wsl/lib/libcuda.so.1")]
    [InlineData("cublas64_12", "")]
    [InlineData("opencl.dll", "")]
    public void A_driver_is_looked_for_under_the_names_of_its_runtime_package(string imported, string files) =>
        Assert.Equal(files, string.Join(' ', DriverLibraries.FilesOf(imported)));
}
