using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

/// <summary>What holds of the features of every network; their numbers are PyTorch's (NetworkNumbersTests).</summary>
public sealed class NetworkFeaturesTests
{
    private static readonly Shape s_image = new(3, 32, 32);

    public static TheoryData<string> Names() => [.. Architectures.Names];

    [Theory, MemberData(nameof(Names))]
    public void Logits_are_the_last_linear_layer_of_the_embedding(string name)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        Network network = Small(name);
        (Variable theta, Variable images) = Inputs(network, new CpuBackend(2));
        NetworkFeatures features = network.Features(theta, images);
        Variable[] parameters = network.Layout.Split(theta);
        Assert.Equal(
            network.Forward(theta, images).Value.ToArray<float>(),
            features.Embedding.Linear(parameters[^2], parameters[^1]).Value.ToArray<float>());
        Assert.Equal(new Shape(2, network.EmbeddingSize), features.Embedding.Shape);
        Assert.NotEmpty(features.Blocks);
        Assert.All(features.Blocks, block => Assert.True(block.Shape[0] == 2 && block.Shape.Rank is 2 or 4));
    }

    // The same kernels in the same memory: asking for features costs nothing beside the logits, and logits do not pay
    // for them.
    [Theory, MemberData(nameof(Names))]
    public void A_pass_with_features_takes_what_one_without_takes(string name)
    {
        Network network = Small(name);
        MemoryReport Memory(Action<Network, Variable, Variable> pass)
        {
            var backend = new MemoryDryRun(new CpuBackend(1));
            using var scope = TensorScope.Begin();
            (Variable theta, Variable images) = Inputs(network, backend);
            using (TensorScope.Begin())
                pass(network, theta, images);
            return backend.Memory;
        }
        MemoryReport logits = Memory((n, theta, images) => n.Forward(theta, images));
        Assert.True(logits.Peak > 0);
        Assert.Equal(logits, Memory((n, theta, images) => n.ForwardWithFeatures(theta, images)));
        Assert.True(Memory((n, theta, images) => n.Features(theta, images)).Peak < logits.Peak);
    }

    [Fact]
    public void A_linear_model_has_its_input_as_embedding_and_no_blocks()
    {
        var network = new LinearRegression(new Shape(1, 2, 2), 3);
        Tensor x = Tensor.From<double>(new ReferenceBackend(), [1, 2, 3, 4, 5, 6, 7, 8], new Shape(2, 1, 2, 2));
        Tensor theta = network.Initialise(x.Backend, DType.Float64, RandomKey.FromSeed(1));
        NetworkFeatures features = network.Features(Variable.Constant(theta), Variable.Constant(x));
        Assert.Equal(x.ToArray<double>(), features.Embedding.Value.ToArray<double>());
        Assert.Empty(features.Blocks);
        Assert.Equal((4, new Shape(2, 4)), (network.EmbeddingSize, features.Embedding.Shape));
    }

    [Fact]
    public void Images_of_another_size_have_no_features()
    {
        Network network = Small("convnet");
        Tensor theta = network.Initialise(new ReferenceBackend(), DType.Float64, RandomKey.FromSeed(1));
        Tensor images = Tensor.Full(theta.Backend, DType.Float64, new Shape(1, 3, 16, 16), 0);
        Assert.Contains(
            "takes images [N, 3, 32, 32], got [1, 3, 16, 16]",
            Assert.Throws<ShapeException>(
                () => network.Features(Variable.Constant(theta), Variable.Constant(images))).Message, StringComparison.Ordinal);
    }

    private static Network Small(string name) =>
        Architectures.Create(name, s_image, 10, new NetworkOptions { Width = 4, Depth = 2 });

    private static (Variable Theta, Variable Images) Inputs(Network network, Backend backend)
    {
        Tensor theta = network.Initialise(backend, DType.Float32, RandomKey.FromSeed(1));
        var pixels = new double[2 * s_image.Count];
        RandomKey.FromSeed(2).Normal(pixels);
        Tensor images = Tensor.From(backend, DType.Float32, pixels, new Shape(2, 3, 32, 32));
        return (Variable.Constant(theta), Variable.Constant(images));
    }
}
