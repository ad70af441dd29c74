using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>Networks, and the norms and poolings of a ConvNet, by name.</summary>
public static class Architectures
{
    /// <summary>The architecture where none is named: what dataset condensation compares methods with.</summary>
    public const string Default = "convnet";

    /// <summary>The norm where none is named.</summary>
    public const string DefaultNorm = "instance";

    /// <summary>The pooling where none is named.</summary>
    public const string DefaultPooling = "avg";

    /// <summary>Why there is no batch norm.</summary>
    public const string NoBatchNorm =
        "batch norm keeps running statistics beside the parameters, and a network here is a function of its " +
        "parameters alone";

    /// <summary>The names that <see cref="Create"/> takes.</summary>
    public static IReadOnlyList<string> Names => Kinds.Names<Architecture>();

    /// <summary>The norms of a ConvNet.</summary>
    public static IReadOnlyList<string> Norms => Kinds.Names<Normalisation>();

    /// <summary>The poolings of a ConvNet.</summary>
    public static IReadOnlyList<string> Poolings => Kinds.Names<Pooling>();

    /// <summary>The network of a name for images [C, H, W] and M classes, with the usual options where none are given.
    /// <see cref="Network.Name"/> says what was made.</summary>
    /// <exception cref="ShapeException">The network is not defined for such images, width or depth.</exception>
    /// <exception cref="ArgumentException">The name, the norm or the pooling is unknown.</exception>
    public static Network Create(string name, Shape image, int classes, NetworkOptions? options = null) =>
        Find<Architecture>("network", name).Create(image, classes, options ?? new NetworkOptions());

    /// <summary>A line that says which network <see cref="Create"/> makes, before there are images.</summary>
    /// <exception cref="ArgumentException">The name, the norm or the pooling is unknown.</exception>
    public static string Describe(string name, NetworkOptions options) =>
        Find<Architecture>("network", name).Describe(options);

    internal static Normalisation NormOf(string name) => name == "batch"
        ? throw new ArgumentException(
            $"There is no norm 'batch': {NoBatchNorm}. Choose {string.Join(", ", Norms)}.", nameof(name))
        : Find<Normalisation>("norm", name);

    internal static Pooling PoolingOf(string name) => Find<Pooling>("pooling", name);

    private static T Find<T>(string what, string name)
        where T : class, IKind => Kinds.Find<T>(name) ?? throw new ArgumentException(
            $"There is no {what} '{name}'. Choose {string.Join(", ", Kinds.Names<T>())}.", nameof(name));
}
