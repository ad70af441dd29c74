using System.Text.Json;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>What stands in front of a network in its model, and what the file says of itself. Without preprocessing the input is
/// what the network was trained on.</summary>
public sealed record OnnxDescription
{
    /// <summary>Mean of each channel [C], subtracted first; empty for none.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [];

    /// <summary>Deviation of each channel [C], above 0, by which is divided then; as many as means.</summary>
    public IReadOnlyList<float> Deviation { get; init; } = [];

    /// <summary>What is subtracted from the flattened images [d] before <see cref="WhiteningMatrix"/>; empty for no
    /// whitening.</summary>
    public ReadOnlyMemory<float> WhiteningMean { get; init; }

    /// <summary>By which the flattened images are multiplied from the right [d, d].</summary>
    public ReadOnlyMemory<float> WhiteningMatrix { get; init; }

    /// <summary>The names of the classes [M], in the order of the logits; empty where they are not told.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>More texts, by name.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The texts of the file, in the order of their names.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Texts(Network network)
    {
        var texts = new SortedDictionary<string, string>(Metadata.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal)
        {
            ["network"] = network.Name,
            ["input"] = Mean.Count > 0
                ? "pixels as numbers from 0 to 1, [N, C, H, W]; the model standardises them"
                : "images as the network was trained on them, [N, C, H, W]",
        };
        if (Classes.Count > 0)
        {
            texts["classes"] = Classes.Count == network.Classes
                ? JsonSerializer.Serialize(Classes)
                : throw new ArgumentException($"{network.Name} has {network.Classes} classes, {Classes.Count} names were given.", nameof(network));
        }
        return texts;
    }

    /// <summary>Adds the preprocessing to a graph.</summary>
    /// <returns>The name of what the network sees.</returns>
    /// <exception cref="ArgumentException">It does not fit images [C, H, W].</exception>
    internal string AddPreprocessing(OnnxGraph graph, Shape image)
    {
        string at = OnnxModel.Input;
        if (Mean.Count != Deviation.Count || (Mean.Count > 0 && Mean.Count != image[0]))
        {
            throw new ArgumentException(
                $"Images {image} have {image[0]} channels, {Mean.Count} means and {Deviation.Count} deviations were given.",
                nameof(image));
        }
        if (Mean.Count > 0)
        {
            long[] each = [1, image[0], 1, 1];
            at = graph.Add("Sub", [at, graph.AddTensor("mean", each, [.. Mean])]);
            at = graph.Add("Div", [at, graph.AddTensor("deviation", each, [.. Deviation])]);
        }
        if (WhiteningMean.IsEmpty)
            return at;
        if (WhiteningMean.Length != image.Count || WhiteningMatrix.Length != (long)image.Count * image.Count)
        {
            throw new ArgumentException(
                $"Images {image} have {image.Count} numbers; the whitening has {WhiteningMean.Length} and a matrix of " +
                $"{WhiteningMatrix.Length}.", nameof(image));
        }
        long[] flat = [-1, image.Count], back = [-1, .. image.Sizes.ToArray().Select(size => (long)size)];
        at = graph.Add("Reshape", [at, graph.AddSizes(flat)]);
        at = graph.Add("Sub", [at, graph.AddTensor("whitening_mean", [1, image.Count], WhiteningMean.Span)]);
        at = graph.Add("MatMul", [at, graph.AddTensor("whitening_matrix", [image.Count, image.Count], WhiteningMatrix.Span)]);
        return graph.Add("Reshape", [at, graph.AddSizes(back)]);
    }
}
