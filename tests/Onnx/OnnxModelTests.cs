using System.Text.Json;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Onnx;
using InfMatch.Tensors;

namespace InfMatch.Tests.Onnx;

/// <summary>Models compute in ONNX Runtime what the networks compute here.</summary>
public sealed class OnnxModelTests
{
    private static readonly Shape s_grey = new(1, 28, 28), s_colour = new(3, 32, 32);
    private static readonly Lazy<DatasetPair> s_fashion = new(FashionMnistSmallDataset.Unpack);

    public static TheoryData<string> Networks() => [.. Architectures.Names];

    public static TheoryData<string, string> NormsAndPoolings()
    {
        var all = new TheoryData<string, string>();
        foreach (string norm in Architectures.Norms)
        {
            foreach (string pooling in Architectures.Poolings)
                all.Add(norm, pooling);
        }
        return all;
    }

    [Theory, MemberData(nameof(Networks))]
    public void Every_architecture_gives_the_same_logits_on_test_images(string name) =>
        Compare(Architectures.Create(name, s_grey, 10, new NetworkOptions { Width = 16 }));

    [Theory, MemberData(nameof(Networks))]
    public void Every_architecture_gives_the_same_logits_in_colour(string name) =>
        Compare(Architectures.Create(name, s_colour, 10, new NetworkOptions { Width = 16 }));

    [Theory, MemberData(nameof(NormsAndPoolings))]
    public void Every_norm_and_pooling_gives_the_same_logits(string norm, string pooling) =>
        Compare(Architectures.Create(
            "convnet", s_grey, 10, new NetworkOptions { Width = 8, Depth = 2, Norm = norm, Pooling = pooling }));

    [Theory]
    [InlineData(Activation.Softplus)]
    [InlineData(Activation.Tanh)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.Sigmoid)]
    [InlineData(Activation.LeakyRelu)]
    public void Every_nonlinearity_gives_the_same_logits(Activation activation)
    {
        Compare(new ConvNet(s_grey, 10, width: 8, depth: 2, activation));
        Compare(new Mlp(s_grey, 10, [16], activation));
    }

    public static TheoryData<string> Compositions() => [.. s_compositions.Keys];

    private static readonly Dictionary<string, Func<Variable, Variable>> s_compositions = new(StringComparer.Ordinal)
    {
        ["exp and log"] = x => ((0.1 * x).Exp() + 1).Log(),
        ["log softmax"] = x => x.Flatten().LogSoftmax(),
        ["a stretching that is summed"] = x =>
            (x.SumTo(new Shape(x.Shape[0], 1, 1, 1)).BroadcastTo(new Shape(x.Shape[0], 1, 3, 1)).BroadcastTo(
                new Shape(x.Shape[0], 1, 3, 28)) / 784).SumTo(new Shape(x.Shape[0], 1, 3, 1)),
        ["a sum over fewer dimensions"] = x =>
            x.Reshape(new Shape(x.Shape[0], 28, 28)).SumTo(new Shape(28)).BroadcastTo(new Shape(1, 28)).SumTo(new Shape(1, 1))
            * x.Flatten() / 7840,
        ["poolings with a remainder"] = x => x.MaxPool2d(3).AvgPool2d(2),
    };

    [Theory, MemberData(nameof(Compositions))]
    public void Other_operations_are_translated(string which) => Compare(new ComposedNetwork(s_compositions[which]), atOnce: 6);

    [Fact]
    public void Standardisation_and_whitening_are_in_the_model()
    {
        var network = new Mlp(new Shape(3, 2, 2), 4, [5]);
        RandomKey key = RandomKey.FromSeed(5);
        float[] theta = Draw(key.Split("theta"), network.Layout.Count), pixels = Draw(key.Split("pixels"), 2 * 12);
        float[] mean = [0.1f, 0.2f, 0.3f], deviation = [0.5f, 0.25f, 2f];
        float[] whiteningMean = Draw(key.Split("mean"), 12), matrix = Draw(key.Split("matrix"), 144);
        var seen = new float[pixels.Length];
        for (int image = 0; image < 2; image++)
        {
            float[] x = [.. Enumerable.Range(0, 12).Select(i =>
                (pixels[12 * image + i] - mean[i / 4]) / deviation[i / 4] - whiteningMean[i])];
            for (int j = 0; j < 12; j++)
                seen[12 * image + j] = (float)Enumerable.Range(0, 12).Sum(i => (double)x[i] * matrix[12 * i + j]);
        }
        using OnnxSession session = OnnxSession.Of(network, theta, new OnnxDescription
        {
            Mean = mean, Deviation = deviation, WhiteningMean = whiteningMean, WhiteningMatrix = matrix,
        });
        OnnxSession.AssertEqual(Logits(network, theta, seen), session.Run(pixels, network.Image));
        Assert.Contains("pixels as numbers from 0 to 1", session.Texts["input"]);
    }

    [Fact]
    public void A_model_says_what_it_is()
    {
        var network = new ConvNet(s_grey, 3, width: 4, depth: 1);
        float[] theta = Draw(RandomKey.FromSeed(1), network.Layout.Count);
        using OnnxSession session = OnnxSession.Of(network, theta, new OnnxDescription
        {
            Classes = ["a", "b \"c\"", "d"], Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["dataset"] = "mnist" },
        });
        Assert.Equal("images [N, 1, 28, 28] -> logits [N, 3]", session.Signature);
        Assert.Equal(["a", "b \"c\"", "d"], JsonSerializer.Deserialize<string[]>(session.Texts["classes"])!);
        Assert.Equal("mnist", session.Texts["dataset"]);
        Assert.Equal("convnet-d1-w4", session.Texts["network"]);
    }

    [Fact]
    public void Equal_networks_make_equal_files()
    {
        var network = new ConvNet(s_grey, 3, width: 4, depth: 1);
        float[] theta = Draw(RandomKey.FromSeed(1), network.Layout.Count);
        byte[] Make()
        {
            using var file = new MemoryStream();
            OnnxModel.Write(file, network, theta);
            return file.ToArray();
        }
        Assert.Equal(Make(), Make());
    }

    [Fact]
    public void What_cannot_be_translated_is_named()
    {
        Assert.Contains("GatherRows, for which there is no translation", Refused(x => x.GatherRows([0, 1])));
        Assert.Contains("computes with the number of images", Refused(x => x / x.Shape[0]));
        Assert.Contains("something else for two images", Refused(x => x.Shape[0] == 2 ? x.Tanh() : x.Exp()));
        var network = new Mlp(s_grey, 3, []);
        Assert.Contains(
            $"has {network.Layout.Count} parameters, 2 were given",
            Assert.Throws<ArgumentException>(() => OnnxModel.Write(Stream.Null, network, [1, 2])).Message);
        float[] theta = new float[network.Layout.Count];
        foreach (OnnxDescription wrong in (OnnxDescription[])
            [new() { Mean = [1] }, new() { Mean = [1, 2], Deviation = [1, 2] }, new() { WhiteningMean = new float[3] }, new() { Classes = ["a"] }])
            Assert.Throws<ArgumentException>(() => OnnxModel.Write(Stream.Null, network, theta, wrong));

        static string Refused(Func<Variable, Variable> compute)
        {
            var network = new ComposedNetwork(compute);
            return Assert.Throws<NotSupportedException>(
                () => OnnxModel.Write(Stream.Null, network, new float[network.Layout.Count])).Message;
        }
    }

    // Parameters are drawn, not initialised: else norms with the wrong scale and shift would pass.
    private static void Compare(Network network, int atOnce = 5)
    {
        RandomKey key = RandomKey.FromSeed(11);
        float[] theta;
        using (TensorScope.Begin())
            theta = network.Initialise(new CpuBackend(1), DType.Float32, key.Split("init")).ToArray<float>();
        float[] noise = Draw(key.Split("noise"), theta.Length);
        for (int i = 0; i < theta.Length; i++)
            theta[i] += 0.02f * noise[i];
        float[] images = Images(network.Image, 6);
        using OnnxSession session = OnnxSession.Of(network, theta);
        float[] expected = Logits(network, theta, images);
        Assert.True(expected.Max() - expected.Min() > 0.01, "the logits are all alike");
        int split = atOnce * network.Image.Count;
        OnnxSession.AssertEqual(expected[..(atOnce * network.Classes)], session.Run(images[..split], network.Image));
        if (atOnce < 6)
            OnnxSession.AssertEqual(expected[(atOnce * network.Classes)..], session.Run(images[split..], network.Image));
    }

    private static float[] Logits(Network network, float[] theta, float[] images)
    {
        using var scope = TensorScope.Begin();
        var backend = new CpuBackend(1);
        return network.Logits(
            Tensor.From<float>(backend, theta, new Shape(theta.Length)),
            Tensor.From<float>(backend, images, new Shape([images.Length / network.Image.Count, .. network.Image.Sizes])));
    }

    // Test images of the built-in set; in colour three of them, with a border.
    private static float[] Images(Shape image, int count)
    {
        ImageDataset test = s_fashion.Value.Test;
        var result = new float[count * image.Count];
        int border = (image[1] - 28) / 2, plane = image[1] * image[2];
        for (int i = 0; i < count * image[0]; i++)
        {
            for (int p = 0; p < 784; p++)
            {
                byte pixel = test.Pixels[i * 37 * 784 + p];
                result[i * plane + (p / 28 + border) * image[2] + p % 28 + border] = (pixel / 255f - 0.29f) / 0.35f;
            }
        }
        return result;
    }

    private static float[] Draw(RandomKey key, int count)
    {
        var values = new float[count];
        key.Normal(values);
        return values;
    }

    /// <summary>A linear layer on what a function makes of the images.</summary>
    private sealed class ComposedNetwork : Network
    {
        private readonly Func<Variable, Variable> _compute;

        public ComposedNetwork(Func<Variable, Variable> compute)
            : base(s_grey, 4)
        {
            _compute = compute;
            using var scope = TensorScope.Begin();
            Variable image = Variable.Constant(Tensor.Full(new CpuBackend(1), DType.Float32, new Shape(6, 1, 28, 28), 0));
            int features = compute(image).Flatten().Shape[1];
            Layout.AddWeightAndBias("classifier", new Shape(4, features), features);
        }

        public override string Name => "composed";

        protected override NetworkFeatures Embed(Variable[] parameters, Variable images) =>
            new(_compute(images).Flatten(), []);
    }
}
