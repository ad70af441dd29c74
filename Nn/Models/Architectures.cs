using System.Collections.Immutable;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>The networks of dataset condensation (Zhao et al., DC, ICLR 2021) by name.</summary>
public static class Architectures
{
    private static readonly ImmutableArray<int> s_hidden = [128, 128];

    /// <summary>The names that <see cref="Create"/> takes.</summary>
    public static ImmutableArray<string> Names { get; } = ["convnet", "resnet18", "vgg11", "alexnet", "lenet", "mlp"];

    /// <summary>The norms of a ConvNet; the first is the default.</summary>
    public static ImmutableArray<string> Norms { get; } = ["instance", "none", "layer", "group"];

    /// <summary>The poolings of a ConvNet; the first is the default.</summary>
    public static ImmutableArray<string> Poolings { get; } = ["avg", "none", "max"];

    /// <summary>Why there is no batch norm.</summary>
    public const string NoBatchNorm =
        "batch norm keeps running statistics beside the parameters, and a network here is a function of its parameters alone";

    /// <summary>
    /// The network of a name for images [C, H, W] and M classes. Width, depth, norm and pooling are those of a ConvNet; the
    /// others are what DC defines (instance norm in resnet18 and vgg11, hidden layers of 128 and 128 in mlp) and take no notice
    /// of them. <see cref="Network.Name"/> says what was made.
    /// </summary>
    /// <exception cref="ShapeException">The network is not defined for such images, width or depth.</exception>
    /// <exception cref="ArgumentException">The name, the norm or the pooling is unknown.</exception>
    public static Network Create(
        string name, Shape image, int classes, int width = 128, int depth = 3, string norm = "instance",
        string pooling = "avg") => name switch
        {
            "convnet" => new ConvNet(
                image, classes, width, depth, norm: NormOf(norm), pooling: PoolingOf(pooling)),
            "resnet18" => new ResNet18(image, classes),
            "vgg11" => new Vgg11(image, classes),
            "alexnet" => new AlexNet(image, classes),
            "lenet" => new LeNet(image, classes),
            "mlp" => new Mlp(image, classes, s_hidden),
            _ => throw Unknown("network", name, Names),
        };

    /// <summary>A line that says which network <see cref="Create"/> makes, before there are images.</summary>
    /// <exception cref="ArgumentException">The norm or the pooling is unknown.</exception>
    public static string Describe(string name, int width, int depth, string norm = "instance", string pooling = "avg") =>
        name == "convnet" ? ConvNet.NameOf(width, depth, Activation.Relu, NormOf(norm), PoolingOf(pooling)) : name;

    private static Normalisation NormOf(string name) => name switch
    {
        "instance" => Normalisation.Instance,
        "none" => Normalisation.None,
        "layer" => Normalisation.Layer,
        "group" => Normalisation.Group,
        "batch" => throw new ArgumentException(
            $"There is no norm 'batch': {NoBatchNorm}. Choose {string.Join(", ", Norms)}.", nameof(name)),
        _ => throw Unknown("norm", name, Norms),
    };

    private static PoolingKind PoolingOf(string name) => name switch
    {
        "avg" => PoolingKind.Average,
        "none" => PoolingKind.None,
        "max" => PoolingKind.Max,
        _ => throw Unknown("pooling", name, Poolings),
    };

    private static ArgumentException Unknown(string what, string name, ImmutableArray<string> known) =>
        new($"There is no {what} '{name}'. Choose {string.Join(", ", known)}.", nameof(name));
}
