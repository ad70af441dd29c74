using System.Globalization;
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

    /// <summary>The network of a full name, as <see cref="Network.Name"/> tells it, for images [C, H, W] and M classes; null where
    /// no architecture makes one of that name for them.</summary>
    public static Network? OfName(string name, Shape image, int classes)
    {
        var options = new NetworkOptions { Width = Number("w"), Depth = Number("d") };
        foreach (Architecture architecture in Kinds.Of<Architecture>())
        {
            // What an architecture does not have, it takes no notice of, so that the first of equal ones is found.
            foreach (NetworkOptions each in Norms.SelectMany(n => Poolings.Select(p => options with { Norm = n, Pooling = p })))
            {
                try
                {
                    if (architecture.Create(image, classes, each) is var network && network.Name == name)
                        return network;
                }
                catch (ShapeException)
                {
                    // Not defined for these images, so not the one that saw them.
                }
            }
        }
        return null;

        int Number(string letter) => name.Split('-').Where(part => part.StartsWith(letter, StringComparison.Ordinal))
            .Select(part => int.TryParse(part.AsSpan(letter.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 0)
            .FirstOrDefault(n => n is > 0 and <= 4096, 1);
    }

    internal static Normalisation NormOf(string name) => name == "batch"
        ? throw new ArgumentException(
            $"There is no norm 'batch': {NoBatchNorm}. Choose {string.Join(", ", Norms)}.", nameof(name))
        : Find<Normalisation>("norm", name);

    internal static Pooling PoolingOf(string name) => Find<Pooling>("pooling", name);

    private static T Find<T>(string what, string name)
        where T : class, IKind => Kinds.Find<T>(name) ?? throw new ArgumentException(
            $"There is no {what} '{name}'. Choose {string.Join(", ", Kinds.Names<T>())}.", nameof(name));
}
