using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace InfMatch.Tensors;

/// <summary>
/// All kernels on a CUDA or OpenCL device by ILGPU. Kernels are queued on one stream in order, which is not CUDA's
/// default stream; only <see cref="Download{T}"/> waits, and what runs in parallel has streams of its own. Every sum has an
/// order that follows from the shape, so that the same call on the same device gives the same bits.
/// </summary>
public sealed partial class GpuBackend : Backend, IDisposable
{
    /// <summary>The name of ILGPU's simulator, which runs kernels on the processor, slowly, for tests.</summary>
    public const string Simulator = "simulator";

    internal const int Threads = ReductionKernels.MostThreads;

    private readonly Accelerator _accelerator;
    private readonly GpuStreams _streams;
    private readonly GpuMemory _memory;
    private readonly GpuLauncher _launcher;
    private readonly GpuStaging _staging;
    private readonly bool _isDryRun, _hasFloat64;
    private readonly string _model;

    /// <summary>Opens the device that <see cref="GpuDevices.List"/> names so, or <see cref="Simulator"/>.</summary>
    /// <param name="specification">Such as cuda:0.</param>
    /// <param name="memoryLimit">Bytes that tensors may take; the device's own memory bounds it too.</param>
    /// <param name="precision">What its products of float32 tensors are computed in.</param>
    /// <param name="lanes">How many pieces of work run at a time, four at most; 1 for one after the other, 0 for what suits the
    /// device: see <see cref="DegreeOfParallelism"/>.</param>
    /// <exception cref="DeviceException">The device is absent, cannot run the kernels, lacks what the precision takes, or
    /// its driver fails.</exception>
    public GpuBackend(
        string specification, long memoryLimit = long.MaxValue, Precision precision = Precision.Float32, int lanes = 0)
        : this(specification, memoryLimit, isDryRun: false, precision, lanes: lanes)
    {
    }

    /// <summary>Opens a device as the public constructor does. A dry run only records which kernels are asked for: it
    /// runs none, and all numbers read from it are 1. For tests a device can be taken for one without float64.</summary>
    internal GpuBackend(
        string specification, long memoryLimit, bool isDryRun, Precision precision = Precision.Float32,
        bool usesFloat64 = true, int lanes = 0)
    {
        (Name, Precision, _isDryRun) = (specification, precision, isDryRun);
        try
        {
            Device device = specification == Simulator
                ? GpuDevices.Context.Devices.OfType<CPUDevice>().First()
                : GpuDevices.Named().FirstOrDefault(d => d.Specification == specification).Device
                    ?? throw new DeviceException($"The device {specification} is not there. See the command 'devices'.");
            if (precision != Precision.Float32 && !isDryRun && !GpuDevices.HasTf32(device))
                throw Precisions.NotOn($"{specification} ({device.Name.Trim()})", precision);
            _accelerator = device.CreateAccelerator(GpuDevices.Context);
            (_model, _hasFloat64) = (device.Name.Trim(), usesFloat64 && GpuDevices.HasFloat64(device));
            Description = $"{specification} {device.Name.Trim()}" +
                (precision == Precision.Float32 ? "" : $", large products in {Precisions.NameOf(precision)}");
            _streams = new GpuStreams(_accelerator);
            long limit = specification == Simulator ? memoryLimit : Math.Min(memoryLimit, device.MemorySize);
            _memory = new GpuMemory(specification, _accelerator, _streams, limit);
            _lanes = isDryRun ? 1 : LanesFor(_accelerator is CudaAccelerator, lanes, limit);
            _pieces = _lanes > 1 ? new WorkerPool(_lanes) : null;
        }
        catch (Exception e) when (e is AcceleratorException or NotSupportedException or CapabilityNotSupportedException)
        {
            _accelerator?.Dispose();
            throw new DeviceException($"The device {specification} cannot be opened: {e.Message}", e);
        }
        HasWarps = _accelerator is not CLAccelerator && _accelerator.WarpSize == 32;
        _launcher = new GpuLauncher(specification, _accelerator, _streams, isDryRun);
        _staging = new GpuStaging(specification, _streams);
        _float32 = new GpuKernels<float, Float32Numbers, Float32Pair>(this, _launcher, _memory, _staging);
        _float64 = new GpuKernels<double, Float64Numbers, PlainFloat64>(this, _launcher, _memory, _staging);
        _moves32 = new GpuMoves<float, int>(this, _launcher, value => BitConverter.SingleToInt32Bits((float)value));
        _moves64 = new GpuMoves<double, long>(this, _launcher, BitConverter.DoubleToInt64Bits);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override string Description { get; }

    /// <inheritdoc/>
    public override Precision Precision { get; }

    /// <inheritdoc/>
    public override MemoryReport Memory => _memory.Report;

    /// <inheritdoc/>
    public override void WatchPeak() => _memory.WatchPeak();

    /// <summary>Which kernel multiplies; for tests of each on shapes that would get the other.</summary>
    internal ProductTiling Tiling { get; set; }

    /// <summary>Whether its threads lie in warps of 32 that exchange numbers: on CUDA devices and in the simulator. For tests
    /// of kernels for devices without them.</summary>
    internal bool HasWarps { get; set; }

    /// <summary>The number of kernels queued so far: what a step of small tensors is bound by.</summary>
    public long Launches => _launcher.Launches;

    /// <summary>What was copied between host and device so far: each download waits for all kernels before it.</summary>
    public TransferReport Transfers => _staging.Transfers;

    /// <summary>Every kernel that was asked for so far, with its type arguments.</summary>
    internal IReadOnlyCollection<MethodInfo> Kernels => _launcher.Kernels;

    /// <summary>The number of times that memory was asked for so far.</summary>
    public long MemoryRequests => _memory.Requests;

    /// <summary>Refuses the memory request of this number as if the device were full; 0 for none. For tests of what an
    /// error in the middle of a step leaves behind.</summary>
    public long RefusedMemoryRequest
    {
        get => _memory.RefusedRequest;
        set => _memory.RefusedRequest = value;
    }

    /// <inheritdoc/>
    protected override Storage Allocate(DType dtype, int length) => new GpuStorage(this, _memory, dtype, length);

    internal override long BytesTaken(DType dtype, int length) => GpuMemory.SizeClass((long)length * dtype.Size());

    /// <inheritdoc/>
    public override void Upload<T>(ReadOnlySpan<T> source, Tensor y)
    {
        CapturedGraph.Refuse("A copy from the host");
        _staging.Upload(source, View<T>(y));
        GC.KeepAlive(y);
    }

    /// <inheritdoc/>
    public override void Download<T>(Tensor x, Span<T> destination)
    {
        CapturedGraph.Refuse("A copy to the host");
        if (x.Count > 0)
            _staging.Download(View<T>(x), destination);
        if (_isDryRun)
            FillWithOnes(destination);
        GC.KeepAlive(x);
    }

    /// <inheritdoc/>
    public override T[][] DownloadAll<T>(IReadOnlyList<Tensor> tensors)
    {
        CapturedGraph.Refuse("A copy to the host");
        T[][] all = _staging.DownloadAll([.. tensors.Select(View<T>)]);
        foreach (T[] values in all)
        {
            if (_isDryRun)
                FillWithOnes(values.AsSpan());
        }
        GC.KeepAlive(tensors);
        return all;
    }

    private static void FillWithOnes<T>(Span<T> destination) where T : unmanaged
    {
        if (typeof(T) == typeof(float))
            MemoryMarshal.Cast<T, float>(destination).Fill(1);
        else
            MemoryMarshal.Cast<T, double>(destination).Fill(1);
    }

    /// <summary>Waits for all kernels and gives all memory of the device back; no tensor of it can be used again.</summary>
    public void Dispose()
    {
        try
        {
            _accelerator.Synchronize();
            _accelerator.Dispose();
        }
        catch (AcceleratorException)
        {
            // A device that failed says so again at every call. Who waited for its numbers was told; what else is under
            // way, such as the checks of other devices, goes on.
        }
    }

    internal ArrayView<T> View<T>(Tensor tensor) where T : unmanaged
    {
        if (!ReferenceEquals(tensor.Backend, this))
            throw new DeviceException($"A tensor of {tensor.Backend.Name} was given to {Name}. Copy it there first.");
        if (tensor.DType != DTypes.Of<T>())
            throw new DTypeException($"A {tensor.DType} tensor {tensor.Shape} meets {DTypes.Of<T>()} ones. Convert one side.");
        CapturedGraph.Uses(tensor.Storage);
        return ((GpuStorage)tensor.Storage).View<T>(tensor.Offset, tensor.Count);
    }

    internal static int Groups(int count) => (int)(((long)count + Threads - 1) / Threads);
}

/// <summary>Copies between host and device.</summary>
/// <param name="Uploads">Copies to the device.</param>
/// <param name="UploadedBytes">Their bytes.</param>
/// <param name="Downloads">Copies to the host.</param>
/// <param name="DownloadedBytes">Their bytes.</param>
/// <param name="Waits">The times that the host waited for all that was queued: every download, and many bytes on their
/// way up.</param>
public readonly record struct TransferReport(
    long Uploads, long UploadedBytes, long Downloads, long DownloadedBytes, long Waits)
{
    /// <summary>The copies of both.</summary>
    public static TransferReport operator +(TransferReport a, TransferReport b) => new(
        a.Uploads + b.Uploads, a.UploadedBytes + b.UploadedBytes, a.Downloads + b.Downloads,
        a.DownloadedBytes + b.DownloadedBytes, a.Waits + b.Waits);

    /// <summary>What was copied between two reports.</summary>
    public static TransferReport operator -(TransferReport later, TransferReport earlier) => new(
        later.Uploads - earlier.Uploads, later.UploadedBytes - earlier.UploadedBytes,
        later.Downloads - earlier.Downloads, later.DownloadedBytes - earlier.DownloadedBytes, later.Waits - earlier.Waits);
}
