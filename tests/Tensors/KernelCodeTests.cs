using System.Reflection;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class KernelCodeTests
{
    [Fact]
    public void What_opens_a_device_again_loads_the_code_that_is_compiled_already()
    {
        MethodInfo kernel;
        using (var asked = new GpuBackend(GpuBackend.Simulator, long.MaxValue, isDryRun: true))
        using (TensorScope.Begin())
        {
            Tensor x = Tensor.Full(asked, DType.Float32, new Shape(3), 1);
            x.Plus(x);
            kernel = asked.Kernels.First();
        }
        CPUDevice device = GpuDevices.Context.Devices.OfType<CPUDevice>().First();
        using Accelerator two = device.CreateAccelerator(GpuDevices.Context);
        ILGPU.Backends.CompiledKernel code;
        using (Accelerator one = device.CreateAccelerator(GpuDevices.Context))
        {
            code = KernelCode.Of(one, kernel);
            Assert.Same(code, KernelCode.Load(one, kernel).CompiledKernel);
        }
        Assert.Same(code, KernelCode.Of(two, kernel));
        // The accelerator that compiled it is gone.
        Assert.Same(code, KernelCode.Load(two, kernel).CompiledKernel);
    }
}
