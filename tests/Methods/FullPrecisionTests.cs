using System.Reflection;
using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Methods;

/// <summary>
/// Which kernels of products are asked for by ordinary gradients and by differences of gradients. The backend takes note
/// of its kernels and runs none; every product takes the kernel for large ones.
/// </summary>
public sealed class FullPrecisionTests
{
    private static readonly Network s_network = new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1);

    [Theory]
    [InlineData(Precision.Float32, "WideProductKernels")]
    [InlineData(Precision.Tf32, "OneTf32")]
    [InlineData(Precision.ThreeTf32, "SplitTf32")]
    public void A_training_step_takes_the_precision_that_was_asked_for(Precision precision, string kernels) =>
        Assert.Equal([kernels], KernelsOf(precision, (loss, theta, v, s) => Differential.GradientAt(
            t => loss(t, [.. s.Select(Variable.Constant)]), theta)));

    // Exact second derivatives subtract nothing.
    [Fact]
    public void Exact_products_take_the_precision_that_was_asked_for()
    {
        Assert.Equal(["OneTf32"], KernelsOf(Precision.Tf32, (loss, theta, v, s) => MixedProduct.Exact(loss, theta, v, s)));
        Assert.Equal(["OneTf32"], KernelsOf(Precision.Tf32, (loss, theta, v, s) => Differential.Hvp(
            t => loss(t, [.. s.Select(Variable.Constant)]), theta, v)));
    }

    [Theory]
    [InlineData(Precision.Tf32, "WideProductKernels")]
    [InlineData(Precision.ThreeTf32, "SplitTf32")]
    public void Differences_never_take_plain_tf32(Precision precision, string kernels)
    {
        Assert.Equal([kernels], KernelsOf(precision, (loss, theta, v, s) => Differential.HvpByDifferences(
            t => loss(t, [.. s.Select(Variable.Constant)]), theta, v)));
        Assert.Equal([kernels], KernelsOf(
            precision, (loss, theta, v, s) => MixedProduct.ByDifferences(loss, theta, v, s)));
    }

    // The estimator's own outer difference, around exact products as around differences; and the first-order one.
    [Theory]
    [InlineData("paper", SecondDerivatives.Exact)]
    [InlineData("paper", SecondDerivatives.FiniteDifference)]
    [InlineData("first-order", SecondDerivatives.FiniteDifference)]
    public void The_pullback_of_an_estimator_by_differences_never_takes_plain_tf32(string name, SecondDerivatives mode)
    {
        using GpuBackend backend = DryRun(Precision.Tf32);
        backend.Tiling = ProductTiling.Narrow;
        using var problem = new TinyProblem(
            CheckpointSchedule.Every(6), mode: mode, backend: backend, dtype: DType.Float32, network: s_network);
        using TensorScope scope = TensorScope.Begin();
        Tensor u = Tensor.Full(backend, DType.Float32, new Shape(s_network.Layout.Count), 1);
        using var open = new OpenWindow(problem.Context, new Window(0, 0, 3));
        Displacement Displace() => InfluenceEstimator.Of(name).Synthetic(
            open, problem.Start, new ImageLoss(s_network, Augmentation.None, RandomKey.FromSeed(1)));
        Displacement narrow = Displace();
        Assert.Empty(Kernels(backend));
        backend.Tiling = ProductTiling.Wide;
        narrow.Pullback(u);
        Assert.Equal(["WideProductKernels"], Kernels(backend));
        Displace();
        Assert.Contains("OneTf32", Kernels(backend), StringComparer.Ordinal);
    }

    [Fact]
    public void The_requirement_nests_ends_once_and_stays_on_its_thread()
    {
        Assert.False(FullPrecision.IsRequired);
        IDisposable outer = FullPrecision.Require();
        using (FullPrecision.Require())
            Assert.True(FullPrecision.IsRequired);
        Assert.True(FullPrecision.IsRequired);
        bool elsewhere = true;
        var thread = new Thread(() => elsewhere = FullPrecision.IsRequired);
        thread.Start();
        thread.Join();
        Assert.False(elsewhere);
        outer.Dispose();
        outer.Dispose();
        Assert.False(FullPrecision.IsRequired);
        using (FullPrecision.Require())
            Assert.True(FullPrecision.IsRequired);
    }

    [Fact]
    public void The_requirement_ends_with_an_error_inside()
    {
        using TensorScope scope = TensorScope.Begin();
        Tensor theta = Tensor.Full(new ReferenceBackend(), DType.Float32, new Shape(2), 1);
        Assert.Throws<NotSupportedException>(() => Differential.HvpByDifferences(
            _ => throw new NotSupportedException(), theta, theta));
        Assert.False(FullPrecision.IsRequired);
    }

    private static GpuBackend DryRun(Precision precision) =>
        new(GpuBackend.Simulator, long.MaxValue, isDryRun: true, precision) { Tiling = ProductTiling.Wide };

    private static string[] KernelsOf(Precision precision, Func<Loss, Tensor, Tensor, Tensor[], object> work)
    {
        using GpuBackend backend = DryRun(precision);
        using TensorScope scope = TensorScope.Begin();
        Tensor theta = s_network.Initialise(backend, DType.Float32, RandomKey.FromSeed(1));
        Tensor v = Tensor.Full(backend, DType.Float32, theta.Shape, 1);
        Tensor images = Tensor.Full(backend, DType.Float32, new Shape(3, 1, 6, 6), 1);
        Tensor logits = Tensor.Full(backend, DType.Float32, new Shape(3, 3), 1);
        var loss = new ImageLoss(s_network, Augmentation.None, RandomKey.FromSeed(2));
        work(loss.At, theta, v, [images, logits]);
        return Kernels(backend);
    }

    // Of each product that is not narrow, its class, or its rounding where it is for tensor cores.
    private static string[] Kernels(GpuBackend backend) =>
    [
        .. backend.Kernels.Select(Kind).OfType<string>().Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    private static string? Kind(MethodInfo kernel) =>
        kernel.DeclaringType == typeof(TensorCoreKernels) ? kernel.GetGenericArguments()[^1].Name
        : kernel.DeclaringType == typeof(WideProductKernels) ? nameof(WideProductKernels)
        : null;
}
