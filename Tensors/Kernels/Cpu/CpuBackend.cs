using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace InfMatch.Tensors;

/// <summary>
/// All kernels with vector instructions on several threads. Work is cut by shape alone, never by the number of
/// threads, and every sum has one order: the same call gives the same bits with any number of threads. Another vector
/// width may round differently.
/// </summary>
public sealed unsafe class CpuBackend : HostBackend
{
    // Elements in one chunk of an elementwise kernel: long against the cost of handing it out, short enough for the
    // L2 cache.
    private const int Chunk = 32768;

    private readonly WorkerPool _pool;
    private readonly VectorKernels<float> _float;
    private readonly VectorKernels<double> _double;

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
        _float = VectorKernels<float>.OfWidth(VectorBits);
        _double = VectorKernels<double>.OfWidth(VectorBits);
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

    // Each lane holds activations of its own, so that more threads than these rather share the kernels.
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
        CapturedGraph.Refuse("Work side by side");
        bool isFull = FullPrecision.IsRequired;
        _pool.RunInOrder(count, i =>
        {
            using IDisposable detached = TensorScope.BeginDetached();
            using IDisposable? full = isFull ? FullPrecision.Require() : null;
            work(i);
        });
    }

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

    private VectorKernels<T> Kernels<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        typeof(T) == typeof(float) ? (VectorKernels<T>)(object)_float : (VectorKernels<T>)(object)_double;

    /// <inheritdoc/>
    protected override void Map<F, T>(HostBlock<T> x, HostBlock<T> y) =>
        _pool.RunChunks(y.Length, Chunk, (begin, end) => F.Apply<T>(x.Span[begin..end], y.Span[begin..end]));

    /// <inheritdoc/>
    protected override void Zip<F, T>(HostBlock<T> a, HostBlock<T> b, HostBlock<T> y) =>
        _pool.RunChunks(
            y.Length, Chunk, (begin, end) => F.Apply<T>(a.Span[begin..end], b.Span[begin..end], y.Span[begin..end]));

    /// <inheritdoc/>
    protected override void Affine<T>(HostBlock<T> x, T scale, T shift, HostBlock<T> y) =>
        _pool.RunChunks(y.Length, Chunk, (begin, end) =>
            Kernels<T>().Affine(x.Pointer + begin, scale, shift, y.Pointer + begin, end - begin));

    /// <inheritdoc/>
    protected override void Axpy<T>(T a, HostBlock<T> x, HostBlock<T> y, HostBlock<T> z) =>
        _pool.RunChunks(z.Length, Chunk, (begin, end) =>
            Kernels<T>().Axpy(a, x.Pointer + begin, y.Pointer + begin, z.Pointer + begin, end - begin));

    /// <inheritdoc/>
    protected override void SgdStep<T>(
        HostBlock<T> theta, HostBlock<T> velocity, HostBlock<T> gradient, T rate, T momentum, T weightDecay,
        HostBlock<T> newTheta, HostBlock<T> newVelocity) =>
        _pool.RunChunks(theta.Length, Chunk, (begin, end) => Kernels<T>().SgdStep(
            theta.Pointer + begin, velocity.Pointer + begin, gradient.Pointer + begin, rate, momentum, weightDecay,
            newTheta.Pointer + begin, newVelocity.Pointer + begin, end - begin));

    /// <inheritdoc/>
    protected override void Dot<T>(HostBlock<T> x, HostBlock<T> y, HostBlock<double> result)
    {
        int chunks = (x.Length + Chunk - 1) / Chunk;
        double* sums = Scratch.Get<double>(ScratchUse.Partials, Math.Max(1, chunks));
        _pool.RunChunks(x.Length, Chunk, (begin, end) =>
            sums[begin / Chunk] = Kernels<T>().Dot(x.Pointer + begin, y.Pointer + begin, end - begin));
        WorkerPool.RunOnce(() => *result.Pointer = Total(sums, chunks));
    }

    private static double Total(double* numbers, int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++)
            sum += numbers[i];
        return sum;
    }

    /// <inheritdoc/>
    protected override void BroadcastTo<T>(HostBlock<T> x, Shape from, HostBlock<T> y, Shape to) =>
        new Broadcasting(from, to).Stretch(_pool, x, y);

    /// <inheritdoc/>
    protected override void SumTo<T>(HostBlock<T> x, Shape from, HostBlock<T> y, Shape to) =>
        new Broadcasting(to, from).Sum(_pool, x, y, Kernels<T>().Sum);

    /// <inheritdoc/>
    protected override void MatMul<T>(
        int m, int n, int k, HostBlock<T> a, bool transposeA, HostBlock<T> b, bool transposeB, HostBlock<T> y) =>
        Kernels<T>().MatMul(_pool, m, n, k, a, transposeA, b, transposeB, y);

    /// <inheritdoc/>
    protected override void Conv2d<T>(
        Conv2dGeometry g, HostBlock<T> x, HostBlock<T> w, HostBlock<T>? bias, HostBlock<T> y) =>
        Kernels<T>().Conv2d(_pool, g, x, w, bias, y);

    /// <inheritdoc/>
    protected override void Conv2dInputGradient<T>(
        Conv2dGeometry g, HostBlock<T> dy, HostBlock<T> w, HostBlock<T> dx) =>
        Kernels<T>().Conv2dInputGradient(_pool, g, dy, w, dx);

    /// <inheritdoc/>
    protected override void Conv2dWeightGradient<T>(
        Conv2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dw) =>
        Kernels<T>().Conv2dWeightGradient(_pool, g, x, dy, dw);

    /// <inheritdoc/>
    protected override void AvgPool2d<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> y) =>
        Kernels<T>().AvgPool2d(_pool, g, x, y);

    /// <inheritdoc/>
    protected override void AvgPool2dGradient<T>(Pool2dGeometry g, HostBlock<T> dy, HostBlock<T> dx) =>
        Kernels<T>().AvgPool2dGradient(_pool, g, dy, dx);

    /// <inheritdoc/>
    protected override void MaxPool2d<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> v, HostBlock<T> y) =>
        MaxPooling.Forward(_pool, g, x, v, y);

    /// <inheritdoc/>
    protected override void MaxPool2dGradient<T>(Pool2dGeometry g, HostBlock<T> x, HostBlock<T> dy, HostBlock<T> dx) =>
        MaxPooling.Backward(_pool, g, x, dy, dx);

    /// <inheritdoc/>
    protected override void NormReluPool<T>(
        Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta, HostBlock<T> y) =>
        Kernels<T>().NormReluPool(_pool, g, epsilon, x, gamma, beta, y);

    /// <inheritdoc/>
    protected override void NormReluPoolGradient<T>(
        Pool2dGeometry g, double epsilon, HostBlock<T> x, HostBlock<T> gamma, HostBlock<T> beta, HostBlock<T> dy,
        HostBlock<T>? dx, HostBlock<T>? dgamma, HostBlock<T>? dbeta) =>
        Kernels<T>().NormReluPoolGradient(_pool, g, epsilon, x, gamma, beta, dy, dx, dgamma, dbeta);

    /// <inheritdoc/>
    protected override void LogSoftmax<T>(int rows, int columns, HostBlock<T> x, HostBlock<T> y) =>
        _pool.RunChunks(rows, RowsOf(columns), (begin, end) =>
        {
            for (int r = begin; r < end; r++)
                RowKernels.LogSoftmax(x.Span.Slice(r * columns, columns), y.Span.Slice(r * columns, columns));
        });

    /// <inheritdoc/>
    protected override void CrossEntropy<T>(
        int rows, int columns, HostBlock<T> logits, HostBlock<T> labels, HostBlock<T> y)
    {
        double* losses = Scratch.Get<double>(ScratchUse.Partials, Math.Max(1, rows));
        _pool.RunChunks(rows, RowsOf(columns), (begin, end) =>
        {
            var work = new Span<double>(Scratch.Get<double>(ScratchUse.Image, columns), columns);
            for (int r = begin; r < end; r++)
            {
                losses[r] = RowKernels.CrossEntropy<T>(
                    logits.Span.Slice(r * columns, columns), labels.Span.Slice(r * columns, columns), work);
            }
        });
        WorkerPool.RunOnce(() => *y.Pointer = T.CreateTruncating(Total(losses, rows) / rows));
    }

    /// <inheritdoc/>
    protected override void CrossEntropyGradient<T>(
        int rows, int columns, HostBlock<T> logits, HostBlock<T> labels, HostBlock<T> dy, HostBlock<T>? dlogits,
        HostBlock<T>? dlabels) =>
        _pool.RunChunks(rows, RowsOf(columns), (begin, end) =>
        {
            var work = new Span<double>(Scratch.Get<double>(ScratchUse.Image, columns), columns);
            for (int r = begin; r < end; r++)
            {
                RowKernels.CrossEntropyGradient(
                    logits.Span.Slice(r * columns, columns), labels.Span.Slice(r * columns, columns),
                    double.CreateTruncating(*dy.Pointer) / rows, work,
                    dlogits is { } dz ? dz.Span.Slice(r * columns, columns) : default,
                    dlabels is { } dq ? dq.Span.Slice(r * columns, columns) : default);
            }
        });

    private static int RowsOf(int columns) => Math.Max(1, 4096 / Math.Max(1, columns));

    /// <inheritdoc/>
    protected override void GatherRows<T>(int row, HostBlock<T> x, ReadOnlySpan<int> indices, HostBlock<T> y)
    {
        if (CapturedGraph.Current is null)
            Gather(row, x, indices, y);
        else
            CaptureGather(row, x, indices.ToArray(), y);
    }

    // The indices of a captured call are part of it; see WorkerPool for why this is a method of its own.
    private static void CaptureGather<T>(int row, HostBlock<T> x, int[] indices, HostBlock<T> y) where T : unmanaged =>
        WorkerPool.RunOnce(() => Gather(row, x, indices, y));

    private static void Gather<T>(int row, HostBlock<T> x, ReadOnlySpan<int> indices, HostBlock<T> y) where T : unmanaged
    {
        for (int i = 0; i < indices.Length; i++)
            x.Span.Slice(indices[i] * row, row).CopyTo(y.Span.Slice(i * row, row));
    }

    /// <inheritdoc/>
    protected override void ScatterRows<T>(int row, HostBlock<T> dy, ReadOnlySpan<int> indices, HostBlock<T> dx)
    {
        if (CapturedGraph.Current is null)
            Scatter(row, dy, indices, dx);
        else
            CaptureScatter(row, dy, indices.ToArray(), dx);
    }

    private static void CaptureScatter<T>(int row, HostBlock<T> dy, int[] indices, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        WorkerPool.RunOnce(() => Scatter(row, dy, indices, dx));

    private static void Scatter<T>(int row, HostBlock<T> dy, ReadOnlySpan<int> indices, HostBlock<T> dx)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        dx.Span.Clear();
        for (int i = 0; i < indices.Length; i++)
        {
            Span<T> to = dx.Span.Slice(indices[i] * row, row);
            TensorPrimitives.Add(to, dy.Span.Slice(i * row, row), to);
        }
    }

    /// <inheritdoc/>
    protected override void AffineSample<T>(Shape shape, HostBlock<T> x, HostBlock<T> transforms, HostBlock<T> y) =>
        AffineSampling.Forward(_pool, shape, x, transforms, y);

    /// <inheritdoc/>
    protected override void AffineSampleGradient<T>(
        Shape shape, HostBlock<T> dy, HostBlock<T> transforms, HostBlock<T> dx) =>
        AffineSampling.Backward(_pool, shape, dy, transforms, dx);
}
