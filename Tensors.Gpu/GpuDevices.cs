using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace InfMatch.Tensors;

/// <summary>A device that --device can name, as its driver describes it.</summary>
/// <param name="Specification">The text for --device, such as cuda:0.</param>
/// <param name="Name">Its model.</param>
/// <param name="IsGpu">Whether it is a graphics processor; an OpenCL driver may also serve the processor.</param>
public sealed record GpuDevice(string Specification, string Name, bool IsGpu)
    : PresentDevice(Specification, Name, IsGpu)
{
    /// <summary>Its memory.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Shared memory of a thread group.</summary>
    public long SharedBytes { get; init; }

    /// <summary>Threads of a group at most.</summary>
    public int GroupThreads { get; init; }

    /// <summary>Units that run groups.</summary>
    public int Multiprocessors { get; init; }

    /// <summary>Threads that run in step; 0 where the driver does not tell.</summary>
    public int WarpThreads { get; init; }

    /// <summary>What its kernels are compiled for: the architecture of CUDA, the language of OpenCL.</summary>
    public string Capability { get; init; } = "";

    /// <summary>The driver with its version.</summary>
    public string Driver { get; init; } = "";

    /// <summary>Whether it computes in float64, which only float64 tensors need.</summary>
    public bool HasFloat64 { get; init; }

    /// <summary>Whether it has the tensor cores of <see cref="Precision.Tf32"/>.</summary>
    public bool HasTf32 { get; init; }

    /// <summary>What it does in float32 at most, in GFLOP/s; null where that is not known.</summary>
    public double? Float32Gflops { get; init; }

    /// <inheritdoc/>
    public override string Identity =>
        $"{Specification}, {Name}, {Multiprocessors} multiprocessors, {Capability}, {Driver}";

    /// <inheritdoc/>
    public override bool Has(Precision precision) => precision == Precision.Float32 || HasTf32;

    /// <inheritdoc/>
    public override string? Refusal =>
        GroupThreads < ReductionKernels.MostThreads ? $"its groups have fewer than {ReductionKernels.MostThreads} threads"
        : SharedBytes < NeededSharedBytes ? $"its groups have less than {NeededSharedBytes} bytes of shared memory"
        : null;

    // The wide kernel's tiles, a little more than the narrow one's in float64.
    private const long NeededSharedBytes = WideProductKernels.SharedBytes;
}

/// <summary>The CUDA and OpenCL devices of this machine.</summary>
public static class GpuDevices
{
    /// <summary>All of them, CUDA first, in their drivers' order; none where there is no driver.</summary>
    public static IReadOnlyList<GpuDevice> List() =>
        [.. Named().Select(pair => Describe(pair.Specification, pair.Device))];

    // One for the process, and never disposed of: on WSL each further builder.Cuda() would set ILGPU's resolver of
    // libraries again, which .NET allows once.
    internal static Context Context => s_context.Value;

    private static readonly Lazy<Context> s_context = new(CreateContext);

    private static Context CreateContext()
    {
        DriverLibraries.Resolve();
        return Context.Create(builder =>
        {
            // The CPU device simulates 256 lanes: one group of our kernels. It is for tests and never listed.
            builder.CPU(new CPUDevice(32, ReductionKernels.MostThreads / 32, 1)).Optimize(OptimizationLevel.O2)
                .Math(MathMode.Default);
            builder.Cuda();
            builder.OpenCL();
            DeviceIntrinsics.Register(builder);
        });
    }

    internal static IEnumerable<(string Specification, Device Device)> Named()
    {
        CudaDevice[] cuda = [.. Context.Devices.OfType<CudaDevice>()];
        CLDevice[] openCl = [.. Context.Devices.OfType<CLDevice>()];
        return cuda.Select((d, i) => ($"cuda:{i}", (Device)d)).Concat(openCl.Select((d, i) => ($"opencl:{i}", (Device)d)));
    }

    private static GpuDevice Describe(string specification, Device device) => new(
        specification, device.Name.Trim(),
        device is not CLDevice cl || cl.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU))
    {
        MemoryBytes = device.MemorySize,
        SharedBytes = device.MaxSharedMemoryPerGroup,
        GroupThreads = device.MaxNumThreadsPerGroup,
        Multiprocessors = device.NumMultiprocessors,
        WarpThreads = device.WarpSize,
        Capability = CapabilityOf(device),
        Driver = DriverOf(device),
        HasFloat64 = HasFloat64(device),
        HasTf32 = HasTf32(device),
        Float32Gflops = PeakOf(device),
    };

    // ClockRate is in kHz for CUDA and in MHz for OpenCL.
    private static double? PeakOf(Device device) => device switch
    {
        CudaDevice { Architecture: { } a } cuda => Float32PeakGflops(a.Major, a.Minor, cuda.NumMultiprocessors, cuda.ClockRate / 1e6),
        CLDevice cl when cl.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU) =>
            OpenClPeakGflops(cl.Vendor, cl.NumMultiprocessors, cl.ClockRate / 1e3, attribute => NumberOf(cl, attribute)),
        _ => null,
    };

    // What only some drivers are asked; null where this one does not know it.
    private static int? NumberOf(CLDevice device, CLDeviceInfoType attribute) =>
        device.GetDeviceInfo(attribute, out int value) == CLError.CL_SUCCESS && value > 0 ? value : null;

    // OpenCL counts compute units but not what is in them. cl_amd_device_attribute_query tells AMD's SIMD units and their
    // lanes; where it does not answer, 64 lanes are in a unit. cl_nv_device_attribute_query tells the compute capability.
    // A compute unit of Intel is a vector engine of 8 lanes (16 from Xe2 on, which no query tells). What other makers count
    // is not known, and no number is made up for them.
    internal static double? OpenClPeakGflops(
        CLDeviceVendor vendor, int units, double gigahertz, Func<CLDeviceInfoType, int?> attribute)
    {
        if (units <= 0 || gigahertz <= 0)
            return null;
        const CLDeviceInfoType SimdsOfUnit = (CLDeviceInfoType)0x4040, SimdWidth = (CLDeviceInfoType)0x4041;
        return vendor switch
        {
            CLDeviceVendor.Nvidia =>
                attribute(CLDeviceInfoType.CL_DEVICE_COMPUTE_CAPABILITY_MAJOR_NV) is { } major
                    ? Float32PeakGflops(
                        major, attribute(CLDeviceInfoType.CL_DEVICE_COMPUTE_CAPABILITY_MINOR_NV) ?? 0, units, gigahertz)
                    : null,
            CLDeviceVendor.AMD => 2.0 * units * gigahertz
                * (attribute(SimdsOfUnit) is { } simds && attribute(SimdWidth) is { } width ? simds * width : 64),
            CLDeviceVendor.Intel => 2.0 * units * gigahertz * 8,
            _ => null,
        };
    }

    // A multiply-add a cycle in each of a multiprocessor's lanes: 64 of them in compute capability 6.0, 7.x and 8.0, 128
    // in 5.x, 6.1 and from 8.6 on (CUDA C++ Programming Guide, "Arithmetic Instructions").
    internal static double Float32PeakGflops(int major, int minor, int multiprocessors, double gigahertz) =>
        2.0 * multiprocessors * gigahertz * ((major, minor) is (6, 0) or (7, _) or (8, 0) ? 64 : 128);

    internal static bool HasFloat64(Device device) =>
        device is not CLDevice || ((CLCapabilityContext)device.Capabilities).Float64;

    // mma of TF32 came with sm_80; every driver that knows the device knows the instruction.
    internal static bool HasTf32(Device device) =>
        device is CudaDevice { Architecture: { } architecture } && architecture >= CudaArchitecture.SM_80;

    private static string CapabilityOf(Device device) => device switch
    {
        CudaDevice cuda => cuda.Architecture?.ToString() ?? "an architecture unknown to ILGPU",
        CLDevice cl => $"OpenCL C {cl.CVersion.Major}.{cl.CVersion.Minor}",
        _ => "",
    };

    private static string DriverOf(Device device) => device switch
    {
        CudaDevice cuda => $"CUDA driver {cuda.DriverVersion.Major}.{cuda.DriverVersion.Minor}",
        CLDevice cl => $"{cl.PlatformName}, {cl.DeviceVersion}".Replace("\0", "", StringComparison.Ordinal).Trim(),
        _ => "",
    };
}
