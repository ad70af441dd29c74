using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>
/// Compiles each kernel once for a device and queues it on the device's one stream. A lock keeps callers on several
/// threads apart: a driver's kernel object carries its arguments.
/// </summary>
/// <param name="accelerator">The device.</param>
/// <param name="isRehearsal">Whether kernels are only noted and none is compiled or queued: so a test learns all that a
/// device would be asked for.</param>
internal sealed class GpuLauncher(Accelerator accelerator, bool isRehearsal)
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

    /// <summary>The number of kernels queued so far.</summary>
    public long Launches { get; private set; }

    public void Launch<A, B, C>(int groups, int threads, Action<A, B, C> kernel, A a, B b, C c)
        where A : struct where B : struct where C : struct
    {
        lock (_lock)
        {
            var run = (Action<KernelConfig, A, B, C>?)Find(kernel, () => accelerator.LoadStreamKernel(kernel));
            run?.Invoke(new KernelConfig(groups, threads), a, b, c);
        }
    }

    public void Launch<A, B, C, D>(int groups, int threads, Action<A, B, C, D> kernel, A a, B b, C c, D d)
        where A : struct where B : struct where C : struct where D : struct
    {
        lock (_lock)
        {
            var run = (Action<KernelConfig, A, B, C, D>?)Find(kernel, () => accelerator.LoadStreamKernel(kernel));
            run?.Invoke(new KernelConfig(groups, threads), a, b, c, d);
        }
    }

    public void Launch<A, B, C, D, E>(
        int groups, int threads, Action<A, B, C, D, E> kernel, A a, B b, C c, D d, E e)
        where A : struct where B : struct where C : struct where D : struct where E : struct
    {
        lock (_lock)
        {
            var run = (Action<KernelConfig, A, B, C, D, E>?)Find(kernel, () => accelerator.LoadStreamKernel(kernel));
            run?.Invoke(new KernelConfig(groups, threads), a, b, c, d, e);
        }
    }

    public void Launch<A, B, C, D, E, F>(
        int groups, int threads, Action<A, B, C, D, E, F> kernel, A a, B b, C c, D d, E e, F f)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
    {
        lock (_lock)
        {
            var run = (Action<KernelConfig, A, B, C, D, E, F>?)Find(kernel, () => accelerator.LoadStreamKernel(kernel));
            run?.Invoke(new KernelConfig(groups, threads), a, b, c, d, e, f);
        }
    }

    public void Launch<A, B, C, D, E, F, G, H, I>(
        int groups, int threads, Action<A, B, C, D, E, F, G, H, I> kernel,
        A a, B b, C c, D d, E e, F f, G g, H h, I i)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
        where G : struct where H : struct where I : struct
    {
        lock (_lock)
        {
            var run = (Action<KernelConfig, A, B, C, D, E, F, G, H, I>?)Find(
                kernel, () => accelerator.LoadStreamKernel(kernel));
            run?.Invoke(new KernelConfig(groups, threads), a, b, c, d, e, f, g, h, i);
        }
    }

    // Null in a rehearsal alone.
    private Delegate? Find(Delegate kernel, Func<Delegate> load)
    {
        Launches++;
        if (!_kernels.TryGetValue(kernel.Method, out Delegate? compiled))
            _kernels.Add(kernel.Method, compiled = isRehearsal ? null : load());
        return compiled;
    }
}
