using System.Runtime.InteropServices;
using Google.Protobuf;

namespace InfMatch.Onnx;

/// <summary>A stored tensor: float32, or whole numbers.</summary>
internal sealed record OnnxTensor(string Name, int[] Sizes, float[]? Numbers, long[]? Whole);

/// <summary>A setting of a node; one of the parts is set.</summary>
internal sealed record OnnxSetting(string Name, long? Whole, float? Number, string? Text, long[]? List, OnnxTensor? Tensor);

/// <summary>One use of an operator.</summary>
internal sealed record OnnxNode(string Operator, string Domain, string Name, string[] Inputs, string[] Outputs, OnnxSetting[] Settings);

/// <summary>An input of a model; a size is null where it is free, and all are where none are told.</summary>
internal sealed record OnnxInput(string Name, bool IsWhole, int?[]? Sizes);

/// <summary>What a file of ONNX holds of a model, as far as computing with it needs; the numbers of the fields are those of onnx.proto.
/// </summary>
internal sealed class OnnxFile
{
    private const int Float = 1, Int32 = 6, Int64 = 7, Bool = 9, Float16 = 10, Double = 11;
    private const int MostSizes = 8, MostNodes = 100_000;

    private readonly string _place;

    private OnnxFile(string place) => _place = place;

    public List<OnnxNode> Nodes { get; } = [];

    public List<OnnxTensor> Tensors { get; } = [];

    public List<OnnxInput> Inputs { get; } = [];

    public List<string> Outputs { get; } = [];

    /// <summary>The version of ONNX's own operators; 0 for a file that tells none.</summary>
    public int Version { get; private set; }

    /// <summary>Reads a model.</summary>
    /// <exception cref="OnnxModelException">The bytes are no model, or a damaged one.</exception>
    public static OnnxFile Read(byte[] bytes, string place)
    {
        var file = new OnnxFile(place);
        try
        {
            ByteString? graph = null;
            ProtoField.Each(ByteString.CopyFrom(bytes), (field, input) =>
            {
                if (field == 7)
                    graph = input.ReadBytes();
                else if (field == 8)
                    file.ReadVersion(input.ReadBytes());
                else
                    return false;
                return true;
            });
            file.ReadGraph(graph ?? throw new OnnxModelException(place, "this is no model of ONNX: it has no graph. Name a .onnx file."));
        }
        catch (Exception e) when (e is OverflowException or IOException or ArgumentException)
        {
            throw new OnnxModelException(
                place, $"the model is damaged or no model of ONNX ({e.Message.TrimEnd('.')}). Copy the file again.", e);
        }
        return file.Nodes.Count > 0 && file.Outputs.Count > 0
            ? file
            : throw new OnnxModelException(place, "the model has no operators or no output. Name a .onnx file.");
    }

    private void ReadVersion(ByteString operatorSet)
    {
        (string domain, long version) = ("", 0);
        ProtoField.Each(operatorSet, (field, input) =>
        {
            if (field == 1)
                domain = input.ReadString();
            else if (field == 2)
                version = input.ReadInt64();
            else
                return false;
            return true;
        });
        if (domain is "" or "ai.onnx")
            Version = (int)Math.Clamp(version, 0, int.MaxValue);
    }

    private void ReadGraph(ByteString graph) => ProtoField.Each(graph, (field, input) =>
    {
        switch (field)
        {
            case 1:
                Nodes.Add(ReadNode(input.ReadBytes()));
                if (Nodes.Count > MostNodes)
                    throw new OnnxModelException(_place, $"the model has more than {MostNodes} operators. Is this the right file?");
                return true;
            case 5:
                Tensors.Add(ReadTensor(input.ReadBytes()));
                return true;
            case 11:
                Inputs.Add(ReadInput(input.ReadBytes()));
                return true;
            case 12:
                Outputs.Add(ReadInput(input.ReadBytes()).Name);
                return true;
            default:
                return false;
        }
    });

    private OnnxNode ReadNode(ByteString node)
    {
        List<string> inputs = [], outputs = [];
        var settings = new List<OnnxSetting>();
        (string name, string kind, string domain) = ("", "", "");
        ProtoField.Each(node, (field, input) =>
        {
            switch (field)
            {
                case 1: inputs.Add(input.ReadString()); break;
                case 2: outputs.Add(input.ReadString()); break;
                case 3: name = input.ReadString(); break;
                case 4: kind = input.ReadString(); break;
                case 5: settings.Add(ReadSetting(input.ReadBytes())); break;
                case 7: domain = input.ReadString(); break;
                default: return false;
            }
            return true;
        });
        return new OnnxNode(kind, domain, name, [.. inputs], [.. outputs], [.. settings]);
    }

    private OnnxSetting ReadSetting(ByteString attribute)
    {
        string name = "";
        (long? whole, float? number, string? text, OnnxTensor? tensor) = (null, null, null, null);
        List<long>? list = null;
        ProtoField.Each(attribute, (field, input) =>
        {
            switch (field)
            {
                case 1: name = input.ReadString(); break;
                case 2: number = input.ReadFloat(); break;
                case 3: whole = input.ReadInt64(); break;
                case 4: text = input.ReadBytes().ToStringUtf8(); break;
                case 5: tensor = ReadTensor(input.ReadBytes()); break;
                case 8: AddWhole(input, list ??= []); break;
                default: return false;
            }
            return true;
        });
        return new OnnxSetting(name, whole, number, text, list?.ToArray(), tensor);
    }

    private OnnxInput ReadInput(ByteString info)
    {
        string name = "";
        int type = 0;
        List<int?>? sizes = null;
        ProtoField.Each(info, (field, input) =>
        {
            if (field == 1)
                name = input.ReadString();
            else if (field == 2)
                ProtoField.Each(input.ReadBytes(), (f, typed) => f == 1 && ReadTensorType(typed.ReadBytes(), t => type = t, s => sizes = s));
            else
                return false;
            return true;
        });
        return new OnnxInput(name, type is Int32 or Int64 or Bool, sizes?.ToArray());
    }

    private static bool ReadTensorType(ByteString type, Action<int> setType, Action<List<int?>> setSizes)
    {
        ProtoField.Each(type, (field, input) =>
        {
            if (field == 1)
            {
                setType(input.ReadInt32());
                return true;
            }
            if (field != 2)
                return false;
            var sizes = new List<int?>();
            ProtoField.Each(input.ReadBytes(), (f, shape) => f == 1 && AddSize(shape.ReadBytes(), sizes));
            setSizes(sizes);
            return true;
        });
        return true;
    }

    private static bool AddSize(ByteString dimension, List<int?> sizes)
    {
        int? size = null;
        ProtoField.Each(dimension, (field, input) =>
        {
            if (field != 1)
                return false;
            size = checked((int)input.ReadInt64());
            return true;
        });
        sizes.Add(size);
        return true;
    }

    private OnnxTensor ReadTensor(ByteString tensor)
    {
        string name = "";
        var (sizes, whole, numbers, type) = (new List<long>(), new List<long>(), new List<float>(), 0);
        ByteString? raw = null;
        ProtoField.Each(tensor, (field, input) =>
        {
            switch (field)
            {
                case 1: AddWhole(input, sizes); break;
                case 2: type = input.ReadInt32(); break;
                case 4: AddFloats(input, numbers); break;
                case 5 or 7: AddWhole(input, whole); break;
                case 8: name = input.ReadString(); break;
                case 9: raw = input.ReadBytes(); break;
                case 13: throw new OnnxModelException(_place, $"the tensor '{name}' is in a file of its own, which is not read.");
                default: return false;
            }
            return true;
        });
        int[] shape = [.. sizes.Select(s => checked((int)s))];
        long count = shape.Aggregate(1L, (product, size) => checked(product * size));
        if (shape.Length > MostSizes || shape.Any(s => s < 0))
            throw new OnnxModelException(_place, $"the tensor '{name}' has the sizes [{string.Join(", ", shape)}].");
        (float[]? floats, long[]? longs) = raw is null
            ? type == Float ? (numbers.ToArray(), (long[]?)null) : type is Int32 or Int64 or Bool ? (null, whole.ToArray()) : Unread(name, type)
            : FromRaw(raw.Span, type, name);
        int got = floats?.Length ?? longs!.Length;
        return got == count
            ? new OnnxTensor(name, shape, floats, longs)
            : throw new OnnxModelException(
                _place, $"the tensor '{name}' has {got} numbers, its sizes [{string.Join(", ", shape)}] need {count}. Copy the file again.");
    }

    private (float[]? Numbers, long[]? Whole) FromRaw(ReadOnlySpan<byte> raw, int type, string name) => type switch
    {
        Float => (MemoryMarshal.Cast<byte, float>(raw).ToArray(), null),
        Float16 => (Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(raw).ToArray(), h => (float)h), null),
        Double => (Array.ConvertAll(MemoryMarshal.Cast<byte, double>(raw).ToArray(), d => (float)d), null),
        Int32 => (null, Array.ConvertAll(MemoryMarshal.Cast<byte, int>(raw).ToArray(), i => (long)i)),
        Int64 => (null, MemoryMarshal.Cast<byte, long>(raw).ToArray()),
        Bool => (null, Array.ConvertAll(raw.ToArray(), b => (long)b)),
        _ => Unread(name, type),
    };

    private (float[]? Numbers, long[]? Whole) Unread(string name, int type) => throw new OnnxModelException(
        _place, $"the tensor '{name}' has numbers of type {type}, which are not read; float32, float16, int32, int64 and bool are.");

    private static void AddWhole(ProtoField input, List<long> to)
    {
        if (input.WireType == WireFormat.WireType.Varint)
        {
            to.Add(input.ReadInt64());
            return;
        }
        CodedInputStream packed = input.ReadBytes().CreateCodedInput();
        while (!packed.IsAtEnd)
            to.Add(packed.ReadInt64());
    }

    private static void AddFloats(ProtoField input, List<float> to)
    {
        if (input.WireType == WireFormat.WireType.Fixed32)
            to.Add(input.ReadFloat());
        else
            to.AddRange(MemoryMarshal.Cast<byte, float>(input.ReadBytes().Span));
    }
}
