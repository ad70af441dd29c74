using System.Collections.Concurrent;
using System.Reflection;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Runtime;

namespace InfMatch.Tensors;

/// <summary>The code of kernels: each is compiled once for a device, and all backends of the process that open the device load
/// the same text. A driver then finds it in its own cache, and builds it once as well.</summary>
internal static class KernelCode
{
    private static readonly ConcurrentDictionary<(Device Device, MethodInfo Kernel), Lazy<CompiledKernel>> s_compiled = new();

    /// <summary>The compiled kernel, with the bounds of <see cref="KernelBounds"/>.</summary>
    public static CompiledKernel Of(Accelerator accelerator, MethodInfo kernel) => s_compiled.GetOrAdd(
        (accelerator.Device, kernel),
        static (key, compiler) => new Lazy<CompiledKernel>(() => compiler.Compile(
            EntryPointDescription.FromExplicitlyGroupedKernel(key.Kernel), KernelBounds.Of(key.Kernel))),
        accelerator.GetBackend()).Value;

    /// <summary>The kernel on the device.</summary>
    /// <exception cref="AcceleratorException">The driver fails.</exception>
    public static Kernel Load(Accelerator accelerator, MethodInfo kernel) => accelerator.LoadKernel(Of(accelerator, kernel));
}
