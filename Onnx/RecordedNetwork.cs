using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>
/// A network's computation as it was recorded, to be translated. It is recorded for two and for three images: a size that differs
/// between the two is the number of images, which the model leaves free.
/// </summary>
internal sealed class RecordedNetwork
{
    private readonly Network _network;
    private readonly Variable _theta, _images, _logits;

    // Each variable of the recording of two images with its counterpart in that of three.
    private readonly Dictionary<Variable, Variable> _counterparts = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Variable, string> _names = new(ReferenceEqualityComparer.Instance);

    /// <summary>Records the forward pass of a network with parameters θ [p]; what is made belongs to the current scope.</summary>
    public RecordedNetwork(Network network, ReadOnlySpan<float> theta)
    {
        _network = network;
        var backend = new CpuBackend(1);
        using IDisposable on = Recording.On();
        _theta = Variable.Leaf(Tensor.From(backend, theta, new Shape(theta.Length)));
        Variable ImagesOf(int count) => Variable.Leaf(
            Tensor.Full(backend, DType.Float32, new Shape([count, .. network.Image.Sizes]), 0));
        (_images, Variable three) = (ImagesOf(2), ImagesOf(3));
        _counterparts.Add(_theta, _theta);
        _counterparts.Add(_images, three);
        _logits = network.Forward(_theta, _images);
        Pair(_logits, network.Forward(_theta, three));
    }

    /// <summary>Adds the network to a graph in which its images have a name.</summary>
    public void AddTo(OnnxGraph graph, string images)
    {
        _names.Add(_images, images);
        graph.AddResult(NameOf(graph, _logits));
    }

    private string NameOf(OnnxGraph graph, Variable variable)
    {
        if (!_names.TryGetValue(variable, out string? name))
            _names.Add(variable, name = Translate(graph, variable));
        return name;
    }

    private string Translate(OnnxGraph graph, Variable variable)
    {
        if (variable.Source is not { } node)
            return Constant(graph, variable);
        if (node.Op is Split && ReferenceEquals(node.Inputs[0], _theta))
            return Parameter(graph, variable, Array.IndexOf(node.Outputs, variable));
        OnnxOperation? operation = Kinds.Of<OnnxOperation>().FirstOrDefault(o => o.Translates(node.Op));
        return operation is null
            ? throw new NotSupportedException(
                $"{_network.Name} uses the operation {node.Op.GetType().Name}, for which there is no translation to ONNX. " +
                $"Derive one from {nameof(OnnxOperation)}, or compose the network of other operations.")
            : operation.Translate(new OnnxApplication(graph, node, input => NameOf(graph, input), SizesOf));
    }

    // Pieces of θ are stored in the model under their own names.
    private string Parameter(OnnxGraph graph, Variable variable, int index) => graph.AddTensor(
        _network.Layout.Parameters[index].Name, SizesOf(variable), variable.Value.ToArray<float>());

    private string Constant(OnnxGraph graph, Variable variable)
    {
        long[] sizes = SizesOf(variable);
        return !ReferenceEquals(variable, _theta) && sizes.All(size => size >= 0)
            ? graph.AddTensor("constant", sizes, variable.Value.ToArray<float>())
            : throw new NotSupportedException(
                $"{_network.Name} uses {(ReferenceEquals(variable, _theta) ? "θ as a whole" : "a constant for each image")}, which " +
                "is not translated to ONNX.");
    }

    // The sizes of a variable, −1 for the number of images.
    private long[] SizesOf(Variable variable)
    {
        Shape other = _counterparts[variable].Shape;
        return [.. variable.Shape.Sizes.ToArray().Select((size, i) => other[i] == size ? (long)size : -1)];
    }

    private void Pair(Variable two, Variable three)
    {
        if (!_counterparts.TryAdd(two, three))
            return;
        Node? a = two.Source, b = three.Source;
        if (a is null && b is null && two.Shape == three.Shape)
            return;
        if (a?.Op.GetType() != b?.Op.GetType() || a is null || b is null || a.Inputs.Length != b.Inputs.Length
            || two.Shape.Rank != three.Shape.Rank)
        {
            throw new NotSupportedException(
                $"{_network.Name} computes something else for two images than for three, which is not translated to ONNX.");
        }
        // A number such as 1/N would be that of two images in the model.
        if (a.Op is Affine && !a.Op.Equals(b.Op))
            throw new NotSupportedException($"{_network.Name} computes with the number of images, which is not translated to ONNX.");
        for (int i = 0; i < a.Inputs.Length; i++)
            Pair(a.Inputs[i], b.Inputs[i]);
    }
}
