using System.Reflection;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using InfMatch.Autograd;
using InfMatch.Tensors;
using InfMatch.Tests.Autograd;

namespace InfMatch.Tests.Tensors;

/// <summary>
/// What devices are asked to run, found without a device: a backend that only takes note of its kernels goes through
/// every sample of every operation, to second order, in both number types and with each kernel of products.
/// </summary>
internal static class DeviceCode
{
    private static readonly Lazy<IReadOnlyList<MethodInfo>> s_kernels = new(DryRun);

    /// <summary>The kernels with their type arguments, in the order of their names.</summary>
    public static IReadOnlyList<MethodInfo> Kernels => s_kernels.Value;

    /// <summary>Such as ProductKernels.Multiply&lt;Single, AlongDepth, ByChannel&lt;Patch&gt;, OutputResult&gt;.</summary>
    public static string NameOf(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}.{kernel.Name}" +
        (kernel.IsGenericMethod ? $"<{string.Join(", ", kernel.GetGenericArguments().Select(NameOf))}>" : "");

    /// <summary>The kernels that the classes of kernels declare: public methods that return nothing and take a
    /// view.</summary>
    public static IEnumerable<MethodInfo> Declared { get; } =
    [
        .. typeof(GpuBackend).Assembly.GetTypes()
            .Where(type => type.IsAbstract && type.IsSealed)
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(m => m.ReturnType == typeof(void) && m.GetParameters().Any(p => IsView(p.ParameterType))),
    ];

    /// <summary>PTX for sm_80, the newest that ILGPU 1.5.3 writes and what a later GPU gets from it too.</summary>
    public static IEnumerable<(MethodInfo Kernel, string Text)> ToPtx()
    {
        using Context context = MakeContext();
        using var backend = new PTXBackend(
            context, new CudaCapabilityContext(CudaArchitecture.SM_80), CudaArchitecture.SM_80,
            CudaInstructionSet.ISA_80, null!);
        foreach (MethodInfo kernel in Kernels)
            yield return (kernel, ((PTXCompiledKernel)Compile(backend, kernel)).PTXAssembly);
    }

    /// <summary>OpenCL C for a device of a generic address space and nothing else that is optional; only kernels of float64
    /// numbers may have float64, too. The kernels of NVIDIA's tensor cores, and those that shuffle within warps, are never asked for
    /// there.</summary>
    public static IEnumerable<(MethodInfo Kernel, string Text)> ToOpenCl()
    {
        using Context context = MakeContext();
        using CLBackend with = BackendOf(context, hasFloat64: true), without = BackendOf(context, hasFloat64: false);
        foreach (MethodInfo kernel in Kernels.Where(k => k.DeclaringType != typeof(TensorCoreKernels) && !HasShuffles(k)))
            yield return (kernel, ((CLCompiledKernel)Compile(IsOfFloat64(kernel) ? with : without, kernel)).Source);
    }

    private static bool HasShuffles(MethodInfo kernel) =>
        kernel.IsGenericMethod && kernel.GetGenericArguments().Contains(typeof(ShuffledSums));

    /// <summary>Whether a kernel computes on float64 tensors.</summary>
    public static bool IsOfFloat64(MethodInfo kernel) =>
        kernel.IsGenericMethod && kernel.GetGenericArguments().Contains(typeof(double));

    /// <summary>Takes note of all that float32 tensors ask a device without float64 for.</summary>
    public static IReadOnlyCollection<MethodInfo> KernelsWithoutFloat64()
    {
        using var backend = new GpuBackend(
            GpuBackend.Simulator, long.MaxValue, isDryRun: true, Precision.Float32, usesFloat64: false);
        DryRun(backend, DType.Float32);
        return backend.Kernels;
    }

    private static CLBackend BackendOf(Context context, bool hasFloat64) => new(
        context, new CLCapabilityContext(
            float16: false, float64: hasFloat64, genericAddressSpace: true, int64_Atomics: false, subGroups: false),
        CLDeviceVendor.Other, CLCVersion.CL20);

    private static CompiledKernel Compile(ILGPU.Backends.Backend backend, MethodInfo kernel)
    {
        try
        {
            return backend.Compile(
                EntryPointDescription.FromExplicitlyGroupedKernel(kernel), KernelBounds.Of(kernel));
        }
        catch (InternalCompilerException e)
        {
            throw new InvalidOperationException($"{NameOf(kernel)} does not compile: {e.InnerException?.Message}", e);
        }
    }

    private static Context MakeContext() =>
        Context.Create(builder => DeviceIntrinsics.Register(
            builder.Optimize(OptimizationLevel.O2).Math(MathMode.Default)));

    private static IReadOnlyList<MethodInfo> DryRun()
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, long.MaxValue, isDryRun: true);
        foreach (ProductTiling tiling in Enum.GetValues<ProductTiling>())
        {
            backend.Tiling = tiling;
            backend.HasWarps = tiling != ProductTiling.Narrow;
            foreach (DType dtype in Enum.GetValues<DType>())
                DryRun(backend, dtype);
        }
        return
        [
            .. new[] { Precision.Tf32, Precision.ThreeTf32 }.SelectMany(OnTensorCores).Concat(backend.Kernels).Distinct()
                .OrderBy(NameOf, StringComparer.Ordinal),
        ];
    }

    private static IReadOnlyCollection<MethodInfo> OnTensorCores(Precision precision)
    {
        using var backend = new GpuBackend(GpuBackend.Simulator, long.MaxValue, isDryRun: true, precision);
        backend.Tiling = ProductTiling.Wide;
        DryRun(backend, DType.Float32);
        return backend.Kernels;
    }

    private static void DryRun(GpuBackend backend, DType dtype)
    {
        foreach (OpSample sample in AllOperations.Samples.Values)
            TakeDerivatives(sample, backend, dtype);
        WhatIsNoOperation(backend, dtype);
    }

    // Without a graph, by fused kernels; with one, by the composition; and the derivative of that.
    private static void TakeDerivatives(OpSample sample, GpuBackend backend, DType dtype)
    {
        using TensorScope scope = TensorScope.Begin();
        Variable[] x =
        [
            .. sample.Inputs.Select(input =>
            {
                Tensor value = backend.Empty(input.Shape, dtype);
                return input.Differentiable ? Variable.Leaf(value) : Variable.Constant(value);
            }),
        ];
        Variable[] asked = [.. x.Where(v => v.RequiresGradient)];
        Variable result = sample.Op.Apply(x).Select(y => (y * y).Sum()).Aggregate((a, b) => a + b);
        Gradient.Of(result, asked);
        Variable[] first = Gradient.Of(result, asked, createGraph: true);
        Gradient.Of(first.Select(g => (g * g).Sum()).Aggregate((a, b) => a + b), asked);
    }

    // Kernels that training and influence take from the backend itself, and sums that are cut.
    private static void WhatIsNoOperation(GpuBackend backend, DType dtype)
    {
        using TensorScope scope = TensorScope.Begin();
        var shape = new Shape(300_000);
        Tensor a = Tensor.Full(backend, dtype, shape, 1), b = backend.Empty(shape, dtype);
        backend.Copy(a, b);
        foreach (DType other in Enum.GetValues<DType>())
            backend.Convert(a, backend.Empty(shape, other));
        backend.Uniform(default, 0, 1, b);
        backend.Run(new AffineCall(a, 2, 1, b));
        backend.Run(new AxpyCall(2, a, a, b));
        backend.Run(new DotCall(a, a, backend.Empty(Shape.Scalar, DType.Float64)));
        backend.Run(new SumToCall(a, backend.Empty(Shape.Scalar, dtype)));
        Tensor theta = backend.Empty(shape, dtype), velocity = backend.Empty(shape, dtype);
        backend.Run(new SgdStepCall(
            new SgdTensors(a, a), a, new SgdRates(0.1, 0.9, 1e-4), new SgdTensors(theta, velocity)));
        Tensor product = backend.Empty(new Shape(2, 2), dtype);
        backend.Run(new MatMulCall(
            a.Reshape(new Shape(2, 150_000)), false, a.Reshape(new Shape(150_000, 2)), false, product));
    }

    private static bool IsView(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static string NameOf(Type type) => type.IsGenericType
        ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>"
        : type.Name;
}
