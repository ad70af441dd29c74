using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>
/// Compiles each kernel once for a device and queues it on the device's one stream. A lock keeps callers on several
/// threads apart: a driver's kernel object carries its arguments.
/// </summary>
/// <param name="device">Its name, for errors.</param>
/// <param name="accelerator">The device.</param>
/// <param name="isDryRun">Whether kernels are only noted and none is compiled or queued: so a test learns all that a
/// device would be asked for.</param>
internal sealed class GpuLauncher(string device, Accelerator accelerator, bool isDryRun)
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
        Launch<Action<KernelConfig, A, B, C>>(
            kernel, () => accelerator.LoadStreamKernel(kernel), run => run(new KernelConfig(groups, threads), a, b, c));
    }

    public void Launch<A, B, C, D>(int groups, int threads, Action<A, B, C, D> kernel, A a, B b, C c, D d)
        where A : struct where B : struct where C : struct where D : struct
    {
        Launch<Action<KernelConfig, A, B, C, D>>(
            kernel, () => accelerator.LoadStreamKernel(kernel), run => run(new KernelConfig(groups, threads), a, b, c, d));
    }

    public void Launch<A, B, C, D, E>(
        int groups, int threads, Action<A, B, C, D, E> kernel, A a, B b, C c, D d, E e)
        where A : struct where B : struct where C : struct where D : struct where E : struct
    {
        Launch<Action<KernelConfig, A, B, C, D, E>>(
            kernel, () => accelerator.LoadStreamKernel(kernel), run => run(new KernelConfig(groups, threads), a, b, c, d, e));
    }

    public void Launch<A, B, C, D, E, F>(
        int groups, int threads, Action<A, B, C, D, E, F> kernel, A a, B b, C c, D d, E e, F f)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
    {
        Launch<Action<KernelConfig, A, B, C, D, E, F>>(
            kernel, () => accelerator.LoadStreamKernel(kernel), run => run(new KernelConfig(groups, threads), a, b, c, d, e, f));
    }

    public void Launch<A, B, C, D, E, F, G, H, I>(
        int groups, int threads, Action<A, B, C, D, E, F, G, H, I> kernel,
        A a, B b, C c, D d, E e, F f, G g, H h, I i)
        where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
        where G : struct where H : struct where I : struct
    {
        Launch<Action<KernelConfig, A, B, C, D, E, F, G, H, I>>(
            kernel, () => accelerator.LoadStreamKernel(kernel), run => run(new KernelConfig(groups, threads), a, b, c, d, e, f, g, h, i));
    }

    private void Launch<D>(Delegate kernel, Func<D> load, Action<D> queue) where D : Delegate
    {
        lock (_lock)
        {
            try
            {
                Launches++;
                if (!_kernels.TryGetValue(kernel.Method, out Delegate? compiled))
                    _kernels.Add(kernel.Method, compiled = isDryRun ? null : load());
                if (compiled is not null)
                    queue((D)compiled);
            }
            catch (AcceleratorException e)
            {
                throw GpuDriver.Failure(device, e);
            }
        }
    }
}
