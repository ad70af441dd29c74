using System.Buffers;
using System.Runtime.CompilerServices;

namespace InfMatch.Tensors;

/// <summary>
/// The seam between the mathematics and a device: memory, copies, functions of single numbers, and <see cref="Run"/>
/// for every other kernel. Destinations come last, are made by the caller, have the inferred shape, and never overlap a
/// source. All tensors of one call live on this backend and share one number type unless stated otherwise. Nothing
/// above Tensors knows which backend runs. A backend agrees with the reference backend in float64 to rounding, and
/// gives the same bits again for the same call.
/// </summary>
public abstract class Backend
{
    // Through its kind, because the contract knows no backend; and not by Kinds, to which others can be added later.
    private static readonly Lazy<Backend> s_default = new(() => typeof(DeviceKind).Assembly.GetTypes()
        .Where(type => type.IsSubclassOf(typeof(DeviceKind)) && !type.IsAbstract)
        .Select(type => (DeviceKind)Activator.CreateInstance(type)!).Single(kind => kind.Name == "cpu")
        .Open("cpu", new DeviceOptions()).Backend);

    /// <summary>The processor with all its cores: where numbers go that name no backend. Always the same.</summary>
    public static Backend Default => s_default.Value;

    /// <summary>A short name for messages and reports, such as "cpu" or "reference".</summary>
    public abstract string Name { get; }

    /// <summary>One line on the device: model, instruction set, threads.</summary>
    public abstract string Description { get; }

    /// <summary>What this backend holds: bytes in use, cached, and their peak.</summary>
    public abstract MemoryReport Memory { get; }

    /// <summary>From here on <see cref="MemoryReport.WatchedPeak"/> is counted anew: so a part of the work knows its own peak.
    /// </summary>
    public virtual void WatchPeak()
    {
    }

    private long _imagesPassed;

    /// <summary>How many images have passed forward through a network here, each pass of an image counted once, whether or not a
    /// gradient was taken. What runs on backends of its own is counted apart.</summary>
    public long ImagesPassed => Interlocked.Read(ref _imagesPassed);

    /// <summary>Counts images that pass forward through a network; those of a captured graph count each time that it runs.</summary>
    public void CountImages(long images)
    {
        if (CapturedGraph.Current is { } graph)
            graph.Images += images;
        else
            Interlocked.Add(ref _imagesPassed, images);
    }

    /// <summary>Takes back what was counted since: for passes whose result is kept, so that whoever uses it counts them.</summary>
    /// <param name="before"><see cref="ImagesPassed"/> before them.</param>
    public void UncountImagesSince(long before) => Interlocked.Add(ref _imagesPassed, before - ImagesPassed);

    /// <summary>The precision of large products of float32 tensors where no <see cref="FullPrecision"/> is
    /// required.</summary>
    public virtual Precision Precision => Precision.Float32;

    /// <summary>Whether kernels compute in a number type. Tensors of one in which they do not are kept, filled, copied and
    /// converted all the same, and a dot product goes into one.</summary>
    public virtual bool Computes(DType dtype) => true;

    /// <summary>How many independent pieces of work are best run in parallel; 1 where one kernel at a time fills the device.
    /// </summary>
    public virtual int DegreeOfParallelism => 1;

    /// <summary>Whether fewer pieces than that are best run one after the other, as on a processor, whose threads all work on a
    /// piece that runs alone. Not so where kernels of one piece leave most of the device idle.</summary>
    public virtual bool RunsFewInTurn => true;

    /// <summary>Whether kernel calls can be recorded and replayed: see <see cref="CapturedGraph"/>.</summary>
    public virtual bool CanCapture => false;

    /// <summary>How many numbers a long chain of kernels should work on at once to stay in the caches of one core; the
    /// largest number where size makes no difference. It does not depend on the number of threads.</summary>
    public virtual long NumbersInCache => long.MaxValue;

    /// <summary>Runs work(0) … work(count − 1), which must be independent, up to <see cref="DegreeOfParallelism"/> at a
    /// time, each with its kernels on its own thread. The bits are those of one after the other. Tensors that work
    /// keeps belong to no scope. The first exception reaches the caller once all begun work has ended.</summary>
    public virtual void RunInParallel(int count, Action<int> work)
    {
        for (int i = 0; i < count; i++)
        {
            using IDisposable _ = TensorScope.BeginDetached();
            work(i);
        }
    }

    /// <summary>A new tensor whose numbers are not initialised.</summary>
    /// <exception cref="DeviceMemoryException">The device has no room.</exception>
    public Tensor Empty(Shape shape, DType dtype)
    {
        Storage storage = CapturedGraph.Current is { } graph
            ? graph.Allocate(dtype, shape.Count)
            : Allocate(dtype, shape.Count);
        TensorScope.Adopt(storage);
        return new Tensor(storage, 0, shape);
    }

    /// <summary>A buffer that is not initialised.</summary>
    /// <exception cref="DeviceMemoryException">The device has no room.</exception>
    protected abstract Storage Allocate(DType dtype, int length);

    /// <summary>The bytes that a buffer takes of the memory that is counted.</summary>
    internal virtual long BytesTaken(DType dtype, int length) => (long)length * dtype.Size();

    internal Storage AllocateBuffer(DType dtype, int length) => Allocate(dtype, length);

    /// <summary>A buffer without memory, for kernels that are not run; only where graphs are captured.</summary>
    internal virtual Storage Placeholder(DType dtype, int length) =>
        throw new NotSupportedException($"{Name} captures no graphs.");

    /// <summary>Room for the kernel calls of a captured graph.</summary>
    internal virtual RecordedCalls NewRecordedCalls() => new RecordedFunctions();

    /// <summary>Working memory for the kernels of captured graphs; null where they need none.</summary>
    internal virtual WorkingMemory? NewWorkingMemory() => null;

    /// <summary>Gives the kernels of this thread another working memory, null for the thread's own, and returns the
    /// one before.</summary>
    internal virtual WorkingMemory? UseWorkingMemory(WorkingMemory? next) => null;

    /// <summary>y_i = low + (high − low)·u_i with u_i number i of the key, <see cref="RandomKey.UniformAt"/>, and
    /// rounded to y's number type once: the same numbers on every backend to a rounding of the sum, and none is copied there.</summary>
    public abstract void Uniform(RandomKey key, double low, double high, Tensor y);

    /// <summary>Copies from the host.</summary>
    public abstract void Upload<T>(ReadOnlySpan<T> source, Tensor y) where T : unmanaged;

    /// <summary>Copies float64 numbers from the host, rounded to y's number type.</summary>
    public void UploadRounded(ReadOnlySpan<double> source, Tensor y)
    {
        if (y.DType == DType.Float64)
        {
            Upload(source, y);
            return;
        }
        if (source.Length > MostRented)
        {
            Upload<float>(Round(source, new float[source.Length]), y);
            return;
        }
        float[] rented = ArrayPool<float>.Shared.Rent(source.Length);
        try
        {
            Upload<float>(Round(source, rented.AsSpan(0, source.Length)), y);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    // What is sent each step is smaller; larger arrays would stay in the runtime's pool.
    private const int MostRented = 1 << 20;

    private static Span<float> Round(ReadOnlySpan<double> source, Span<float> rounded)
    {
        for (int i = 0; i < rounded.Length; i++)
            rounded[i] = (float)source[i];
        return rounded;
    }

    /// <summary>Copies to the host; waits for the device.</summary>
    public abstract void Download<T>(Tensor x, Span<T> destination) where T : unmanaged;

    /// <summary>Copies several tensors to the host; waits for the device once. <typeparamref name="T"/> is their number
    /// type.</summary>
    public virtual T[][] DownloadAll<T>(IReadOnlyList<Tensor> tensors) where T : unmanaged =>
        [.. tensors.Select(x => x.ToArray<T>())];

    /// <summary>y = value everywhere.</summary>
    public abstract void Fill(Tensor y, double value);

    /// <summary>y = x, in memory order; the shapes may differ, the counts not.</summary>
    public abstract void Copy(Tensor x, Tensor y);

    /// <summary>y = the numbers of all parts one behind the other; one <see cref="Copy"/> a part unless a backend has a
    /// better way.</summary>
    public virtual void Concat(ReadOnlySpan<Tensor> parts, Tensor y)
    {
        int start = 0;
        foreach (Tensor part in parts)
        {
            Copy(part, y.View(start, part.Shape));
            start += part.Count;
        }
    }

    /// <summary>y = x, rounded to y's number type, which may differ.</summary>
    public abstract void Convert(Tensor x, Tensor y);

    /// <summary>y_i = f(x_i).</summary>
    public abstract void Map<F>(Tensor x, Tensor y) where F : struct, IUnaryFunction;

    /// <summary>y_i = f(a_i, b_i), all of one shape.</summary>
    public abstract void Zip<F>(Tensor a, Tensor b, Tensor y) where F : struct, IBinaryFunction;

    /// <summary>Runs a kernel: the record of its arguments says which, and what it computes.</summary>
    /// <exception cref="DeviceException">A tensor lives on another backend.</exception>
    /// <exception cref="DTypeException">The tensors mix number types.</exception>
    /// <exception cref="NotSupportedException">The backend has no such kernel.</exception>
    public abstract void Run<K>(K call) where K : struct, IKernelCall;

    /// <summary>The kernel for a kind of call among those of a backend and number type.</summary>
    private protected IKernel<K> KernelOf<K>(object kernels) where K : struct, IKernelCall =>
        kernels as IKernel<K> ?? throw new NotSupportedException(
            $"{Name} has no kernel for {typeof(K).Name}: {kernels.GetType().Name} must implement IKernel<{typeof(K).Name}>.");

    // A call that is never inlined and takes the record by reference: its tensors, whose memory the kernel works on,
    // stay reachable until here. GC.KeepAlive would box it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private protected static void KeepAlive<K>(in K call) where K : struct, IKernelCall
    {
    }
}

/// <summary>What a backend holds, in bytes.</summary>
/// <param name="InUse">Held by tensors.</param>
/// <param name="Cached">Held by the pool for reuse.</param>
/// <param name="Peak">The largest sum of both so far.</param>
/// <param name="LiveBuffers">The number of buffers held by tensors.</param>
/// <param name="Limit">What tensors may take: the memory of the device, or a lower budget.</param>
public readonly record struct MemoryReport(long InUse, long Cached, long Peak, int LiveBuffers, long Limit)
{
    /// <summary>The largest <see cref="InUse"/> so far: what a limit must leave room for, because the cache is given up where
    /// memory ends.</summary>
    public long PeakInUse { get; init; }

    /// <summary>The largest <see cref="InUse"/> since <see cref="Backend.WatchPeak"/>; 0 where a backend does not tell.</summary>
    public long WatchedPeak { get; init; }
}
