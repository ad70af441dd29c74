using System.Buffers.Binary;
using System.Text;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.IO;

/// <summary>Arrays of 16-bit numbers, which other programs write, are read as float32.</summary>
public sealed class HalfPrecisionTests
{
    // Bits with their values, by hand from the formats' definitions.
    [Theory]
    [InlineData("F16", 0x0000, 0.0)]
    [InlineData("F16", 0x8000, -0.0)]
    [InlineData("F16", 0x3C00, 1.0)]
    [InlineData("F16", 0xC000, -2.0)]
    [InlineData("F16", 0x3555, 0.333251953125)]
    [InlineData("F16", 0x7BFF, 65504.0)] // the largest
    [InlineData("F16", 0x0400, 1.0 / 16384)] // the smallest normal one
    [InlineData("F16", 0x0001, 1.0 / 16777216)] // the smallest subnormal one
    [InlineData("F16", 0x83FF, -1023.0 / 16777216)] // the largest subnormal one, negative
    [InlineData("F16", 0x7C00, double.PositiveInfinity)]
    [InlineData("F16", 0xFC00, double.NegativeInfinity)]
    [InlineData("F16", 0x7E01, double.NaN)]
    [InlineData("BF16", 0x0000, 0.0)]
    [InlineData("BF16", 0x8000, -0.0)]
    [InlineData("BF16", 0x3F80, 1.0)]
    [InlineData("BF16", 0xC049, -3.140625)]
    [InlineData("BF16", 0x7F7F, 3.3895313892515355e38)] // the largest
    [InlineData("BF16", 0x0080, 1.1754943508222875e-38)] // the smallest normal one
    [InlineData("BF16", 0x0001, 9.183549615799121e-41)] // the smallest subnormal one
    [InlineData("BF16", 0x7F80, double.PositiveInfinity)]
    [InlineData("BF16", 0xFF80, double.NegativeInfinity)]
    [InlineData("BF16", 0x7FC0, double.NaN)]
    public void A_number_of_16_bits_keeps_its_value(string type, int bits, double expected)
    {
        byte[] data = [(byte)bits, (byte)(bits >> 8)];
        var any = new ArrayFileLimits { AllowNonFinite = true };
        float found = Read(type, [1], data, any)["a"].AsFloat32()[0];
        Assert.Equal(expected, found);
        Assert.True(double.IsNaN(expected) || double.IsNegative(expected) == float.IsNegative(found));
        if (double.IsFinite(expected))
        {
            Assert.Equal((float)expected, Read(type, [1], data)["a"].AsFloat32()[0]);
            return;
        }
        SafetensorsException e = Assert.Throws<SafetensorsException>(() => Read(type, [1], data));
        Assert.Contains("'a' holds NaN or an infinity at element 0", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_half_is_read_as_the_runtime_converts_it()
    {
        var data = new byte[1 << 17];
        for (int bits = 0; bits < 1 << 16; bits++)
            BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(2 * bits), (ushort)bits);
        var any = new ArrayFileLimits { AllowNonFinite = true };
        float[] found = Read("F16", [256, 256], data, any)["a"].AsFloat32().ToArray();
        for (int bits = 0; bits < 1 << 16; bits++)
            Assert.Equal((float)BitConverter.UInt16BitsToHalf((ushort)bits), found[bits]);
    }

    // A chunk of reading holds 2¹⁹ numbers.
    [Fact]
    public void Arrays_beyond_a_chunk_are_whole_and_the_next_one_begins_behind_them()
    {
        const int Count = (1 << 19) + 3;
        var data = new byte[2 * Count + 4];
        for (int i = 0; i < Count; i++)
            BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(2 * i), (Half)(i % 2048));
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(2 * Count), 77);
        ArraySet set = Read(
            "{\"a\":{\"dtype\":\"F16\",\"shape\":[" + Count + "],\"data_offsets\":[0," + 2 * Count + "]},"
            + "\"b\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[" + 2 * Count + "," + (2 * Count + 4) + "]}}", data);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => (float)(i % 2048)), set["a"].AsFloat32().ToArray());
        Assert.Equal(77, set["b"].AsInt32()[0]);
    }

    [Fact]
    public void The_limit_holds_for_what_memory_takes()
    {
        SafetensorsException e = Assert.Throws<SafetensorsException>(
            () => Read("F16", [4], new byte[8], new ArrayFileLimits { MaxDataBytes = 15 }));
        Assert.Contains("16 bytes, the limit is 15", e.Message, StringComparison.Ordinal);
        Assert.Equal(4, Read("F16", [4], new byte[8], new ArrayFileLimits { MaxDataBytes = 16 })["a"].Count);
    }

    [Theory]
    [InlineData("F16", 3)]
    [InlineData("BF16", 5)]
    public void Half_a_number_is_refused(string type, int bytes) =>
        Assert.Contains(
            $"do not span the 4 bytes of {(type == "F16" ? "Float16" : "BFloat16")} [2]",
            Assert.Throws<SafetensorsException>(() => Read(type, [2], new byte[bytes])).Message, StringComparison.Ordinal);

    [Fact]
    public void They_are_read_and_not_written() => Assert.Contains(
        "Float16 is read, and not written. Write it as Float32",
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Create(
            Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), [new ArrayLayout("a", ArrayElement.Float16, [1])])).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Npy_files_of_numpy_float16_are_read()
    {
        byte[] header = Encoding.ASCII.GetBytes("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }".PadRight(117) + "\n");
        byte[] file = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header, 0x00, 0x3C, 0x01, 0x80];
        using var stream = new MemoryStream(file);
        NamedArray found = Npy.Read(stream, "a");
        Assert.Equal([1f, -1f / 16777216], found.AsFloat32().ToArray());
    }

    private static ArraySet Read(string type, int[] shape, byte[] data, ArrayFileLimits? limits = null) => Read(
        $"{{\"a\":{{\"dtype\":\"{type}\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[0,{data.Length}]}}}}", data, limits);

    private static ArraySet Read(string header, byte[] data, ArrayFileLimits? limits = null)
    {
        var size = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(size, header.Length);
        using var stream = new MemoryStream([.. size, .. Encoding.UTF8.GetBytes(header), .. data]);
        return Safetensors.Read(stream, limits);
    }
}
