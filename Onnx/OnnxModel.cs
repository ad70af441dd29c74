using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>
/// A network with its parameters as a model of ONNX: input "images" [N, C, H, W] in float32, output "logits" [N, M], with N free.
/// The model is a translation of what the network computes: its forward pass is recorded, and each recorded operation becomes
/// operators of ONNX by its <see cref="OnnxOperation"/>. So a new network needs no code here.
/// </summary>
public static class OnnxModel
{
    /// <summary>The name of the input.</summary>
    public const string Input = "images";

    /// <summary>The name of the output.</summary>
    public const string Output = "logits";

    /// <summary>The version of ONNX's operators that are used.</summary>
    public const int OperatorSet = 17;

    // The format of the file that came with these operators.
    private const int FormatVersion = 8;

    /// <summary>Writes a model.</summary>
    /// <param name="stream">Receives it; at most 2 GiB, which is the most that the format holds.</param>
    /// <param name="network">What is computed.</param>
    /// <param name="theta">Its parameters θ [p].</param>
    /// <param name="description">What stands in front of the network, and what the file says of itself.</param>
    /// <exception cref="NotSupportedException">An operation has no translation, or fixes the number of images.</exception>
    /// <exception cref="ArgumentException">θ or the preprocessing does not fit the network.</exception>
    /// <exception cref="IOException">The stream failed.</exception>
    public static void Write(Stream stream, Network network, ReadOnlySpan<float> theta, OnnxDescription? description = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(network);
        if (theta.Length != network.Layout.Count)
        {
            throw new ArgumentException(
                $"{network.Name} has {network.Layout.Count} parameters, {theta.Length} were given.", nameof(theta));
        }
        description ??= new OnnxDescription();
        var graph = new OnnxGraph(network.Name);
        string images = description.AddPreprocessing(graph, network.Image);
        using (TensorScope.Begin())
            new RecordedNetwork(network, theta).AddTo(graph, images);
        Describe(graph, network, description).WriteTo(stream);
    }

    private static ProtoMessage Describe(OnnxGraph graph, Network network, OnnxDescription description)
    {
        graph.AddInput(Input, [OnnxGraph.Batch, .. network.Image.Sizes.ToArray().Select(size => $"{size}")]);
        graph.AddOutput(Output, [OnnxGraph.Batch, $"{network.Classes}"]);
        ProtoMessage model = new ProtoMessage()
            .Add(1, FormatVersion)
            .Add(2, "InfMatch")
            .Add(3, typeof(OnnxModel).Assembly.GetName().Version?.ToString(3) ?? "")
            .Add(7, graph.ToMessage())
            .Add(8, new ProtoMessage().Add(1, "").Add(2, OperatorSet));
        foreach ((string key, string value) in description.Texts(network))
            model.Add(14, new ProtoMessage().Add(1, key).Add(2, value));
        return model;
    }
}
