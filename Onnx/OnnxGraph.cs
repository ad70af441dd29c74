using System.Globalization;
using System.Runtime.InteropServices;

namespace InfMatch.Onnx;

/// <summary>The operators and stored tensors of a model while it is made. Every value has a name.</summary>
public sealed class OnnxGraph
{
    /// <summary>The name of the free size.</summary>
    public const string Batch = "N";

    private const int Float = 1, Int64 = 7; // onnx.TensorProto.DataType

    private readonly string _name;
    private readonly List<ProtoMessage> _nodes = [], _tensors = [], _inputs = [], _outputs = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal) { OnnxModel.Input, OnnxModel.Output };

    internal OnnxGraph(string name) => _name = name;

    /// <summary>Adds an operator with one output.</summary>
    /// <param name="type">Its type, as ONNX names it.</param>
    /// <param name="inputs">The names of what goes in.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <returns>The name of what comes out.</returns>
    public string Add(string type, IReadOnlyList<string> inputs, params ReadOnlySpan<OnnxAttribute> attributes) =>
        Add(type, inputs, Unused(type), attributes);

    /// <summary>Stores a float32 tensor.</summary>
    /// <returns>Its name: the one given, with a number behind it where that is taken.</returns>
    public string AddTensor(string name, ReadOnlySpan<long> sizes, ReadOnlySpan<float> values) =>
        Store(name, sizes, Float, MemoryMarshal.AsBytes(values));

    /// <summary>Stores a list of whole numbers, such as the sizes that a Reshape takes.</summary>
    /// <returns>Its name.</returns>
    public string AddSizes(ReadOnlySpan<long> sizes) => Store("sizes", [sizes.Length], Int64, MemoryMarshal.AsBytes(sizes));

    internal void AddResult(string from) => Add("Identity", [from], OnnxModel.Output, []);

    internal void AddInput(string name, IReadOnlyList<string> sizes) => _inputs.Add(ValueInfo(name, sizes));

    internal void AddOutput(string name, IReadOnlyList<string> sizes) => _outputs.Add(ValueInfo(name, sizes));

    internal ProtoMessage ToMessage()
    {
        var graph = new ProtoMessage();
        foreach (ProtoMessage node in _nodes)
            graph.Add(1, node);
        graph.Add(2, _name);
        foreach (ProtoMessage tensor in _tensors)
            graph.Add(5, tensor);
        foreach (ProtoMessage input in _inputs)
            graph.Add(11, input);
        foreach (ProtoMessage output in _outputs)
            graph.Add(12, output);
        return graph;
    }

    private string Add(string type, IReadOnlyList<string> inputs, string output, ReadOnlySpan<OnnxAttribute> attributes)
    {
        var node = new ProtoMessage();
        foreach (string input in inputs)
            node.Add(1, input);
        node.Add(2, output).Add(3, $"{type}:{output}").Add(4, type);
        foreach (OnnxAttribute attribute in attributes)
            node.Add(5, attribute.ToMessage());
        _nodes.Add(node);
        return output;
    }

    private string Store(string name, ReadOnlySpan<long> sizes, int type, ReadOnlySpan<byte> data)
    {
        name = Unused(name);
        var tensor = new ProtoMessage();
        foreach (long size in sizes)
            tensor.Add(1, size);
        _tensors.Add(tensor.Add(2, type).Add(8, name).Add(9, data));
        return name;
    }

    private string Unused(string name)
    {
        string unused = name;
        for (int i = 2; !_names.Add(unused); i++)
            unused = $"{name}_{i.ToString(CultureInfo.InvariantCulture)}";
        return unused;
    }

    // A size is a number, or the name of a free one.
    private static ProtoMessage ValueInfo(string name, IReadOnlyList<string> sizes)
    {
        var shape = new ProtoMessage();
        foreach (string size in sizes)
        {
            shape.Add(1, long.TryParse(size, CultureInfo.InvariantCulture, out long fixedSize)
                ? new ProtoMessage().Add(1, fixedSize)
                : new ProtoMessage().Add(2, size));
        }
        return new ProtoMessage().Add(1, name).Add(2, new ProtoMessage().Add(1, new ProtoMessage().Add(1, Float).Add(2, shape)));
    }
}

/// <summary>An attribute of an operator.</summary>
public sealed class OnnxAttribute
{
    // onnx.AttributeProto.AttributeType
    private const int Float = 1, Int = 2, Ints = 7;

    private readonly ProtoMessage _message;

    private OnnxAttribute(ProtoMessage message) => _message = message;

    /// <summary>A whole number.</summary>
    public static OnnxAttribute Of(string name, long value) =>
        new(new ProtoMessage().Add(1, name).Add(3, value).Add(20, Int));

    /// <summary>A number in single precision.</summary>
    public static OnnxAttribute Of(string name, float value) =>
        new(new ProtoMessage().Add(1, name).Add(2, value).Add(20, Float));

    /// <summary>Whole numbers.</summary>
    public static OnnxAttribute Of(string name, params ReadOnlySpan<long> values)
    {
        var message = new ProtoMessage().Add(1, name);
        foreach (long value in values)
            message.Add(8, value);
        return new OnnxAttribute(message.Add(20, Ints));
    }

    internal ProtoMessage ToMessage() => _message;
}
