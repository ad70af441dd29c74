using System.Reflection;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using InfMatch.Tensors;

namespace InfMatch.Benchmarks;

/// <summary>The kernels of training and distilling as PTX, without a device: for an assembler that tells registers and machine
/// code.</summary>
internal static class DeviceCode
{
    /// <summary>Each kernel's name and text. Tensor cores need sm_80; all else is written for sm_75, so that an assembler makes code
    /// of it for every later GPU.</summary>
    public static IEnumerable<(string Name, string Text)> ToPtx(ConvNetSizes sizes)
    {
        var done = new HashSet<MethodInfo>();
        foreach (Precision precision in Enum.GetValues<Precision>())
        {
            CudaArchitecture target = precision == Precision.Float32 ? CudaArchitecture.SM_75 : CudaArchitecture.SM_80;
            using Context context = Context.Create(builder =>
                DeviceIntrinsics.Register(builder.Optimize(OptimizationLevel.O2).Math(MathMode.Default)));
            using var compiler = new PTXBackend(context, new CudaCapabilityContext(target), target, CudaInstructionSet.ISA_80, null!);
            MethodInfo[] kernels =
                [.. KernelsOf(sizes, precision).Where(done.Add).OrderBy(KernelResources.NameOf, StringComparer.Ordinal)];
            foreach (MethodInfo kernel in kernels)
            {
                var entry = EntryPointDescription.FromExplicitlyGroupedKernel(kernel);
                var compiled = (PTXCompiledKernel)compiler.Compile(entry, KernelBounds.Of(kernel));
                yield return (KernelResources.NameOf(kernel), compiled.PTXAssembly);
            }
        }
    }

    private static IReadOnlyCollection<MethodInfo> KernelsOf(ConvNetSizes sizes, Precision precision)
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, long.MaxValue, isDryRun: true, precision);
        using var scope = TensorScope.Begin();
        using var benchmark = new ConvNetBenchmark(backend, sizes, new Clock(1, 0));
        foreach (Work work in benchmark.Passes().Where(w => w.Name != "mixed"))
            work.Run();
        foreach (KernelWork work in new DeviceKernels(backend, sizes).Works())
            work.Queue();
        return backend.Kernels;
    }
}
