using InfMatch.Onnx;

namespace InfMatch.Tests.Onnx;

/// <summary>Small models, written field by field as onnx.proto numbers them.</summary>
internal sealed class HandMadeModel
{
    private const int Float = 1, Int64 = 7;

    private readonly ProtoMessage _graph = new ProtoMessage().Add(2, "hand-made");

    public int Version { get; init; } = 13;

    public HandMadeModel Input(string name, bool isWhole, params int?[] sizes) => Value(11, name, isWhole, sizes);

    public HandMadeModel Output(string name) => Value(12, name, false, null);

    public HandMadeModel Node(string kind, string[] inputs, string output, params ReadOnlySpan<OnnxAttribute> settings) =>
        Node(kind, inputs, [output], settings);

    public HandMadeModel Node(string kind, string[] inputs, string[] outputs, params ReadOnlySpan<OnnxAttribute> settings)
    {
        var node = new ProtoMessage();
        foreach (string input in inputs)
            node.Add(1, input);
        foreach (string output in outputs)
            node.Add(2, output);
        string[] parts = kind.Split('.');
        node.Add(4, parts[^1]);
        foreach (OnnxAttribute setting in settings)
            node.Add(5, setting.ToMessage());
        if (parts.Length > 1)
            node.Add(7, parts[0]);
        _graph.Add(1, node);
        return this;
    }

    public HandMadeModel Numbers(string name, int[] sizes, params ReadOnlySpan<float> values) =>
        Tensor(name, sizes, Float, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values));

    public HandMadeModel Whole(string name, int[] sizes, params ReadOnlySpan<long> values) =>
        Tensor(name, sizes, Int64, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values));

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        new ProtoMessage().Add(1, 7).Add(7, _graph).Add(8, new ProtoMessage().Add(1, "").Add(2, Version)).WriteTo(stream);
        return stream.ToArray();
    }

    private HandMadeModel Tensor(string name, int[] sizes, int type, ReadOnlySpan<byte> data)
    {
        var tensor = new ProtoMessage();
        foreach (int size in sizes)
            tensor.Add(1, size);
        _graph.Add(5, tensor.Add(2, type).Add(8, name).Add(9, data));
        return this;
    }

    // Without sizes any will do.
    private HandMadeModel Value(int field, string name, bool isWhole, int?[]? sizes)
    {
        var type = new ProtoMessage().Add(1, isWhole ? Int64 : Float);
        if (sizes is not null)
        {
            var shape = new ProtoMessage();
            foreach (int? size in sizes)
                shape.Add(1, size is { } known ? new ProtoMessage().Add(1, known) : new ProtoMessage().Add(2, "free"));
            type.Add(2, shape);
        }
        _graph.Add(field, new ProtoMessage().Add(1, name).Add(2, new ProtoMessage().Add(1, type)));
        return this;
    }
}
