using System.Buffers;
using Google.Protobuf;

namespace InfMatch.Onnx;

/// <summary>A message of Protocol Buffers that is made field by field; the numbers of the fields are those of onnx.proto.</summary>
internal sealed class ProtoMessage
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

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
    public ProtoMessage Add(int field, ProtoMessage message) => Add(field, message._bytes.WrittenSpan);

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
    public void WriteTo(Stream stream) => stream.Write(_bytes.WrittenSpan);

    private ProtoMessage Write(Action<CodedOutputStream> write)
    {
        using var part = new MemoryStream();
        using (var output = new CodedOutputStream(part, leaveOpen: true))
            write(output);
        _bytes.Write(part.GetBuffer().AsSpan(0, (int)part.Length));
        return this;
    }
}
