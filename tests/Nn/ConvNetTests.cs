using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

public sealed class ConvNetTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(5);

    [Theory]
    [InlineData(3, 32, 10, 3, 320_010)]
    [InlineData(1, 28, 10, 3, 317_706)]
    [InlineData(3, 64, 200, 4, 857_160)]
    public void The_published_networks_have_the_published_numbers_of_parameters(
        int channels, int side, int classes, int depth, int count) =>
        Assert.Equal(count, new ConvNet(new Shape(channels, side, side), classes, depth: depth).Layout.Count);

    [Fact]
    public void Parameters_have_the_names_shapes_and_order_of_PyTorch()
    {
        string[] expected =
        [
            "features.0.weight [4, 3, 3, 3]", "features.0.bias [4]", "features.1.weight [4]", "features.1.bias [4]",
            "features.4.weight [4, 4, 3, 3]", "features.4.bias [4]", "features.5.weight [4]", "features.5.bias [4]",
            "classifier.weight [7, 24]", "classifier.bias [7]",
        ];
        IReadOnlyList<Parameter> found = new ConvNet(new Shape(3, 8, 12), 7, width: 4, depth: 2).Layout.Parameters;
        Assert.Equal(expected, found.Select(p => $"{p.Name} {p.Shape}"), StringComparer.Ordinal);
        for (int i = 0, offset = 0; i < found.Count; offset += found[i++].Shape.Count)
            Assert.Equal(offset, found[i].Offset);
    }

    [Fact]
    public void Weights_and_biases_start_uniform_within_one_over_the_root_of_the_fan_in_and_norms_at_one_and_zero()
    {
        var network = new ConvNet(new Shape(3, 16, 16), 10, width: 32, depth: 2);
        double[] theta = network.Initialise(new CpuBackend(1), DType.Float64, s_key).ToArray<double>();
        foreach (Parameter parameter in network.Layout.Parameters)
        {
            double[] values = theta[parameter.Offset..(parameter.Offset + parameter.Shape.Count)];
            int fanIn = parameter.Name switch
            {
                "features.0.weight" or "features.0.bias" => 27,
                "features.4.weight" or "features.4.bias" => 288,
                "classifier.weight" or "classifier.bias" => 512,
                _ => 0,
            };
            if (fanIn == 0)
            {
                double constant = parameter.Name.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0;
                Assert.All(values, v => Assert.Equal(constant, v));
                continue;
            }
            double bound = 1 / Math.Sqrt(fanIn);
            Assert.All(values, v => Assert.InRange(v, -bound, bound));
            Assert.Equal(values.Length, values.Distinct().Count());
            if (values.Length < 500)
                continue;
            double mean = values.Average(), variance = values.Sum(v => (v - mean) * (v - mean)) / values.Length;
            Assert.InRange(mean / bound, -4 / Math.Sqrt(3.0 * values.Length), 4 / Math.Sqrt(3.0 * values.Length));
            Assert.InRange(variance * 3 / (bound * bound), 0.9, 1.1);
            Assert.True(values.Max() > 0.98 * bound && values.Min() < -0.98 * bound, parameter.Name);
        }
    }

    [Fact]
    public void A_parameter_starts_the_same_whatever_other_parameters_there_are()
    {
        var shallow = new ConvNet(new Shape(3, 8, 8), 5, width: 6, depth: 1);
        var deep = new ConvNet(new Shape(3, 8, 8), 9, width: 6, depth: 3);
        var backend = new CpuBackend(1);
        double[] a = shallow.Initialise(backend, DType.Float64, s_key).ToArray<double>();
        double[] b = deep.Initialise(backend, DType.Float64, s_key).ToArray<double>();
        int shared = deep.Layout.Parameters[4].Offset;
        Assert.Equal(a[..shared], b[..shared]);
        double[] other = shallow.Initialise(backend, DType.Float64, s_key.Split(1)).ToArray<double>();
        Assert.NotEqual(a[..shared], other[..shared]);
    }

    [Theory]
    [InlineData(1, 6, 6, 1, Activation.Softplus)]
    [InlineData(3, 9, 8, 2, Activation.Relu)]
    [InlineData(2, 8, 11, 3, Activation.Tanh)]
    [InlineData(1, 28, 28, 3, Activation.Relu)]
    public void Logits_and_loss_equal_those_of_plain_loops(int c, int h, int w, int depth, Activation activation)
    {
        var backend = new CpuBackend(1);
        var network = new ConvNet(new Shape(c, h, w), 4, width: 3, depth, activation);
        double[] theta = Perturbed(network), images = Normal(2 * c * h * w, "images");
        double[] labels = [0.1, 0.2, 0.3, 0.4, 0, 1, 0, 0];

        Variable parameters = Constant(backend, theta, new Shape(theta.Length));
        Variable batch = Constant(backend, images, new Shape(2, c, h, w));
        double[] found = network.Forward(parameters, batch).Value.ToArray<double>();
        double loss = network.Loss(parameters, batch, Constant(backend, labels, new Shape(2, 4))).Value.ToScalar();

        Func<double, double> function = activation switch
        {
            Activation.Relu => x => Math.Max(x, 0),
            Activation.Softplus => x => Math.Log(1 + Math.Exp(x)),
            _ => Math.Tanh,
        };
        double[] expected = PlainNetworks.ConvNet(theta, images, 2, (c, h, w), 3, depth, 4, h == 28 ? 3 : 1, function);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        Assert.Equal(PlainNetworks.CrossEntropy(expected, labels, 2), loss, 1e-12);
    }

    [Fact]
    public void The_fused_path_equals_the_composed_one_in_value_gradient_and_Hessian_vector_product()
    {
        var backend = new CpuBackend(1);
        var network = new ConvNet(new Shape(2, 8, 8), 3, width: 3, depth: 2);
        Tensor theta = Tensor.From<double>(backend, Perturbed(network), new Shape(network.Layout.Count));
        Tensor along = Tensor.From<double>(backend, Normal(network.Layout.Count, "along"), theta.Shape);
        Variable images = Constant(backend, Normal(4 * 128, "images"), new Shape(4, 2, 8, 8));
        Variable labels = Constant(backend, [1, 0, 0, 0, 1, 0, 0, 0, 1, 0.2, 0.3, 0.5], new Shape(4, 3));
        Variable Fused(Variable t) => network.Loss(t, images, labels);
        Variable Composed(Variable t)
        {
            Variable[] p = network.Layout.Split(t);
            Variable x = images;
            for (int block = 0; block < 2; block++)
            {
                x = x.Conv2d(p[4 * block], p[4 * block + 1], padding: 1)
                    .InstanceNorm(p[4 * block + 2], p[4 * block + 3]).Relu().AvgPool2d(2);
            }
            Variable logits = x.Reshape(new Shape(4, 12)).MatMul(p[8], transposeB: true) + p[9];
            return logits.CrossEntropy(labels);
        }

        Assert.Equal(
            Composed(Variable.Constant(theta)).Value.ToScalar(), Fused(Variable.Constant(theta)).Value.ToScalar(),
            1e-13);
        AssertClose(Differential.GradientAt(Composed, theta), Differential.GradientAt(Fused, theta), 1e-12);
        AssertClose(Differential.Hvp(Composed, theta, along), Differential.Hvp(Fused, theta, along), 1e-10);
    }

    [Fact]
    public void Wrong_images_and_parameters_are_named()
    {
        var backend = new CpuBackend(1);
        var network = new ConvNet(new Shape(1, 6, 6), 3, width: 2, depth: 1);
        Variable theta = Constant(backend, new double[network.Layout.Count], new Shape(network.Layout.Count));
        string Images(Shape shape) => Assert.Throws<ShapeException>(
            () => network.Forward(theta, Constant(backend, new double[shape.Count], shape))).Message;
        Assert.Equal("convnet-d1-w2 takes images [N, 1, 6, 6], got [2, 1, 6, 5].", Images(new Shape(2, 1, 6, 5)));
        Assert.Equal("convnet-d1-w2 takes images [N, 1, 6, 6], got [1, 6, 6].", Images(new Shape(1, 6, 6)));
        Variable wrong = Constant(backend, new double[5], new Shape(5));
        Assert.Equal(
            $"Split: a vector of {network.Layout.Count} elements was expected, got [5].",
            Assert.Throws<ShapeException>(
                () => network.Forward(wrong, Constant(backend, new double[36], new Shape(1, 1, 6, 6)))).Message);
    }

    [Fact]
    public void Impossible_networks_are_refused_with_the_reason()
    {
        void Refused(string reason, Func<Network> make) =>
            Assert.Contains(reason, Assert.Throws<ShapeException>(make).Message, StringComparison.Ordinal);
        Refused("3 poolings leave nothing of images [1, 6, 6]", () => new ConvNet(new Shape(1, 6, 6), 3));
        Refused("width 0", () => new ConvNet(new Shape(1, 8, 8), 3, width: 0));
        Refused("depth 0", () => new ConvNet(new Shape(1, 8, 8), 3, depth: 0));
        Refused("at least 2 classes, got 1", () => new ConvNet(new Shape(1, 8, 8), 1));
        Refused("[C, H, W], got [8, 8]", () => new Mlp(new Shape(8, 8), 3, []));
        Refused("at least 1, got 0", () => new Mlp(new Shape(1, 8, 8), 3, [4, 0]));
    }

    [Fact]
    public void Names_tell_networks_apart()
    {
        var image = new Shape(1, 8, 8);
        Assert.Equal("convnet-d2-w5", new ConvNet(image, 3, 5, 2).Name);
        Assert.Equal("convnet-d2-w5-tanh", new ConvNet(image, 3, 5, 2, Activation.Tanh).Name);
        Assert.Equal("mlp-64-7-3", new Mlp(image, 3, [7]).Name);
        Assert.Equal("mlp-64-3-gelu", new Mlp(image, 3, [], Activation.Gelu).Name);
    }

    [Fact]
    public void A_perceptron_equals_plain_loops_and_without_hidden_layers_is_linear()
    {
        var backend = new CpuBackend(1);
        var deep = new Mlp(new Shape(1, 2, 3), 3, [5], Activation.Tanh);
        Assert.Equal(
            ["fc_1.weight [5, 6]", "fc_1.bias [5]", "fc_2.weight [3, 5]", "fc_2.bias [3]"],
            deep.Layout.Parameters.Select(p => $"{p.Name} {p.Shape}"), StringComparer.Ordinal);
        double[] theta = Perturbed(deep), images = Normal(24, "images");
        double[] labels = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5, 0.5, 0];
        Tensor parameters = Tensor.From<double>(backend, theta, new Shape(theta.Length));
        Variable batch = Constant(backend, images, new Shape(4, 1, 2, 3));
        (Tensor loss, Tensor gradient) = deep.LossAndGradient(
            parameters, batch, Constant(backend, labels, new Shape(4, 3)));
        (double expected, double[] byHand) = PlainNetworks.Perceptron(theta, images, labels, 4, 6, 5, 3);
        Assert.Equal(expected, loss.ToScalar(), 1e-13);
        AssertClose(Tensor.From<double>(backend, byHand, gradient.Shape), gradient, 1e-12);

        var linear = new Mlp(new Shape(1, 2, 3), 3, []);
        double[] plain = PlainNetworks.Linear(images, theta[..18], theta[18..21], 4, 6, 3);
        double[] found = linear.Forward(Constant(backend, theta[..21], new Shape(21)), batch).Value.ToArray<double>();
        Assert.All(plain.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-13));
    }

    internal static void AssertClose(Tensor expected, Tensor found, double relative)
    {
        double error = found.Minus(expected).Norm(), size = expected.Norm();
        Assert.True(size > 0, "a comparison with zero proves nothing");
        Assert.True(error <= relative * size, $"relative error {error / size:G3}, {relative:G3} allowed");
    }

    // Initial values with every constant moved, so that norm scales and biases take part.
    private static double[] Perturbed(Network network)
    {
        double[] theta = network.Initialise(new CpuBackend(1), DType.Float64, s_key).ToArray<double>();
        double[] noise = Normal(theta.Length, "noise");
        return [.. theta.Zip(noise, (a, b) => a + 0.2 * b)];
    }

    private static double[] Normal(int count, string stream)
    {
        var values = new double[count];
        s_key.Split(stream).Normal(values);
        return values;
    }

    private static Variable Constant(Backend backend, double[] values, Shape shape) =>
        Variable.Constant(Tensor.From<double>(backend, values, shape));
}
