using System.Buffers.Binary;
using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Tensors.IO;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>A set whose images another program stored as 16-bit numbers.</summary>
public sealed class HalfPrecisionArtifactTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Images_of_16_bits_are_read_and_hashed_as_float32(string type)
    {
        string path = ArtifactSample.Write(_folder.Root);
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(path);
        ushort[] bits = [.. arrays["images"].AsFloat32().ToArray().Select(v => type == "F16"
            ? BitConverter.HalfToUInt16Bits((Half)v)
            : (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16))];
        float[] rounded = [.. bits.Select(b => type == "F16"
            ? (float)BitConverter.UInt16BitsToHalf(b)
            : BitConverter.UInt32BitsToSingle((uint)b << 16))];
        Assert.NotEqual(rounded, arrays["images"].AsFloat32().ToArray());
        arrays["images"] = NamedArray.From("images", arrays["images"].Dimensions, rounded);
        arrays.Remove("images_u8"); // of other numbers
        ArtifactSample.Rehash(arrays, texts);
        Write(path, arrays.Values, texts, type, bits);

        SyntheticArtifact read = SyntheticArtifact.Read(path);
        Assert.Equal(rounded, read.Images.AsFloat32().ToArray());
        Assert.Equal(ArrayElement.Float32, read.Images.Element);
    }

    // A safetensors file by its definition, because the program writes no such numbers.
    private static void Write(
        string path, IEnumerable<NamedArray> arrays, Dictionary<string, string> texts, string type, ushort[] images)
    {
        var header = new JsonObject
        {
            ["__metadata__"] = new JsonObject(texts.Select(t => KeyValuePair.Create<string, JsonNode?>(t.Key, t.Value))),
        };
        using var data = new MemoryStream();
        foreach (NamedArray array in arrays.OrderBy(a => a.Name == "images"))
        {
            long begin = data.Length;
            if (array.Name == "images")
            {
                var word = new byte[2];
                foreach (ushort bits in images)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(word, bits);
                    data.Write(word);
                }
            }
            else
            {
                array.WriteTo(data);
            }
            header[array.Name] = new JsonObject
            {
                ["dtype"] = array.Name == "images" ? type : array.Element switch
                {
                    ArrayElement.Float32 => "F32", ArrayElement.Float64 => "F64", ArrayElement.Int32 => "I32", _ => "U8",
                },
                ["shape"] = new JsonArray([.. array.Dimensions.ToArray().Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(begin, data.Length),
            };
        }
        byte[] json = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        var size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, json.Length);
        File.WriteAllBytes(path, [.. size, .. json, .. data.ToArray()]);
    }
}
