using System.Buffers.Binary;
using System.Text;
using CsCheck;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

public class NpyTests
{
    private const string Good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";

    [Fact]
    public void Any_array_survives_a_round_trip()
    {
        ArrayGen.Sets.Sample(arrays =>
        {
            foreach (NamedArray array in arrays)
            {
                using MemoryStream stream = new();
                Npy.Write(stream, array);
                Assert.Equal(0, (stream.Length - array.ByteCount) % 64);
                stream.Position = 0;
                ArrayGen.AssertEqual(array, Npy.Read(stream, array.Name));
            }
        }, iter: 300, threads: 1);
    }

    [Fact]
    public void A_tiny_file_has_exactly_the_bytes_of_numpy()
    {
        using MemoryStream stream = new();
        Npy.Write(stream, NamedArray.From("x", [3], new[] { 1, -1, 256 }));
        string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }";
        byte[] expected =
        [
            0x93, .. "NUMPY"u8, 1, 0, 118, 0,
            .. Encoding.ASCII.GetBytes(header.PadRight(117)), (byte)'\n',
            1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0,
        ];
        Assert.Equal(expected, stream.ToArray());
    }

    [Fact]
    public void Files_are_named_after_themselves()
    {
        using TemporaryFolder folder = new();
        Npy.Write(folder.At("images.npy"), NamedArray.From("x", [2, 1], new[] { 1f, 2f }));
        Assert.Equal(["images.npy"], folder.Names);
        Assert.Equal("images: Float32 [2, 1]", Npy.Read(folder.At("images.npy")).ToString());
    }

    [Theory]
    [InlineData(Good)]
    [InlineData("{'descr':'<f4','fortran_order':False,'shape':(2,)}")]
    [InlineData("{\"shape\": (2 , 1 ,), \"fortran_order\": False, \"descr\": \"<f4\"}   \n")]
    public void Other_spellings_and_version_2_are_read(string header)
    {
        Assert.Equal(2, Read(File(header, 8)).Count);
        Assert.Equal(2, Read(File(header, 8, version: 2)).Count);
    }

    [Theory]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 8, "pickled Python objects")]
    [InlineData("{'descr': 'O', 'fortran_order': False, 'shape': (2,), }", 8, "pickled Python objects")]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8, "'>f4' is not supported")]
    [InlineData("{'descr': '<f16', 'fortran_order': False, 'shape': (2,), }", 32, "'<f16' is not supported")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8, "structured")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", 8, "Fortran order")]
    [InlineData("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", 8, "expected False")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2), }", 8, "not a tuple")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': 2, }", 8, "expected '('")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", 8, "'' is not a dimension")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }", 8, "'2L' is not a dimension")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,), }", 8, "is not a dimension")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (,), }", 8, "is not a dimension")]
    [InlineData("{'descr': '<f8', 'fortran_order': False, 'shape': (2147483647, 2147483647, 2147483647)}", 8,
        "more than")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647, 1), }", 8, "more than")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000,), }", 8, "cut short")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, "appended")]
    [InlineData("{'descr': '<f4', 'fortran_order': False}", 8, "needs descr")]
    [InlineData("{'fortran_order': False, 'shape': (2,)}", 8, "needs descr")]
    [InlineData("{'descr': '<f4', 'shape': (2,)}", 8, "needs descr")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, "occurs twice")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", 8, "the key 'x' is unknown")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} + 1", 8, "text follows")]
    [InlineData("{'descr': '<f4", 8, "does not end")]
    [InlineData("{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2,)}", 8, "not plain ASCII")]
    [InlineData("{", 8, "expected a quoted text")]
    [InlineData("__import__('os')", 8, "expected '{'")]
    [InlineData("", 8, "expected '{'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': "
        + "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}", 4, "more than 32 dimensions")]
    public void Hostile_headers_are_refused_with_the_reason(string header, int dataBytes, string reason)
    {
        NpyException e = Assert.Throws<NpyException>(() => Read(File(header, dataBytes)));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Signature_version_and_header_size_are_checked()
    {
        byte[] file = File(Good, 8);
        Assert.All(Enumerable.Range(0, file.Length), n => Assert.Throws<NpyException>(() => Read(file[..n])));
        Assert.Contains("signature", Refusal(file, at: 0, value: (byte)'N'), StringComparison.Ordinal);
        Assert.Contains("version 3.0", Refusal(file, at: 6, value: 3), StringComparison.Ordinal);
        Assert.Contains("version 1.1", Refusal(file, at: 7, value: 1), StringComparison.Ordinal);
        Assert.Contains("only", Refusal(file, at: 9, value: 0xff), StringComparison.Ordinal);
        byte[] second = File(Good, 8, version: 2);
        Assert.Contains("the limit is 65536", Refusal(second, at: 11, value: 0x7f), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_are_not_finite_need_permission()
    {
        using MemoryStream stream = new();
        Npy.Write(stream, NamedArray.From("x", [2], new[] { 1, double.NaN }));
        NpyException e = Assert.Throws<NpyException>(() => Read(stream.ToArray()));
        Assert.Contains("at element 1", e.Message, StringComparison.Ordinal);
        Assert.True(double.IsNaN(Read(stream.ToArray(), new ArrayFileLimits { AllowNonFinite = true }).AsFloat64()[1]));
    }

    [Fact]
    public void Limits_bound_the_data()
    {
        NpyException e = Assert.Throws<NpyException>(
            () => Read(File(Good, 8), new ArrayFileLimits { MaxDataBytes = 7 }));
        Assert.Contains("8 bytes, the limit is 7", e.Message, StringComparison.Ordinal);
    }

    private static string Refusal(byte[] file, int at, byte value)
    {
        byte[] changed = [.. file];
        changed[at] = value;
        return Assert.Throws<NpyException>(() => Read(changed)).Message;
    }

    private static NamedArray Read(byte[] file, ArrayFileLimits? limits = null)
    {
        using MemoryStream stream = new(file);
        return Npy.Read(stream, "x", limits);
    }

    private static byte[] File(string header, int dataBytes, int version = 1)
    {
        byte[] size = new byte[version == 1 ? 2 : 4];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(size, (ushort)header.Length);
        else
            BinaryPrimitives.WriteInt32LittleEndian(size, header.Length);
        byte[] text = Encoding.ASCII.GetBytes(header);
        return [0x93, .. "NUMPY"u8, (byte)version, 0, .. size, .. text, .. new byte[dataBytes]];
    }
}
