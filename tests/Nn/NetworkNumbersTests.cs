using System.Text.Json;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Architecture;

namespace InfMatch.Tests.Nn;

/// <summary>Every network beside PyTorch on the same weights: tests/Golden/networks.json, by
/// eng/make-network-numbers.py.</summary>
public sealed class NetworkNumbersTests
{
    private const double Relative = 1e-9;
    private const int Batch = 2, Classes = 10;
    private const uint Images = 1000, Labels = 2000, Direction = 3000, Pattern = 4000, Features = 5000;

    private static readonly JsonElement[] s_cases =
        [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "Golden", "networks.json")))
            .RootElement.EnumerateArray()];

    public static TheoryData<int, string> Cases
    {
        get
        {
            var cases = new TheoryData<int, string>();
            for (int i = 0; i < s_cases.Length; i++)
                cases.Add(i, NetworkOf(s_cases[i]).Name + " " + NetworkOf(s_cases[i]).Image);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_network_gives_the_numbers_of_PyTorch(int index, string name)
    {
        JsonElement expected = s_cases[index];
        Network network = NetworkOf(expected);
        Assert.StartsWith(network.Name, name, StringComparison.Ordinal);
        Assert.Equal(expected.GetProperty("count").GetInt32(), network.Layout.Count);
        Assert.Equal(
            expected.GetProperty("parameters").EnumerateArray().Select(p => p.GetString()!),
            network.Layout.Parameters.Select(p => p.Name), StringComparer.Ordinal);

        var backend = new CpuBackend(2);
        using TensorScope scope = TensorScope.Begin();
        Tensor theta = Tensor.From<double>(backend, Initial(network), new Shape(network.Layout.Count));
        int[] image = network.Image.Sizes.ToArray();
        var shape = new Shape([Batch, .. image]);
        Tensor images = Tensor.From<double>(backend, [.. Draw(Images, shape.Count).Select(v => 2 * v)], shape);
        Variable labels = Variable.Constant(Tensor.From<double>(backend, SoftLabels(), new Shape(Batch, Classes)));

        double[] logits = network.Forward(Variable.Constant(theta), Variable.Constant(images)).Value.ToArray<double>();
        AssertClose([.. expected.GetProperty("logits").EnumerateArray().Select(v => v.GetDouble())], logits, "logits");

        Variable t = Variable.Leaf(theta), x = Variable.Leaf(images);
        Variable loss = network.Loss(t, x, labels);
        AssertClose([expected.GetProperty("loss").GetDouble()], [loss.Value.ToScalar()], "loss");
        // Without a graph of the gradient, by the fused kernels.
        Variable[] found = Gradient.Of(loss, [t, x]);
        double[] gradient = found[0].Value.ToArray<double>();
        double whole = Math.Sqrt(gradient.Sum(g => g * g));
        AssertSummary(expected.GetProperty("imageGradient"), found[1].Value.ToArray<double>(), "image gradient");
        foreach ((JsonElement e, Parameter p) in
            expected.GetProperty("gradients").EnumerateArray().Zip(network.Layout.Parameters))
            AssertSummary(e, gradient[p.Offset..(p.Offset + p.Shape.Count)], p.Name, leastLength: whole / 1000);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_network_gives_the_second_derivatives_of_PyTorch(int index, string name)
    {
        JsonElement expected = s_cases[index];
        Network network = NetworkOf(expected);
        Assert.StartsWith(network.Name, name, StringComparison.Ordinal);
        var backend = new CpuBackend(2);
        using TensorScope scope = TensorScope.Begin();
        int[] image = network.Image.Sizes.ToArray();
        var shape = new Shape([Batch, .. image]);
        Variable t = Variable.Leaf(Tensor.From<double>(backend, Initial(network), new Shape(network.Layout.Count)));
        Variable x = Variable.Leaf(
            Tensor.From<double>(backend, [.. Draw(Images, shape.Count).Select(v => 2 * v)], shape));
        Variable labels = Variable.Constant(Tensor.From<double>(backend, SoftLabels(), new Shape(Batch, Classes)));
        Variable v = Variable.Constant(
            Tensor.From<double>(backend, Draw(Direction, network.Layout.Count), new Shape(network.Layout.Count)));
        Variable slope = Gradient.Of(network.Loss(t, x, labels), t, createGraph: true);
        Variable[] found = Gradient.Of(slope.Dot(v), [t, x]);
        AssertSummary(expected.GetProperty("hvp"), found[0].Value.ToArray<double>(), "H v");
        AssertSummary(expected.GetProperty("mixed"), found[1].Value.ToArray<double>(), "d/dx <v, gradient>");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_network_gives_the_features_of_PyTorch_and_their_derivatives(int index, string name)
    {
        JsonElement expected = s_cases[index];
        Network network = NetworkOf(expected);
        Assert.StartsWith(network.Name, name, StringComparison.Ordinal);
        var backend = new CpuBackend(2);
        using TensorScope scope = TensorScope.Begin();
        int[] image = network.Image.Sizes.ToArray();
        var shape = new Shape([Batch, .. image]);
        Variable t = Variable.Leaf(Tensor.From<double>(backend, Initial(network), new Shape(network.Layout.Count)));
        Variable x = Variable.Leaf(
            Tensor.From<double>(backend, [.. Draw(Images, shape.Count).Select(v => 2 * v)], shape));
        (Variable logits, NetworkFeatures features) = network.ForwardWithFeatures(t, x);
        Assert.Equal(network.Forward(t, x).Value.ToArray<double>(), logits.Value.ToArray<double>());
        Variable alone = network.Features(t, x).Embedding;
        Assert.Equal(features.Embedding.Value.ToArray<double>(), alone.Value.ToArray<double>());
        Assert.Equal(new Shape(Batch, network.EmbeddingSize), features.Embedding.Shape);
        AssertFeatures(expected.GetProperty("embedding"), [features.Embedding], [t, x], "embedding");
        AssertFeatures(expected.GetProperty("blocks"), features.Blocks, [t, x], "block");
    }

    // The values of each, and the gradient of the sum of their products with patterns.
    private static void AssertFeatures(JsonElement expected, IReadOnlyList<Variable> found, Variable[] wrt, string what)
    {
        Shape[] shapes = [.. expected.GetProperty("shapes").EnumerateArray()
            .Select(shape => new Shape([.. shape.EnumerateArray().Select(v => v.GetInt32())]))];
        Assert.Equal(shapes, found.Select(f => f.Shape));
        JsonElement[] values = [.. expected.GetProperty("values").EnumerateArray()];
        var products = new List<Variable>();
        for (int i = 0; i < found.Count; i++)
        {
            AssertSummary(values[i], found[i].Value.ToArray<double>(), $"{what} {i}");
            double[] pattern = Draw(Features + (uint)i, found[i].Shape.Count);
            Tensor weights = Tensor.From<double>(found[i].Value.Backend, pattern, found[i].Shape);
            products.Add(found[i].Dot(Variable.Constant(weights)));
        }
        Variable[] slopes = Gradient.Of(products.Aggregate((sum, product) => sum + product), wrt);
        AssertSummary(expected.GetProperty("gradient"), slopes[0].Value.ToArray<double>(), $"gradient of {what}");
        AssertSummary(
            expected.GetProperty("imageGradient"), slopes[1].Value.ToArray<double>(), $"image gradient of {what}");
    }

    private static Network NetworkOf(JsonElement e)
    {
        int Whole(string key, int otherwise) => e.TryGetProperty(key, out JsonElement v) ? v.GetInt32() : otherwise;
        string Text(string key, string otherwise) => e.TryGetProperty(key, out JsonElement v) ? v.GetString()! : otherwise;
        int[] size = [.. e.GetProperty("image").EnumerateArray().Select(v => v.GetInt32())];
        var image = new Shape(size);
        (string norm, string pooling) = (Text("norm", "instance"), Text("pooling", "avg"));
        string activation = Text("activation", "relu");
        if (activation == "relu")
        {
            return Architectures.Create(
                e.GetProperty("name").GetString()!, image, Classes,
                new NetworkOptions
                {
                    Width = Whole("width", 128), Depth = Whole("depth", 3), Norm = norm, Pooling = pooling,
                });
        }
        return new ConvNet(
            image, Classes, Whole("width", 128), Whole("depth", 3),
            activation == "sigmoid" ? Activation.Sigmoid : Activation.LeakyRelu,
            new ConvNetLayers { Norm = Kinds.Find<Normalisation>(norm)!, Pooling = Kinds.Find<Pooling>(pooling)! });
    }

    private static double[] Initial(Network network)
    {
        var theta = new double[network.Layout.Count];
        uint stream = 0;
        foreach (Parameter p in network.Layout.Parameters)
        {
            bool isNorm = p.Bound == 0, isWeight = p.Name.EndsWith("weight", StringComparison.Ordinal);
            double[] values = Draw(stream++, p.Shape.Count);
            double bound = Math.Sqrt(6.0 * p.Shape[0] / p.Shape.Count);
            for (int i = 0; i < values.Length; i++)
            {
                theta[p.Offset + i] = (isNorm, isWeight) switch
                {
                    (true, true) => 1 + 0.2 * values[i],
                    (_, false) => 0.2 * values[i],
                    _ => bound * values[i],
                };
            }
        }
        return theta;
    }

    private static double[] SoftLabels()
    {
        double[] q = [.. Draw(Labels, Batch * Classes).Select(v => 1.25 + v)];
        return [.. q.Chunk(Classes).SelectMany(row => row.Select(v => v / row.Sum()))];
    }

    // As the script: numbers in [-1, 1) from their place and the number of a stream.
    private static double[] Draw(uint stream, int count)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++)
        {
            uint h = (uint)i * 2654435761u + (stream * 40503u + 12345u);
            for (int round = 0; round < 2; round++)
                h = (h ^ (h >> 16)) * 0x45D9F3Bu;
            values[i] = (h ^ (h >> 16)) / 2147483648.0 - 1;
        }
        return values;
    }

    // Length, product with the pattern, first element. A product may cancel, and an element be small beside the others.
    // A bias in front of an instance norm has a gradient of 0 and shows the rounding of larger ones: errors of short
    // vectors are relative to a least length.
    private static void AssertSummary(JsonElement expected, double[] found, string what, double leastLength = 0)
    {
        double[] e = [.. expected.EnumerateArray().Select(v => v.GetDouble())];
        double[] pattern = Draw(Pattern, found.Length);
        double length = Math.Sqrt(found.Sum(v => v * v)), product = found.Zip(pattern, (a, b) => a * b).Sum();
        double least = Math.Max(e[0], leastLength), size = least * Math.Sqrt(pattern.Sum(v => v * v));
        Assert.True(least > 0, $"{what}: a comparison with zero proves nothing");
        Assert.True(Math.Abs(length - e[0]) <= Relative * least, $"{what}: length {length:R}, PyTorch {e[0]:R}");
        Assert.True(Math.Abs(product - e[1]) <= Relative * size, $"{what}: product {product:R}, PyTorch {e[1]:R}");
        Assert.True(Math.Abs(found[0] - e[2]) <= Relative * least, $"{what}: first {found[0]:R}, PyTorch {e[2]:R}");
    }

    private static void AssertClose(double[] expected, double[] found, string what)
    {
        double size = expected.Max(Math.Abs);
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - found[i]) <= Relative * size,
                $"{what} {i}: {found[i]:R}, PyTorch {expected[i]:R}");
        }
    }
}
