using Google.Protobuf;

namespace InfMatch.Onnx;

/// <summary>A message of Protocol Buffers that is made field by field; the numbers of the fields are those of onnx.proto.</summary>
internal sealed class ProtoMessage
{
    private readonly MemoryStream _bytes = new();

    /// <summary>Adds a whole number.</summary>
    public ProtoMessage Add(int field, long value) => Write(output =>
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt64(value);
    });

    /// <summary>Adds a number in single precision.</summary>
    public ProtoMessage Add(int field, float value) => Write(output =>
    {
        output.WriteTag(field, WireFormat.WireType.Fixed32);
        output.WriteFloat(value);
    });

    /// <summary>Adds text.</summary>
    public ProtoMessage Add(int field, string text) => Write(output =>
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(text);
    });

    /// <summary>Adds a message within this one.</summary>
    public ProtoMessage Add(int field, ProtoMessage message) =>
        Add(field, message._bytes.GetBuffer().AsSpan(0, (int)message._bytes.Length));

    /// <summary>Adds bytes.</summary>
    public ProtoMessage Add(int field, ReadOnlySpan<byte> bytes)
    {
        int length = bytes.Length;
        Write(output =>
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteLength(length);
        });
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>Copies the message to a stream.</summary>
    public void WriteTo(Stream stream) => _bytes.WriteTo(stream);

    private ProtoMessage Write(Action<CodedOutputStream> write)
    {
        using var output = new CodedOutputStream(_bytes, leaveOpen: true);
        write(output);
        return this;
    }
}
