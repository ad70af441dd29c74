using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Tests.Tensors;

public sealed class MaxPoolTests
{
    public static TheoryData<string> Backends => ["reference", "cpu", "threads"];

    [Theory]
    [MemberData(nameof(Backends))]
    public void Of_equal_elements_the_first_gets_the_cotangent_and_NaN_spreads(string name)
    {
        Backend backend = Open(name);
        double[] x = [1, 1, 3, 2, 1, 1, 3, 4, -1, double.NaN, 0, -0.0, double.NaN, 5, -0.0, -1];
        Variable image = Variable.Leaf(Tensor.From<double>(backend, x, new Shape(1, 1, 4, 4)));
        Variable y = image.MaxPool2d(2);
        Assert.Equal([1, 4, double.NaN, 0], y.Value.ToArray<double>());
        Variable weights = Variable.Constant(Tensor.From<double>(backend, [10, 20, 30, 40], y.Shape));
        double[] dx = Gradient.Of(y.Dot(weights), [image])[0].Value.ToArray<double>();
        Assert.Equal([10, 0, 0, 0, 0, 0, 0, 20, 0, 30, 40, 0, 0, 0, 0, 0], dx);
    }

    [Theory]
    [InlineData(5, 7, 9, 11, 2)]
    [InlineData(40, 16, 32, 32, 2)]
    [InlineData(3, 4, 10, 7, 3)]
    public void Many_planes_equal_the_definition_bit_by_bit(int n, int c, int h, int w, int window)
    {
        var g = new Pool2dGeometry(n, c, h, w, window);
        var numbers = new double[g.Input.Count];
        RandomKey.FromSeed(1).Normal(numbers);
        double[] other = [.. Enumerable.Range(0, g.Output.Count).Select(i => (double)i)];
        (double[] Y, double[] Dx) Run(Backend backend)
        {
            Tensor x = Tensor.From<double>(backend, numbers, g.Input), dy = Tensor.From<double>(backend, other, g.Output);
            Tensor y = backend.Empty(g.Output, DType.Float64), dx = backend.Empty(g.Input, DType.Float64);
            backend.Run(new MaxPool2dCall(g, x, x, y));
            backend.Run(new MaxPool2dGradientCall(g, x, dy, dx));
            return (y.ToArray<double>(), dx.ToArray<double>());
        }
        (double[] expectedY, double[] expectedDx) = Run(new ReferenceBackend());
        (double[] foundY, double[] foundDx) = Run(new CpuBackend(3));
        Assert.Equal(expectedY, foundY);
        Assert.Equal(expectedDx, foundDx);
    }

    private static Backend Open(string name) =>
        name == "reference" ? new ReferenceBackend() : new CpuBackend(name == "cpu" ? 1 : 2);
}
