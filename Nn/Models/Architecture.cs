using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>A network that is chosen by name, beside the network itself; found by enumeration.</summary>
public abstract class Architecture : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>The network for images [C, H, W] and M classes; options that it does not have, it takes no notice
    /// of.</summary>
    /// <exception cref="ShapeException">The network is not defined for such images, width or depth.</exception>
    /// <exception cref="ArgumentException">A norm or a pooling is unknown.</exception>
    public abstract Network Create(Shape image, int classes, NetworkOptions options);

    /// <summary>A line that says which network <see cref="Create"/> makes, before there are images.</summary>
    /// <exception cref="ArgumentException">A norm or a pooling is unknown.</exception>
    public virtual string Describe(NetworkOptions options) => Name;
}

/// <summary>What can be chosen of a network besides its architecture.</summary>
public sealed record NetworkOptions
{
    /// <summary>Channels of the layers of a ConvNet.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Blocks of a ConvNet.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>The name of a <see cref="Normalisation"/>.</summary>
    public string Norm { get; init; } = Architectures.DefaultNorm;

    /// <summary>The name of a <see cref="Nn.Pooling"/>.</summary>
    public string Pooling { get; init; } = Architectures.DefaultPooling;
}
