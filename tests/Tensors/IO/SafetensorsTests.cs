using System.Buffers.Binary;
using System.Text;
using CsCheck;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

public class SafetensorsTests
{
    private const string A = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    [Fact]
    public void Any_set_of_arrays_survives_a_round_trip()
    {
        ArrayGen.Sets.Sample(arrays =>
        {
            Dictionary<string, string> metadata = new(StringComparer.Ordinal)
            {
                ["seed"] = "1",
                ["näme \"x\""] = "a\\b\n",
            };
            using MemoryStream stream = new();
            Safetensors.Write(stream, arrays, metadata);
            stream.Position = 0;
            ArraySet set = Safetensors.Read(stream);

            Assert.Equal(stream.Length, stream.Position);
            Assert.Equal(arrays.Length, set.Arrays.Count);
            Assert.Equal(metadata, set.Metadata);
            foreach (NamedArray array in arrays)
                ArrayGen.AssertEqual(array, set[array.Name]);

            stream.Position = 0;
            SafetensorsHeader header = SafetensorsHeader.Read(stream);
            Assert.Equal(0, header.DataStart % 64);
            byte[] file = stream.ToArray();
            foreach (SafetensorsEntry entry in header.Entries)
            {
                byte[] slice = file[(int)entry.Offset..(int)(entry.Offset + entry.ByteCount)];
                Assert.Equal(ArrayGen.BytesOf(set[entry.Name]), slice);
                Assert.Equal(0, entry.Offset % entry.Element.ByteSize());
            }
        }, iter: 300, threads: 1);
    }

    [Fact]
    public void A_tiny_file_has_exactly_the_bytes_of_the_format()
    {
        using MemoryStream stream = new();
        Safetensors.Write(stream,
            [NamedArray.From("b", [1], new byte[] { 255 }), NamedArray.From("a", [2, 1], new[] { 1f, -2f })],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["z"] = "2", ["k"] = "v" });

        string json = """{"__metadata__":{"k":"v","z":"2"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}"""
            + ""","b":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}""";

        // 8 + 184 = 192 = 3 · 64
        byte[] expected =
        [
            184, 0, 0, 0, 0, 0, 0, 0,
            .. Encoding.UTF8.GetBytes(json.PadRight(184)),
            0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0,
            0xff,
        ];
        Assert.Equal(expected, stream.ToArray());
    }

    // The format's own reader takes null for none.
    [Fact]
    public void Metadata_that_are_null_are_none()
    {
        using MemoryStream stream = new(
            File("""{"__metadata__":null,"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2));
        SafetensorsHeader header = SafetensorsHeader.Read(stream);
        Assert.Empty(header.Metadata);
        Assert.Equal("a", Assert.Single(header.Entries).Name);
    }

    [Fact]
    public void Equal_content_gives_equal_bytes_whatever_the_order_of_metadata()
    {
        byte[] Write(params (string Key, string Value)[] pairs)
        {
            using MemoryStream stream = new();
            Safetensors.Write(stream, [], pairs.ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal));
            return stream.ToArray();
        }

        Assert.Equal(Write(("a", "1"), ("b", "2")), Write(("b", "2"), ("a", "1")));
    }

    [Fact]
    public void Files_are_written_atomically_and_read_by_path()
    {
        using TemporaryFolder folder = new();
        string path = folder.At("set.safetensors");
        Safetensors.Write(path, [NamedArray.From("a", [1], new[] { 1L })]);
        Assert.Equal(["set.safetensors"], folder.Names);
        Assert.Equal([1L], Safetensors.Read(path)["a"].AsInt64().ToArray());
        Assert.Equal(8, SafetensorsHeader.Read(path)["a"].ByteCount);
        KeyNotFoundException e = Assert.Throws<KeyNotFoundException>(() => Safetensors.Read(path)["c"]);
        Assert.Equal($"{path}: there is no array 'c'. The file has: a.", e.Message);
        Assert.Throws<KeyNotFoundException>(() => SafetensorsHeader.Read(path)["c"]);
    }

    [Fact]
    public void Arrays_larger_than_a_chunk_survive()
    {
        int[] data = [.. Enumerable.Range(0, 700_001)];
        using MemoryStream stream = new();
        Safetensors.Write(stream, [NamedArray.From("a", [data.Length], data)]);
        stream.Position = 0;
        Assert.Equal(data, Safetensors.Read(stream)["a"].AsInt32().ToArray());
    }

    [Fact]
    public void Keys_may_stand_in_any_order_and_empty_arrays_anywhere()
    {
        ArraySet set = Read(File(
            """{"b":{"data_offsets":[8,9],"shape":[1],"dtype":"U8"}"""
            + ""","e":{"dtype":"F64","shape":[0,3],"data_offsets":[8,8]}"""
            + ""","a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9));
        Assert.Equal("a e b", string.Join(' ', set.Arrays.Select(a => a.Name)));
        Assert.Empty(Read(File("{}", 0)).Arrays);
    }

    [Theory]
    [InlineData(A, 7, "cut short")]
    [InlineData(A, 9, "appended")]
    [InlineData("[]", 0, "does not begin with '{'")]
    [InlineData(" {}", 0, "does not begin with '{'")]
    [InlineData("", 0, "at least 10|does not begin")]
    [InlineData("{", 0, "not valid JSON")]
    [InlineData("{}x", 0, "not valid JSON")]
    [InlineData("{}{}", 0, "not valid JSON")]
    [InlineData("{\"a\":1}", 0, "expected StartObject, got Number")]
    [InlineData("{\"__metadata__\":{\"k\":1}}", 0, "expected String, got Number")]
    [InlineData("{\"__metadata__\":[]}", 0, "expected StartObject")]
    [InlineData("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "metadata key 'k' occurs twice")]
    [InlineData("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "'__metadata__' occurs twice")]
    [InlineData("{\"__metadata__\":{\"k\":\"\\ud800\"}}", 0, "lone surrogate")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},"
        + "\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[1,2]}}", 2, "'a' occurs twice")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, "occurs twice")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":1}}", 1, "unknown")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 0, "needs dtype, shape and two data_offsets")]
    [InlineData("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "'F8_E4M3' is not supported")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, "not an integer")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,1]}}", 1, "not an integer")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[[1]],\"data_offsets\":[0,1]}}", 1, "not an integer")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296],\"data_offsets\":[0,1]}}", 1,
        "the limit is 2147483647")]
    [InlineData("{\"a\":{\"dtype\":\"F64\",\"shape\":[2147483647,2147483647,2],\"data_offsets\":[0,1]}}", 1,
        "overflow")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[65536,65536,65536,65536],\"data_offsets\":[0,0]}}", 0, "overflow")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, "do not span the 2 bytes")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,0]}}", 2, "do not span")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1,2]}}", 2, "more than 2 numbers")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],"
        + "\"data_offsets\":[9223372036854775805,9223372036854775807]}}", 2,
        "overflow")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "neither holes nor overlaps")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
        + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "neither holes nor overlaps")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
        + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}", 5, "neither holes nor overlaps")]
    [InlineData("{\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, "the name is empty")]
    [InlineData("{\"a\\u0000\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, "control character U+0000")]
    [InlineData("{\"a\":{\"dtype\":\"U8\","
        + "\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"
        + "\"data_offsets\":[0,1]}}", 1, "more than 32 numbers")]
    public void Hostile_headers_are_refused_with_the_reason(string json, int dataBytes, string reason)
    {
        SafetensorsException e = Assert.Throws<SafetensorsException>(() => Read(File(json, dataBytes)));
        Assert.Contains(reason.Split('|'), part => e.Message.Contains(part, StringComparison.Ordinal));
    }

    [Fact]
    public void Invalid_utf8_and_deep_nesting_are_refused()
    {
        byte[] file = File("{\"a#\":1}", 0);
        file[8 + 3] = 0xff;
        SafetensorsException e = Assert.Throws<SafetensorsException>(() => Read(file));
        Assert.Contains("UTF-8", e.Message, StringComparison.Ordinal);
        string deep = "{\"a\":" + new string('[', 100_000);
        Assert.Throws<SafetensorsException>(() => Read(File(deep, 0)));
    }

    [Theory]
    [InlineData(1UL << 20, "cut short")]
    [InlineData((1UL << 20) + 1, "the limit is 1048576")]
    [InlineData(ulong.MaxValue, "the limit is 1048576")]
    public void A_header_size_is_checked_before_memory_is_taken(ulong size, string reason)
    {
        byte[] file = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(file, size);
        long before = GC.GetAllocatedBytesForCurrentThread();
        SafetensorsException e = Assert.Throws<SafetensorsException>(() => Read(file));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_short_files_are_refused() =>
        Assert.All(Enumerable.Range(0, 8), n => Assert.Throws<SafetensorsException>(() => Read(new byte[n])));

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Values_that_are_not_finite_need_permission(float value)
    {
        using MemoryStream stream = new();
        Safetensors.Write(stream, [NamedArray.From("f", [3], new[] { 0, 1, value })]);
        SafetensorsException e = Assert.Throws<SafetensorsException>(() => Read(stream.ToArray()));
        Assert.Contains("array 'f' holds NaN or an infinity at element 2", e.Message, StringComparison.Ordinal);
        Assert.Equal(value, Read(stream.ToArray(), new ArrayFileLimits { AllowNonFinite = true })["f"].AsFloat32()[2]);

        using MemoryStream doubles = new();
        Safetensors.Write(doubles, [NamedArray.From("d", [1], new double[] { value })]);
        Assert.Throws<SafetensorsException>(() => Read(doubles.ToArray()));
    }

    [Fact]
    public void Limits_bound_the_data()
    {
        SafetensorsException e = Assert.Throws<SafetensorsException>(
            () => Read(File(A, 8), new ArrayFileLimits { MaxDataBytes = 7 }));
        Assert.Contains("the data has 8 bytes, the limit is 7", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, Read(File(A, 8), new ArrayFileLimits { MaxDataBytes = 8 })["a"].Count);
    }

    [Fact]
    public void Names_that_the_reader_would_refuse_are_not_written()
    {
        NamedArray a = NamedArray.From("a", [0], Array.Empty<float>());
        Assert.Throws<ArgumentException>(() => Safetensors.Write(new MemoryStream(), [a, a]));
        NamedArray reserved = NamedArray.From("__metadata__", [0], Array.Empty<float>());
        Assert.Throws<ArgumentException>(() => Safetensors.Write(new MemoryStream(), [reserved]));
        Assert.Throws<ArgumentException>(
            () => Safetensors.Write(new MemoryStream(), [], Pair("k", "\ud800")));
        Assert.Throws<ArgumentException>(
            () => Safetensors.Write(new MemoryStream(), [], Pair("k", new string('x', 1 << 20))));
    }

    private static Dictionary<string, string> Pair(string key, string value) =>
        new(StringComparer.Ordinal) { [key] = value };

    private static ArraySet Read(byte[] file, ArrayFileLimits? limits = null)
    {
        using MemoryStream stream = new(file);
        return Safetensors.Read(stream, limits);
    }

    private static byte[] File(string json, int dataBytes)
    {
        byte[] header = Encoding.UTF8.GetBytes(json);
        byte[] size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, header.Length);
        return [.. size, .. header, .. new byte[dataBytes]];
    }
}
