using ILGPU.Runtime.OpenCL;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>Which device --device auto takes, on machines that are made up.</summary>
public sealed class DeviceChoiceTests
{
    // Milliseconds of a step.
    private const double Desktop = 20, Rtx4090 = 0.8, Gt710 = 90, Radeon7800 = 2, Ryzen2Units = 70;

    private readonly List<string> _measured = [];

    private static GpuDevice Gpu(string specification, bool isGpu = true, int threads = 1024, bool hasTf32 = false) => new(
        specification, "made up", isGpu)
        {
            MemoryBytes = 8L << 30, SharedBytes = 48 << 10, GroupThreads = threads, Multiprocessors = 32, WarpThreads = 32,
            HasTf32 = hasTf32,
        };

    private DeviceChoice Choose(Precision precision, params (GpuDevice Device, double Milliseconds)[] present) => DeviceChoice.Of(
        [.. present.Select(p => p.Device)], "cpu",
        precision == Precision.Float32 ? () => Time("cpu", Desktop) : null, precision,
        device => Time(device.Specification, present.First(p => p.Device == device).Milliseconds));

    private StepTime Time(string device, double milliseconds)
    {
        _measured.Add(device);
        return milliseconds > 0
            ? new StepTime(milliseconds / 1e3, "measured now")
            : throw new DeviceException("The driver is on fire.");
    }

    private string Taken(params (string Specification, double Milliseconds)[] present) => Choose(
        Precision.Float32, [.. present.Select(p => (Gpu(p.Specification), p.Milliseconds))]).Best?.Device.Specification ?? "cpu";

    [Fact]
    public void A_gpu_of_two_units_is_left_out_and_the_line_says_how_much_slower_it_is()
    {
        DeviceChoice choice = Choose(Precision.Float32, (Gpu("opencl:0"), Ryzen2Units));
        Assert.Null(choice.Best);
        Assert.Equal(
            "The cpu was chosen: a training step of 64 images takes 20 ms (measured now); " +
            "opencl:0: 3.5 times as slow as the cpu, 70 ms.", choice.Sentence("there is none"));
        Assert.Equal("cpu", Taken(("cuda:0", Gt710)));
        Assert.Equal("cpu", Taken(("cuda:0", Desktop)));
        Assert.Equal("opencl:0", Taken(("opencl:0", Radeon7800)));
    }

    [Fact]
    public void Of_several_the_fastest_is_taken_and_of_equal_ones_the_first()
    {
        Assert.Equal("cuda:0", Taken(("opencl:0", Ryzen2Units), ("cuda:0", Rtx4090), ("cuda:1", Rtx4090)));
        Assert.Equal("opencl:1", Taken(("opencl:0", Ryzen2Units), ("opencl:1", Radeon7800)));
        Assert.Equal("cuda:1", Taken(("cuda:0", Gt710), ("cuda:1", Rtx4090)));
        Assert.Equal(
            "cuda:0 was chosen: a training step of 64 images takes 0.80 ms, 25 times as fast as on the cpu (20 ms; measured now); " +
            "opencl:0: 10 times as fast as the cpu, 2.0 ms; opencl:2: not a GPU.",
            Choose(
                Precision.Float32, (Gpu("cuda:0"), Rtx4090), (Gpu("opencl:0"), Radeon7800), (Gpu("opencl:2", isGpu: false), 1))
                .Sentence("there is none"));
        Assert.DoesNotContain("opencl:2", _measured);
    }

    [Fact]
    public void Nothing_is_measured_where_there_is_nothing_to_compare()
    {
        Assert.Equal("The cpu was chosen because there is none.", Choose(Precision.Float32).Sentence("there is none"));
        DeviceChoice pocl = Choose(Precision.Float32, (Gpu("opencl:0", isGpu: false), 1));
        Assert.Null(pocl.Best);
        Assert.Equal("The cpu was chosen because no GPU can be used; opencl:0: not a GPU.", pocl.Sentence("there is none"));
        Assert.Null(Choose(Precision.Float32, (Gpu("opencl:0", threads: 64), 1)).Best);
        DeviceChoice alone = Choose(Precision.Tf32, (Gpu("cuda:0", hasTf32: true), 1), (Gpu("cuda:1"), 1));
        Assert.Equal("cuda:0", alone.Best!.Device.Specification);
        Assert.Equal(
            "cuda:0 was chosen, because it alone can; cuda:1: it does not compute in tf32.", alone.Sentence("there is none"));
        Assert.Empty(_measured);
    }

    [Fact]
    public void A_device_that_fails_is_left_out_and_the_line_says_what_it_said()
    {
        DeviceChoice choice = Choose(Precision.Float32, (Gpu("cuda:0"), -1), (Gpu("opencl:0"), Radeon7800));
        Assert.Equal("opencl:0", choice.Best!.Device.Specification);
        Assert.EndsWith(
            "; cuda:0: it failed when its speed was measured: The driver is on fire.", choice.Sentence(""), StringComparison.Ordinal);
        Assert.Equal("cpu", Taken(("cuda:0", -1)));
        Assert.Equal(["cuda:0", "opencl:0", "cpu", "cuda:0"], _measured);
    }

    // The cpu has no tensor cores: it is no choice then, however slow the GPU.
    [Fact]
    public void A_precision_that_only_some_devices_have_decides()
    {
        GpuDevice fast = Gpu("cuda:0"), slow = Gpu("cuda:1", hasTf32: true), slower = Gpu("cuda:2", hasTf32: true);
        DeviceChoice choice = Choose(Precision.Tf32, (fast, Rtx4090), (slow, Ryzen2Units), (slower, Gt710));
        Assert.Equal("cuda:1", choice.Best!.Device.Specification);
        Assert.Equal(
            "cuda:1 was chosen: a training step of 64 images takes 70 ms (measured now); " +
            "cuda:0: it does not compute in tf32; cuda:2: 90 ms for a training step of 64 images.", choice.Sentence(""));
        Assert.Equal(["cuda:1", "cuda:2"], _measured);
        Assert.Null(Choose(Precision.Tf32, (fast, Rtx4090)).Best);
    }

    [Fact]
    public void A_named_device_is_opened_without_a_measurement_and_so_is_auto_where_there_is_no_gpu()
    {
        Assert.Equal("cpu", Devices.Open("cpu", 1, times: new NoTimes()).Backend.Name);
        if (!GpuDevices.List().Any(d => d.IsGpu))
            Assert.Equal("cpu", Devices.Open("auto", 1, times: new NoTimes()).Backend.Name);
    }

    [Fact]
    public void The_probe_takes_a_time_and_gives_all_memory_back()
    {
        var cpu = new CpuBackend(1);
        Assert.InRange(TrainingProbe.Measure(cpu), 1e-6, 60);
        Assert.Equal(0, cpu.Memory.InUse);
    }

    [Theory]
    [InlineData(0.0008, "0.80 ms")]
    [InlineData(0.0352, "35 ms")]
    [InlineData(0.99, "990 ms")]
    [InlineData(1.25, "1.2 s")]
    public void A_time_has_the_unit_that_suits_it(double seconds, string text) => Assert.Equal(text, DeviceChoice.Text(seconds));

    private sealed class NoTimes : StepTimes
    {
        public override StepTime Of(string device, Func<Backend> open) => throw new InvalidOperationException(device);
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

    [Theory]
    [InlineData("OpenCL", "libOpenCL.so.1 /usr/lib/wsl/lib/libOpenCL.so.1")]
    [InlineData("cuda", "libcuda.so.1 /usr/lib/wsl/lib/libcuda.so.1")]
    [InlineData("cublas64_12", "")]
    [InlineData("opencl.dll", "")]
    public void A_driver_is_looked_for_under_the_names_of_its_runtime_package(string imported, string files) =>
        Assert.Equal(files, string.Join(' ', DriverLibraries.FilesOf(imported)));
}
