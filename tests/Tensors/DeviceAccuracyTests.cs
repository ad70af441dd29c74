using InfMatch.Autograd;
using InfMatch.Tensors;
using InfMatch.Tests.Autograd;
using Xunit.Abstractions;

namespace InfMatch.Tests.Tensors;

/// <summary>
/// How far float32 kernels of devices are from float64 on the same numbers: the contract in docs/design.md, "Number types".
/// The errors are written out and bounded.
/// </summary>
[Collection(SharedBackends.Name)]
public sealed class DeviceAccuracyTests(ITestOutputHelper output)
{
    private static readonly Lazy<GpuBackend> s_simulator = new(() => new GpuBackend(GpuBackend.Simulator));

    public static TheoryData<string> Devices() =>
    [
        GpuBackend.Simulator,
        .. TestBackends.All.Where(b => b is { DType: DType.Float32, IsCostly: true, IsWide: false }).Select(b => b.Name),
    ];

    private static Backend Device(string name) =>
        name == GpuBackend.Simulator ? s_simulator.Value : TestBackends.Named(name).Shared;

    private static int Size(string on, int small, int large) => on == GpuBackend.Simulator ? small : large;

    // Numbers that float32 holds, so that both sides compute on the same ones.
    private static Input Of(ulong seed, Shape shape, Func<double, double> map) => new(
        shape, Array.ConvertAll(new TestNumbers(seed).Numbers(shape.Count), x => (double)(float)map(x)));

    [Theory, MemberData(nameof(Devices))]
    public void Norm_and_pool(string on)
    {
        var g = new Pool2dGeometry(Size(on, 1, 4), Size(on, 1, 8), 32, 32, 2);
        Input gamma = Of(2, new Shape(g.C), x => 1 + x / 2), beta = Of(3, new Shape(g.C), x => x / 2), dy = Of(4, g.Output, x => x);
        foreach ((double mean, double bound) in new[] { (0.0, 1e-6), (1000.0, 1e-6) })
        {
            // Multiples of 1/1024 are exact beside 1,000 in float32.
            Input x = Of(1, g.Input, v => mean + Math.Round(v * 1024) / 1024);
            Largest(on, $"norm, ReLU, pool; mean {mean}", bound, (b, t) => b.Run(new NormReluPoolCall(
                new NormReluPoolInputs(g, 1e-5, t[0], t[1], t[2]), t[3])), g.Output, x, gamma, beta);
            Largest(on, $"their gradient; mean {mean}", bound, (b, t) => b.Run(new NormReluPoolGradientCall(
                new NormReluPoolInputs(g, 1e-5, t[0], t[1], t[2]), t[3], t[4], null, null)), g.Input, x, gamma, beta, dy);
            Largest(on, $"the adjoint of that; mean {mean}", bound, (b, t) => b.Run(new NormReluPoolSecondCall(
                new NormReluPoolInputs(g, 1e-5, t[0], t[1], t[2]), t[3], new NormReluPoolCotangents(t[4], t[1], t[2]), t[5], null, null)),
                g.Input, x, gamma, beta, dy, Of(10, g.Input, v => v));
        }
        Largest(on, "mean pool", 2e-7, (b, t) => b.Run(new AvgPool2dCall(g, t[0], t[1])), g.Output, Of(5, g.Input, x => x));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Dot_and_sums(string on)
    {
        int count = Size(on, 9000, 1_000_000);
        Input x = Of(6, new Shape(count), v => v), y = Of(7, new Shape(count), v => v);
        double exact = x.Values.Zip(y.Values, (a, b) => a * b).Sum(), size = x.Values.Zip(y.Values, (a, b) => Math.Abs(a * b)).Sum();
        using TensorScope scope = TensorScope.Begin();
        double found = x.On(Device(on), DType.Float32).Dot(y.On(Device(on), DType.Float32));
        Report(on, $"dot of {count}", Math.Abs(found - exact) / size, 1e-13);
        // Each sum is rounded to float32 once.
        var shape = new Shape(Size(on, 40, 400), 8, 64);
        Input terms = Of(8, shape, v => 1 + v);
        Largest(on, $"sums of {shape.Count / 8}", 6.1e-8, (b, t) => b.Run(new SumToCall(t[0], t[1])), new Shape(8, 1), terms);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Cross_entropy(string on)
    {
        int rows = Size(on, 4, 256);
        var shape = new Shape(rows, 10);
        Input labels = new(shape, [.. Enumerable.Range(0, 10 * rows).Select(i => i % 10 == i / 10 % 10 ? 1.0 : 0)]);
        foreach (double margin in new[] { 0.0, 15 })
        {
            // With a margin of 15 the loss is about 1e-5: what is near 1 must not be all that is left.
            Input logits = new(shape, [.. Of(9, shape, v => 3 * v).Values.Zip(labels.Values, (z, q) => (double)(float)(z + margin * q))]);
            Each(on, $"cross-entropy; margin {margin}", 1e-6, (b, t) => b.Run(new CrossEntropyCall(t[0], t[1], t[2])),
                Shape.Scalar, logits, labels);
            Each(on, $"its gradient, each number; margin {margin}", 2e-6, (b, t) => b.Run(new CrossEntropyGradientCall(
                t[0], t[1], t[2], t[3], null)), shape, logits, labels, new Input(Shape.Scalar, [1]));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Exponential_and_logarithm(string on)
    {
        var shape = new Shape(Size(on, 300, 100_000));
        Each(on, "exp", 2e-7, (b, t) => b.Map<ExpFunction>(t[0], t[1]), shape, Of(10, shape, v => 80 * v));
        Each(on, "log", 2e-7, (b, t) => b.Map<LogFunction>(t[0], t[1]), shape, Of(11, shape, v => Math.Exp(80 * v)));
        Each(on, "log near 1", 2e-7, (b, t) => b.Map<LogFunction>(t[0], t[1]), shape, Of(12, shape, v => 1 + v / 2));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Sampling_through_affine_maps(string on)
    {
        int n = Size(on, 1, 8);
        var shape = new Shape(n, 3, 32, 32);
        Input maps = new(new Shape(n, 6), [.. Enumerable.Range(0, n).SelectMany(i => (double[])
            [(float)Math.Cos(0.2 * i), (float)-Math.Sin(0.2 * i), 1.25f, (float)Math.Sin(0.2 * i), (float)Math.Cos(0.2 * i), -0.7f])]);
        Largest(on, "affine maps", 1e-5, (b, t) => b.Run(new AffineSampleCall(t[0], t[1], t[2])), shape, Of(13, shape, v => v), maps);
    }

    // The largest error beside the largest number.
    private void Largest(string on, string what, double bound, Action<Backend, Tensor[]> kernel, Shape result, params Input[] inputs)
    {
        (double[] exact, double[] found) = Both(on, kernel, result, inputs);
        Report(on, what, exact.Zip(found, (e, f) => Math.Abs(e - f)).Max() / exact.Max(Math.Abs), bound);
    }

    // The largest error of a number beside itself.
    private void Each(string on, string what, double bound, Action<Backend, Tensor[]> kernel, Shape result, params Input[] inputs)
    {
        (double[] exact, double[] found) = Both(on, kernel, result, inputs);
        Report(on, what, exact.Zip(found, (e, f) => e == f ? 0 : Math.Abs(e - f) / Math.Abs(e)).Max(), bound);
    }

    private static (double[] Exact, double[] Found) Both(
        string on, Action<Backend, Tensor[]> kernel, Shape result, Input[] inputs)
    {
        double[] Run(Backend backend, DType dtype) => KernelCheck.Run(backend, dtype, (b, t) =>
        {
            Tensor y = KernelCheck.Destination(b, result, dtype);
            kernel(b, [.. t, y]);
            return [y];
        }, inputs)[0];
        return (Run(KernelCheck.Reference, DType.Float64), Run(Device(on), DType.Float32));
    }

    private void Report(string on, string what, double error, double bound)
    {
        output.WriteLine($"{on}, {what}: {error:0.0e-0}");
        Assert.True(error <= bound, $"{on}, {what}: {error:g3} above {bound:g3}.");
    }
}
