using System.Reflection;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>A device without float64 computes float32 tensors, and keeps float64 ones.</summary>
[Collection(InfMatch.Tests.Autograd.SharedBackends.Name)]
public sealed class WithoutFloat64Tests
{
    private static GpuBackend On(string device, bool isDryRun = false) =>
        new(device, long.MaxValue, isDryRun, Precision.Float32, usesFloat64: false);

    [Fact]
    public void No_float32_tensor_asks_for_a_kernel_of_float64()
    {
        IReadOnlyCollection<MethodInfo> kernels = DeviceCode.KernelsWithoutFloat64();
        Assert.True(kernels.Count > 60, $"Only {kernels.Count} kernels were asked for.");
        Assert.DoesNotContain(kernels, DeviceCode.IsOfFloat64);
        Assert.DoesNotContain(
            kernels.SelectMany(k => k.GetParameters()), p => p.ParameterType.ToString().Contains("Double", StringComparison.Ordinal));
    }

    [Fact]
    public void Float64_tensors_are_refused_with_the_device_the_kernel_and_a_way_out()
    {
        using GpuBackend device = On(GpuBackend.Simulator, isDryRun: true);
        Assert.True(device.Computes(DType.Float32));
        Assert.False(device.Computes(DType.Float64));
        using TensorScope scope = TensorScope.Begin();
        Tensor x = Tensor.Full(device, DType.Float64, new Shape(2, 2), 1), y = device.Empty(x.Shape, DType.Float64);
        Refused(nameof(MatMulCall), () => device.Run(new MatMulCall(x, false, x, false, y)));
        Refused(nameof(ExpFunction), () => device.Map<ExpFunction>(x, y));
        Refused(nameof(AddFunction), () => device.Zip<AddFunction>(x, x, y));
        Refused("Uniform", () => device.Uniform(default, 0, 1, y));
        Assert.DoesNotContain(OpCheck.All(typeof(MatMul), device), report => report.What.Contains("differences", StringComparison.Ordinal));

        static void Refused(string kernel, Action call)
        {
            string message = Assert.Throws<DeviceException>(call).Message;
            Assert.StartsWith(GpuBackend.Simulator, message, StringComparison.Ordinal);
            Assert.Contains($"has no float64, and {kernel} of float64 tensors", message, StringComparison.Ordinal);
            Assert.Contains("--number-type float32", message, StringComparison.Ordinal);
            Assert.Contains("--device cpu", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Float64_numbers_are_kept_moved_and_converted_on_the_simulator() => Keep(GpuBackend.Simulator);

    [SkippableTheory]
    [InlineData("cuda:0")]
    [InlineData("opencl:0")]
    public void Float64_numbers_are_kept_moved_and_converted_on_a_device(string device)
    {
        TestDevice.SkipWithout(device);
        Keep(device);
    }

    private static void Keep(string name)
    {
        using GpuBackend device = On(name);
        using TensorScope scope = TensorScope.Begin();
        double[] numbers = [1 / 3.0, -1e300, 1e-300, double.NaN, double.NegativeInfinity, 0, -0.0, Math.PI];
        Tensor x = Tensor.From<double>(device, numbers, new Shape(8)), copy = device.Empty(x.Shape, DType.Float64);
        device.Copy(x, copy);
        Assert.Equal(KernelCheck.Bits(numbers), KernelCheck.Bits(copy.ToArray<double>()));
        Assert.Equal(Array.ConvertAll(numbers, v => (float)v), x.To(DType.Float32).ToArray<float>());
        device.Fill(copy, 1 / 3.0);
        Assert.All(copy.ToArray<double>(), value => Assert.Equal(1 / 3.0, value));
        Tensor both = device.Empty(new Shape(16), DType.Float64);
        device.Concat([x, copy], both);
        Assert.Equal([.. numbers, .. Enumerable.Repeat(1 / 3.0, 8)], both.ToArray<double>());

        float[] singles = [0.1f, -3e38f, 1e-40f, float.NaN, float.PositiveInfinity, 16777215, -0f, 1];
        Tensor y = Tensor.From<float>(device, singles, new Shape(8));
        Assert.Equal(Array.ConvertAll(singles, v => (double)v), y.To(DType.Float64).ToArray<double>());
        float[] few = [0.1f, 0.2f, -0.3f, 1e6f, 1e-7f, -1e6f];
        Tensor z = Tensor.From<float>(device, few, new Shape(6));
        Assert.Equal(few.Sum(v => (double)v * v), z.Dot(z), 1e-13 * few.Sum(v => (double)v * v));
    }
}
