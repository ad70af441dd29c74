using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace InfMatch.Tensors;

/// <summary>What a compiled kernel takes of a device; null where the driver does not tell.</summary>
/// <param name="Name">Its class, method and type arguments.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="LocalBytes">Memory of a thread that is no register: arrays and spills.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="GroupsPerMultiprocessor">Groups of <see cref="GpuBackend.Threads"/> that a multiprocessor holds at once.</param>
internal sealed record KernelResources(
    string Name, int? Registers, long? LocalBytes, long? SharedBytes, int? GroupsPerMultiprocessor)
{
    // CUfunction_attribute, CUDA Driver API.
    private const int SharedSizeBytes = 1, LocalSizeBytes = 3, NumRegs = 4;

    /// <summary>Such as ProductKernels.Multiply&lt;Single, AlongDepth, ByChannel&lt;Patch&gt;, OutputResult&gt;.</summary>
    public static string NameOf(MethodInfo kernel) =>
        $"{kernel.DeclaringType!.Name}.{kernel.Name}" +
        (kernel.IsGenericMethod ? $"<{string.Join(", ", kernel.GetGenericArguments().Select(NameOf))}>" : "");

    /// <summary>What a device's driver says of a kernel.</summary>
    /// <exception cref="AcceleratorException">The driver fails.</exception>
    public static KernelResources Of(Accelerator accelerator, MethodInfo method)
    {
        Kernel kernel = KernelCode.Load(accelerator, method);
        string name = NameOf(method);
        switch (kernel)
        {
            case CudaKernel cuda:
                accelerator.Bind();
                return new KernelResources(
                    name, CudaFunction.Attribute(NumRegs, cuda.FunctionPtr), CudaFunction.Attribute(LocalSizeBytes, cuda.FunctionPtr),
                    CudaFunction.Attribute(SharedSizeBytes, cuda.FunctionPtr),
                    accelerator.EstimateMaxActiveGroupsPerMultiprocessor(kernel, GpuBackend.Threads));
            case CLKernel cl:
                nint device = ((CLAccelerator)accelerator).DeviceId;
                return new KernelResources(
                    name, null, Bytes(cl, device, CLKernelWorkGroupInfoType.CL_KERNEL_PRIVATE_MEM_SIZE),
                    Bytes(cl, device, CLKernelWorkGroupInfoType.CL_KERNEL_LOCAL_MEM_SIZE), null);
            default:
                return new KernelResources(name, null, null, null, null);
        }
    }

    private static long Bytes(CLKernel kernel, nint device, CLKernelWorkGroupInfoType attribute) =>
        CLAPI.CurrentAPI.GetKernelWorkGroupInfo<long>(kernel.KernelPtr, device, attribute);

    private static string NameOf(Type type) => type.IsGenericType
        ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>"
        : type.Name;

    // ILGPU has no call for it. The driver is in the process already, since there is a CUDA kernel.
    private static unsafe class CudaFunction
    {
        private static readonly delegate* unmanaged<int*, int, nint, int> s_getAttribute =
            (delegate* unmanaged<int*, int, nint, int>)NativeLibrary.GetExport(Driver(), "cuFuncGetAttribute");

        public static int Attribute(int attribute, nint function)
        {
            int value;
            CudaException.ThrowIfFailed((CudaError)s_getAttribute(&value, attribute, function));
            return value;
        }

        private static nint Driver() =>
            DriverLibraries.Cuda() ?? throw new DllNotFoundException("The driver of CUDA is not found again by its names.");
    }
}
