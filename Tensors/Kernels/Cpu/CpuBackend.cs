using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>
/// All kernels with vector instructions on several threads. Work is cut by shape alone, never by the number of
/// threads, and every sum has one order: the same call gives the same bits with any number of threads. Another vector
/// width may round differently.
/// </summary>
/// <example>
/// <code>
/// var backend = new CpuBackend(threads: 2, memoryLimit: 1L &lt;&lt; 30);
/// Tensor x = Tensor.From&lt;float&gt;(backend, [1, 2, 3, 4], new Shape(2, 2));
/// Console.WriteLine(x.Times(10));
/// Console.WriteLine(backend.Memory.PeakInUse);
/// </code>
/// </example>
public sealed class CpuBackend : HostBackend
{
    private readonly WorkerPool _pool;
    private readonly CpuKernels<float> _float;
    private readonly CpuKernels<double> _double;

    /// <summary>A backend on the processor.</summary>
    /// <param name="threads">Threads to compute on; 0 for one per processor.</param>
    /// <param name="memoryLimit">Bytes of host memory that tensors may take.</param>
    /// <param name="vectorBits">128, 256 or 512; 64 for single numbers; 0 for the widest that the processor runs well. A
    /// width that the processor lacks is emulated: slow, with the same results.</param>
    /// <exception cref="DeviceException">The number of threads or the width is not one of these.</exception>
    public CpuBackend(int threads = 0, long memoryLimit = long.MaxValue, int vectorBits = 0)
        : base("cpu", memoryLimit)
    {
        if (threads < 0)
        {
            throw new DeviceException(
                $"cpu: {threads} threads were asked for. Give 1 or more, or 0 for all processors.");
        }
        if (vectorBits is not (0 or 64 or 128 or 256 or 512))
        {
            throw new DeviceException(
                $"cpu: vectors of {vectorBits} bits do not exist. Give 128, 256, 512, 64 for single numbers, or 0 for the " +
                "best.");
        }
        VectorBits = vectorBits != 0 ? vectorBits : BestVectorBits;
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        _pool = new WorkerPool(Threads);
        _float = VectorKernels.OfWidth<float>(VectorBits, this, _pool);
        _double = VectorKernels.OfWidth<double>(VectorBits, this, _pool);
    }

    /// <summary>The number of threads that compute, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>The width of the vectors in use, in bits; 64 for single numbers.</summary>
    public int VectorBits { get; }

    /// <summary>The widest vectors that the processor runs well, in bits; 64 where .NET uses none.</summary>
    public static int BestVectorBits =>
        Vector512.IsHardwareAccelerated ? 512
        : Vector256.IsHardwareAccelerated ? 256
        : Vector128.IsHardwareAccelerated ? 128
        : 64;

    /// <summary>Whether the processor has fused multiply-add, as every x86 with AVX2 and every 64-bit Arm; without it products
    /// are rounded before they are added, and the bits are others.</summary>
    public static bool HasFusedMultiplyAdd => FusedArithmetic.IsInHardware;

    /// <summary>Vectors and arithmetic in words: what decides the bits of a processor.</summary>
    public static string Arithmetic(int vectorBits) =>
        (vectorBits == 64 ? "single numbers" : $"{vectorBits}-bit vectors")
        + (HasFusedMultiplyAdd ? "" : " without fused multiply-add");

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override string Description =>
        $"{ProcessorName}, {Arithmetic(VectorBits)}, {Threads} {(Threads == 1 ? "thread" : "threads")}";

    // Each piece holds its own activations: with more threads than these, share the kernels instead.
    private const int MostInParallel = 4;

    /// <inheritdoc/>
    public override int DegreeOfParallelism => Threads <= MostInParallel ? Threads : 1;

    /// <inheritdoc/>
    public override long NumbersInCache => 1 << 20;

    /// <inheritdoc/>
    public override bool CanCapture => true;

    // A chunk of the pool's own: kernels that it calls find the pool taken and run on its thread.
    /// <inheritdoc/>
    public override void RunInParallel(int count, Action<int> work)
    {
        CapturedGraph.Refuse("Parallel work");
        bool isFull = FullPrecision.IsRequired;
        _pool.RunInOrder(count, i =>
        {
            using IDisposable detached = TensorScope.BeginDetached();
            using IDisposable? full = isFull ? FullPrecision.Require() : null;
            work(i);
        });
    }

    private protected override HostKernels<float> Float32Kernels => _float;

    private protected override HostKernels<double> Float64Kernels => _double;

    internal override WorkingMemory NewWorkingMemory() => new Scratch { KeepsOutgrown = true };

    internal override WorkingMemory? UseWorkingMemory(WorkingMemory? next) => Scratch.OfThread((Scratch?)next);

    /// <inheritdoc/>
    protected override void RunOnce(Action work) => WorkerPool.RunOnce(work);

    /// <summary>Whether convolutions are direct sums, also where Winograd's form is faster; for comparisons.</summary>
    internal bool HasDirectConvolutions
    {
        get => _float.IsDirect;
        init => _float.IsDirect = _double.IsDirect = value;
    }

    /// <summary>The model of the processor as the system names it; its architecture where the system does not.</summary>
    public static string ProcessorName { get; } = FindProcessorName();

    private static string FindProcessorName()
    {
        const string Linux = "/proc/cpuinfo";
        string? line = File.Exists(Linux)
            ? File.ReadLines(Linux).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER")
            ?? $"{RuntimeInformation.ProcessArchitecture} processor";
    }
}
