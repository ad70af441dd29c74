using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;
using Xunit.Abstractions;

namespace InfMatch.Tests.Tensors;

/// <summary>What Winograd's form costs in accuracy, beside the direct sum: the figures of docs/performance.md.</summary>
public sealed class WinogradTests(ITestOutputHelper output)
{
    private readonly CpuBackend _winograd = new(1), _direct = new(1) { HasDirectConvolutions = true };

    [Theory]
    [InlineData(32, 16)]
    [InlineData(32, 7)]
    [InlineData(128, 16)]
    [InlineData(128, 8)]
    public void The_error_of_a_layer_stays_within_a_few_times_that_of_direct_sums(int channels, int side)
    {
        var g = new Conv2dGeometry(2, channels, side, side, new Conv2dFilter(channels, 3, 3, 1, 1));
        Input x = Input.Random(1, [.. g.Input.Sizes]), w = Input.Random(2, [.. g.Weight.Sizes]);
        Input dy = Input.Random(3, [.. g.Output.Sizes]);
        (string Name, Input[] Inputs, Func<Backend, Tensor[], Tensor[]> Kernel)[] forms =
        [
            ("forward", [x, w], (b, t) => Into(b, g.Output, t, y => b.Run(new Conv2dCall(g, t[0], t[1], null, y)))),
            ("input gradient", [dy, w], (b, t) => Into(b, g.Input, t, y => b.Run(new Conv2dInputGradientCall(
                g, t[0], t[1], y)))),
            ("weight gradient", [x, dy], (b, t) => Into(b, g.Weight, t, y => b.Run(new Conv2dWeightGradientCall(
                g, t[0], t[1], y)))),
        ];
        foreach ((string name, Input[] inputs, Func<Backend, Tensor[], Tensor[]> kernel) in forms)
        {
            double[] exact = KernelCheck.Run(_direct, DType.Float64, kernel, inputs)[0];
            double Error(CpuBackend cpu)
            {
                double[] found = KernelCheck.Run(cpu, DType.Float32, kernel, inputs)[0];
                return Math.Sqrt(exact.Zip(found, (a, b) => (a - b) * (a - b)).Sum() / exact.Sum(a => a * a));
            }
            (double winograd, double direct) = (Error(_winograd), Error(_direct));
            output.WriteLine($"{channels} channels, {side}×{side}, {name}: direct {direct:g2}, Winograd {winograd:g2}");
            Assert.NotEqual(direct, winograd);
            Assert.InRange(winograd, 0, 1.5e-6);
        }
    }

    private static Tensor[] Into(Backend backend, Shape shape, Tensor[] inputs, Action<Tensor> kernel)
    {
        Tensor y = KernelCheck.Destination(backend, shape, inputs[0].DType);
        kernel(y);
        return [y];
    }

    // What a difference divides by its small step must not be the error of Winograd's form: beside the truncation of the
    // difference it must not be seen.
    [Theory]
    [InlineData(32)]
    [InlineData(128)]
    public void A_mixed_product_by_differences_is_as_good_as_with_direct_sums(int width)
    {
        using TensorScope scope = TensorScope.Begin();
        Tensor exact = Mixed(_direct, width, DType.Float64, isExact: true);
        double Error(Tensor found) => found.Minus(exact).Norm() / exact.Norm();
        double truncation = Error(Mixed(_direct, width, DType.Float64, isExact: false));
        double direct = Error(Mixed(_direct, width, DType.Float32, isExact: false));
        double winograd = Error(Mixed(_winograd, width, DType.Float32, isExact: false));
        output.WriteLine(FormattableString.Invariant(
            $"width {width}: truncation {truncation:g3}, direct sums {direct:g3}, Winograd {winograd:g3}"));
        Assert.NotEqual(direct, winograd);
        Assert.InRange(winograd, 0, 1.1 * direct);
        Assert.InRange(winograd, 0, 4e-4);
    }

    private Tensor Mixed(CpuBackend cpu, int width, DType dtype, bool isExact)
    {
        var network = new ConvNet(new Shape(3, 16, 16), 10, width, 2, Activation.Softplus);
        RandomKey key = RandomKey.FromSeed(5);
        Tensor Normal(string name, params int[] sizes)
        {
            var shape = new Shape(sizes);
            var values = new double[shape.Count];
            key.Split(name).Normal(values);
            return Tensor.From(cpu, dtype, values, shape);
        }
        Tensor theta = network.Initialise(cpu, DType.Float64, key).To(dtype);
        Tensor direction = Normal("direction", theta.Count);
        Tensor[] s = [Normal("images", 4, 3, 16, 16), Normal("logits", 4, 10)];
        Variable Loss(Variable at, IReadOnlyList<Variable> set) => network.Loss(at, set[0], set[1].Softmax());
        Tensor product = isExact
            ? MixedProduct.Exact(Loss, theta, direction, s)[0]
            : MixedProduct.ByDifferences(Loss, theta, direction, s, DifferenceStep.Default(DType.Float32))[0];
        return Tensor.From(_direct, DType.Float64, product.ToArray<double>(), product.Shape);
    }
}
