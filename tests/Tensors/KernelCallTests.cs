using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

/// <summary>A kernel is a record of its arguments, found by its type: no compiler misses one that a backend
/// lacks.</summary>
public sealed class KernelCallTests
{
    private static readonly Type[] s_calls =
        [.. typeof(IKernelCall).Assembly.GetTypes().Where(t => t.IsValueType && t.IsAssignableTo(typeof(IKernelCall)))];

    public static TheoryData<Type> Kernels =>
    [
        typeof(ReferenceKernels<float>), typeof(ReferenceKernels<double>),
        .. KernelCheck.Widths.SelectMany(cpu => (Type[])[cpu.KernelsOf(DType.Float32), cpu.KernelsOf(DType.Float64)]),
        typeof(GpuKernels<float, Float32Numbers, Float32Pair>), typeof(GpuKernels<double, Float64Numbers, PlainFloat64>),
    ];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_call_has_a_kernel_on_every_backend(Type kernels)
    {
        Assert.True(s_calls.Length >= 23, $"Only {s_calls.Length} calls were found.");
        Assert.DoesNotContain(s_calls, call => !kernels.IsAssignableTo(typeof(IKernel<>).MakeGenericType(call)));
    }

    [Fact]
    public void A_call_without_a_kernel_says_what_is_missing()
    {
        using TensorScope scope = TensorScope.Begin();
        Tensor x = Tensor.Full(KernelCheck.Reference, DType.Float32, Shape.Scalar, 1);
        Assert.Contains(
            "reference has no kernel for UnknownCall: ReferenceKernels`1 must implement IKernel<UnknownCall>",
            Assert.Throws<NotSupportedException>(() => x.Backend.Run(new UnknownCall(x))).Message, StringComparison.Ordinal);
    }

    private readonly record struct UnknownCall(Tensor X) : IKernelCall
    {
        public DType DType => X.DType;

        public Tensor?[] Tensors => [X];
    }
}
