using Google.Protobuf;

namespace InfMatch.Onnx;

/// <summary>A field of a message of Protocol Buffers that is read; it must be of the kind that is asked for.</summary>
internal readonly struct ProtoField
{
    private readonly CodedInputStream _input;
    private readonly uint _tag;

    private ProtoField(CodedInputStream input, uint tag) => (_input, _tag) = (input, tag);

    /// <summary>How the field is stored.</summary>
    public WireFormat.WireType WireType => WireFormat.GetTagWireType(_tag);

    /// <summary>Walks over the fields of a message; <paramref name="read"/> returns false for one that it leaves unread.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no message, or a field is of another kind.</exception>
    public static void Each(ByteString message, Func<int, ProtoField, bool> read)
    {
        CodedInputStream input = message.CreateCodedInput();
        while (input.ReadTag() is not 0 and uint tag)
        {
            if (!read(WireFormat.GetTagFieldNumber(tag), new ProtoField(input, tag)))
                input.SkipLastField();
        }
    }

    public int ReadInt32() => checked((int)ReadInt64());

    public long ReadInt64() => Of(WireFormat.WireType.Varint).ReadInt64();

    public float ReadFloat() => Of(WireFormat.WireType.Fixed32).ReadFloat();

    public string ReadString() => Of(WireFormat.WireType.LengthDelimited).ReadString();

    public ByteString ReadBytes() => Of(WireFormat.WireType.LengthDelimited).ReadBytes();

    private CodedInputStream Of(WireFormat.WireType type) => WireType == type
        ? _input
        : throw new IOException($"field {WireFormat.GetTagFieldNumber(_tag)} is stored as {WireType}, not as {type}");
}
