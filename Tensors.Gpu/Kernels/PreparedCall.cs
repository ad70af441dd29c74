using ILGPU;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>A kernel with all it needs to be queued: nothing is looked up and nothing is made when it is queued again.</summary>
internal abstract class PreparedCall
{
    /// <summary>Queues the kernel.</summary>
    public abstract void Queue(AcceleratorStream stream);
}

/// <summary>A prepared call of a kernel that a compiled function of one type queues.</summary>
internal sealed class PreparedCall<D, Q>(D run, KernelConfig size, Q arguments) : PreparedCall
    where D : Delegate where Q : struct, IKernelArguments<D>
{
    public override void Queue(AcceleratorStream stream) => arguments.Queue(run, stream, size);
}

/// <summary>The arguments of a kernel.</summary>
/// <typeparam name="D">The type of the function that queues the compiled kernel.</typeparam>
internal interface IKernelArguments<D> where D : Delegate
{
    /// <summary>Queues it.</summary>
    void Queue(D run, AcceleratorStream stream, KernelConfig size);
}

/// <summary>Three arguments.</summary>
internal readonly struct Arguments<A, B, C>(
    A a, B b, C c)
    : IKernelArguments<Action<AcceleratorStream, KernelConfig, A, B, C>>
    where A : struct where B : struct where C : struct
{
    public void Queue(
        Action<AcceleratorStream, KernelConfig, A, B, C> run, AcceleratorStream stream, KernelConfig size) =>
        run(stream, size, a, b, c);
}

/// <summary>Four arguments.</summary>
internal readonly struct Arguments<A, B, C, D>(
    A a, B b, C c, D d)
    : IKernelArguments<Action<AcceleratorStream, KernelConfig, A, B, C, D>>
    where A : struct where B : struct where C : struct where D : struct
{
    public void Queue(
        Action<AcceleratorStream, KernelConfig, A, B, C, D> run, AcceleratorStream stream, KernelConfig size) =>
        run(stream, size, a, b, c, d);
}

/// <summary>Five arguments.</summary>
internal readonly struct Arguments<A, B, C, D, E>(
    A a, B b, C c, D d, E e)
    : IKernelArguments<Action<AcceleratorStream, KernelConfig, A, B, C, D, E>>
    where A : struct where B : struct where C : struct where D : struct where E : struct
{
    public void Queue(
        Action<AcceleratorStream, KernelConfig, A, B, C, D, E> run, AcceleratorStream stream, KernelConfig size) =>
        run(stream, size, a, b, c, d, e);
}

/// <summary>Six arguments.</summary>
internal readonly struct Arguments<A, B, C, D, E, F>(
    A a, B b, C c, D d, E e, F f)
    : IKernelArguments<Action<AcceleratorStream, KernelConfig, A, B, C, D, E, F>>
    where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
{
    public void Queue(
        Action<AcceleratorStream, KernelConfig, A, B, C, D, E, F> run, AcceleratorStream stream, KernelConfig size) =>
        run(stream, size, a, b, c, d, e, f);
}

/// <summary>Nine arguments.</summary>
internal readonly struct Arguments<A, B, C, D, E, F, G, H, I>(
    A a, B b, C c, D d, E e, F f, G g, H h, I i)
    : IKernelArguments<Action<AcceleratorStream, KernelConfig, A, B, C, D, E, F, G, H, I>>
    where A : struct where B : struct where C : struct where D : struct where E : struct where F : struct
    where G : struct where H : struct where I : struct
{
    public void Queue(
        Action<AcceleratorStream, KernelConfig, A, B, C, D, E, F, G, H, I> run, AcceleratorStream stream, KernelConfig size) =>
        run(stream, size, a, b, c, d, e, f, g, h, i);
}
