using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>
/// Loads each kernel once and queues it on the stream of the thread, or keeps it for the graph that the
/// thread captures. A lock keeps callers on several threads apart: a driver's kernel object carries its arguments.
/// </summary>
/// <param name="device">Its name, for errors.</param>
/// <param name="accelerator">The device.</param>
/// <param name="streams">Its streams.</param>
/// <param name="isDryRun">Whether kernels are only noted and none is compiled or queued: so a test learns all that a
/// device would be asked for.</param>
internal sealed class GpuLauncher(string device, Accelerator accelerator, GpuStreams streams, bool isDryRun)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<MethodInfo, Delegate?> _kernels = [];

    /// <summary>Every kernel that was asked for so far, with its type arguments.</summary>
    public IReadOnlyCollection<MethodInfo> Kernels
    {
        get
        {
            lock (_lock)
                return [.. _kernels.Keys];
        }
    }

    /// <summary>The lane of this thread.</summary>
    public GpuLane Current => streams.Current;

    /// <summary>Waits for what a lane has queued.</summary>
    /// <exception cref="DeviceException">The driver reports an error.</exception>
    public void WaitFor(GpuLane lane)
    {
        try
        {
            if (!accelerator.IsDisposed)
                lane.WaitForQueued();
        }
        catch (AcceleratorException e)
        {
            throw GpuDriver.Failure(device, e);
        }
    }

    /// <summary>The driver's graphs; null where it has none.</summary>
    public IGraphDriver? Graphs { get; set; }

    /// <summary>The number of kernels queued so far, those of replayed graphs one by one.</summary>
    public long Launches { get; private set; }

    public void Launch<A, B, C>(int groups, int threads, Action<A, B, C> kernel, A a, B b, C c)
        where A : struct where B : struct where C : struct
    {
        Launch<Action<AcceleratorStream, KernelConfig, A, B, C>, Arguments<A, B, C>>(
            groups, threads, kernel, new(a, b, c));
    }

    public void Launch<A, B, C, D>(int groups, int threads, Action<A, B, C, D> kernel, A a, B b, C c, D d)
        where A : struct where B : struct where C : struct where D : struct
    {
        Launch<Action<AcceleratorStream, KernelConfig, A, B, C, D>, Arguments<A, B, C, D>>(
            groups, threads, kernel, new(a, b, c, d));
    }

    public void Launch<A, B, C, D, E>(
        int groups, int threads, Action<A, B, C, D, E> kernel, A a, B b, C c, D d, E e)
        where A : struct where B : struct where C : struct where D : struct where E : struct
    {
        Launch<Action<AcceleratorStream, KernelConfig, A, B, C, D, E>, Arguments<A, B, C, D, E>>(
            groups, threads, kernel, new(a, b, c, d, e));
    }

    public void Launch<A, B, C, D, E, F>(
        int groups, int threads, Action<A, B, C, D, E, F> kernel, A a, B b, C c, D d, E e, F f)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
    {
        Launch<Action<AcceleratorStream, KernelConfig, A, B, C, D, E, F>, Arguments<A, B, C, D, E, F>>(
            groups, threads, kernel, new(a, b, c, d, e, f));
    }

    public void Launch<A, B, C, D, E, F, G, H, I>(
        int groups, int threads, Action<A, B, C, D, E, F, G, H, I> kernel,
        A a, B b, C c, D d, E e, F f, G g, H h, I i)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
        where G : struct where H : struct where I : struct
    {
        Launch<Action<AcceleratorStream, KernelConfig, A, B, C, D, E, F, G, H, I>, Arguments<A, B, C, D, E, F, G, H, I>>(
            groups, threads, kernel, new(a, b, c, d, e, f, g, h, i));
    }

    private void Launch<D, Q>(int groups, int threads, Delegate kernel, Q arguments)
        where D : Delegate where Q : struct, IKernelArguments<D>
    {
        var size = new KernelConfig(groups, threads);
        lock (_lock)
        {
            try
            {
                if (!_kernels.TryGetValue(kernel.Method, out Delegate? compiled))
                {
                    compiled = isDryRun ? null : KernelCode.Load(accelerator, kernel.Method).CreateLauncherDelegate<D>();
                    _kernels.Add(kernel.Method, compiled);
                }
                if (CapturedGraph.Current is { } graph)
                {
                    // Before the recording it is only compiled.
                    if (graph.IsRecording)
                        ((GpuCalls)graph.Calls).Add(new PreparedCall<D, Q>((D)compiled!, size, arguments));
                    return;
                }
                Launches++;
                if (compiled is not null)
                {
                    GpuLane lane = streams.Current;
                    arguments.Queue((D)compiled, lane.Stream, size);
                    lane.HasQueued();
                }
            }
            catch (AcceleratorException e)
            {
                throw GpuDriver.Failure(device, e);
            }
        }
    }

    /// <summary>The driver's graph of prepared calls; null where the driver has none, and they are queued one by one.</summary>
    /// <exception cref="DeviceException">The driver fails.</exception>
    public DriverGraph? Capture(IReadOnlyList<PreparedCall> calls)
    {
        if (Graphs is not { } driver)
            return null;
        lock (_lock)
        {
            try
            {
                using var bound = accelerator.BindScoped();
                return DriverGraph.Capture(device, driver, streams.CapturePointer, () =>
                {
                    foreach (PreparedCall call in calls)
                        call.Queue(streams.Capture);
                });
            }
            catch (AcceleratorException e)
            {
                throw GpuDriver.Failure(device, e);
            }
        }
    }

    /// <summary>Queues prepared calls, by one call of the driver where it has a graph of them.</summary>
    /// <exception cref="DeviceException">The driver fails.</exception>
    public void Replay(List<PreparedCall> calls, DriverGraph? graph)
    {
        lock (_lock)
        {
            try
            {
                Launches += calls.Count;
                GpuLane lane = streams.Current;
                if (graph is not null)
                {
                    using var bound = accelerator.BindScoped();
                    graph.Launch(lane.Pointer);
                }
                else
                {
                    foreach (PreparedCall call in calls)
                        call.Queue(lane.Stream);
                }
                lane.HasQueued();
            }
            catch (AcceleratorException e)
            {
                throw GpuDriver.Failure(device, e);
            }
        }
    }

    /// <summary>Frees a graph of the driver; what it has queued still runs.</summary>
    public void Free(DriverGraph graph)
    {
        lock (_lock)
        {
            if (accelerator.IsDisposed)
                return; // with all that the driver had for it
            using var bound = accelerator.BindScoped();
            graph.Dispose();
        }
    }
}
