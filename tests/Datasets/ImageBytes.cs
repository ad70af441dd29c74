using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using InfMatch.Datasets;

namespace InfMatch.Tests.Datasets;

/// <summary>Writes small PNG and MATLAB files byte by byte, and holds small JPEG files that libjpeg-turbo's cjpeg
/// wrote.
/// </summary>
internal static class ImageBytes
{
    /// <summary>16×12, baseline, 4:2:0: red grows to the right by 16, green downwards by 20, blue is 128.</summary>
    public static byte[] BaselineJpeg { get; } = Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i" +
        "Z2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj" +
        "Y2NjY2NjY2P/wAARCAAMABADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAABf/EABoQAAICAwAAAAAAAAAAAAAAAAADBCEF" +
        "IjH/xAAVAQEBAAAAAAAAAAAAAAAAAAAAAv/EABkRAAMAAwAAAAAAAAAAAAAAAAACBAMFIf/aAAwDAQACEQMRAD8ADj43monHxvNR" +
        "WOhdUJx0LqhlrYjX2tw//9k=");

    /// <summary>The same, progressive.</summary>
    public static byte[] ProgressiveJpeg { get; } = Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i" +
        "Z2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj" +
        "Y2NjY2NjY2P/wgARCAAMABADASIAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAABP/EABUBAQEAAAAAAAAAAAAAAAAAAAAC/9oA" +
        "DAMBAAIQAxAAAAEKVpT/AP/EABcQAAMBAAAAAAAAAAAAAAAAAAABAgP/2gAIAQEAAQUCnMnMlIlI/8QAFxEAAwEAAAAAAAAAAAAA" +
        "AAAAAAEDBP/aAAgBAwEBPwHPZn//xAAXEQADAQAAAAAAAAAAAAAAAAAAAQID/9oACAECAQE/Aa1Z/8QAFBABAAAAAAAAAAAAAAAA" +
        "AAAAIP/aAAgBAQAGPwIf/8QAFhABAQEAAAAAAAAAAAAAAAAAYQAQ/9oACAEBAAE/IRh1L//aAAwDAQACAAMAAAAQV//EABURAQEA" +
        "AAAAAAAAAAAAAAAAAAAh/9oACAEDAQE/EIn/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oACAECAQE/EG//xAAWEAEBAQAAAAAAAAAA" +
        "AAAAAAAAITH/2gAIAQEAAT8QwMCKIo//2Q==");

    /// <summary>8×8, one component: 16 more to the right, 8 more downwards.</summary>
    public static byte[] GreyJpeg { get; } = Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i" +
        "Z2hnPk1xeXBkeFxlZ2P/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABf/EABgQAAIDAAAAAAAAAAAAAAAAAAAEBSEy" +
        "/9oACAEBAAA/ACYRPNH/2Q==");

    /// <summary>A PNG of one colour type whose unfiltered rows are given, each without its filter byte.</summary>
    public static byte[] Png(int width, int height, byte colour, byte bits, byte[] rows,
        params (string, byte[])[] before)
    {
        byte[] filtered = new byte[rows.Length + height];
        int row = rows.Length / height;
        for (int y = 0; y < height; y++)
            rows.AsSpan(y * row, row).CopyTo(filtered.AsSpan((y * (row + 1)) + 1));
        return PngOf(
        [
            ("IHDR", Header(width, height, colour, bits)), .. before, ("IDAT", Zlib(filtered)), ("IEND", []),
        ]);
    }

    /// <summary>An RGB PNG of one colour.</summary>
    public static byte[] PlainPng(int width, int height, byte red, byte green, byte blue) => Png(
        width, height, 2, 8, [.. Enumerable.Range(0, width * height).SelectMany(_ => (byte[])[red, green, blue])]);

    public static byte[] PngOf(params (string Type, byte[] Data)[] chunks) =>
        [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. chunks.SelectMany(c => Chunk(c.Type, c.Data))];

    public static byte[] Header(int width, int height, byte colour, byte bits, byte interlace = 0)
    {
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = (bits, colour, interlace);
        return header;
    }

    public static byte[] Chunk(string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        byte[] chunk = new byte[body.Length + 8];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        body.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(body.Length + 4), Crc(body));
        return chunk;
    }

    public static byte[] Zlib(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal))
            zlib.Write(plain);
        return packed.ToArray();
    }

    /// <summary>CRC-32 bit by bit.</summary>
    public static uint Crc(byte[] bytes)
    {
        uint crc = 0xFFFF_FFFF;
        foreach (byte b in bytes)
        {
            crc ^= b;
            for (int k = 0; k < 8; k++)
                crc = (crc >> 1) ^ (0xEDB8_8320 & (uint)-(int)(crc & 1));
        }

        return ~crc;
    }

    /// <summary>An SVHN file: pixel (y, x, c) of image n is y + 2x + 64c + n modulo 256, label n is 1 + n modulo
    /// 10.</summary>
    public static byte[] Svhn(int images, bool compressed = true, bool asDouble = false)
    {
        byte[] pixels = new byte[images * 3072];
        int i = 0;
        for (int n = 0; n < images; n++)
        {
            for (int c = 0; c < 3; c++)
            {
                for (int x = 0; x < 32; x++)
                {
                    for (int y = 0; y < 32; y++)
                        pixels[i++] = (byte)(y + (2 * x) + (64 * c) + n);
                }
            }
        }

        byte[] labels =
        [
            .. Enumerable.Range(0, images).SelectMany(n =>
                asDouble ? BitConverter.GetBytes((double)(1 + (n % 10))) : [(byte)(1 + (n % 10))]),
        ];
        byte[] x4 = Variable("X", [32, 32, 3, images], 9, 2, pixels);
        byte[] y2 = Variable("y", [images, 1], asDouble ? (byte)6 : (byte)9, asDouble ? 9 : 2, labels);
        return compressed ? Mat(Packed(x4), Packed(y2)) : Mat(x4, y2);
    }

    public static byte[] Mat(params byte[][] elements)
    {
        byte[] header = new byte[128];
        Encoding.ASCII.GetBytes("MATLAB 5.0 MAT-file, Platform: GLNXA64".PadRight(116)).CopyTo(header, 0);
        (header[125], header[126], header[127]) = (1, (byte)'I', (byte)'M');
        return [.. header, .. elements.SelectMany(e => e)];
    }

    /// <summary>A variable as an element of a MATLAB file, in the long form of every tag but that of a short
    /// name.</summary>
    public static byte[] Variable(string name, int[] sizes, byte kind, int storage, byte[] data)
    {
        byte[] shortName = [.. BitConverter.GetBytes((name.Length << 16) | 1),
            .. Encoding.ASCII.GetBytes(name.PadRight(4, '\0'))];
        byte[] body =
        [
            .. Element(6, [kind, 0, 0, 0, 0, 0, 0, 0]), .. Element(5, [.. sizes.SelectMany(BitConverter.GetBytes)]),
            .. shortName, .. Element(storage, data),
        ];
        return [.. BitConverter.GetBytes(14), .. BitConverter.GetBytes(body.Length), .. body];
    }

    public static byte[] Packed(byte[] element)
    {
        byte[] packed = Zlib(element);
        return [.. BitConverter.GetBytes(15), .. BitConverter.GetBytes(packed.Length), .. packed];
    }

    public static byte[] Cifar100(int count)
    {
        byte[] bytes = new byte[count * 3074];
        for (int i = 0; i < count; i++)
        {
            (bytes[i * 3074], bytes[(i * 3074) + 1]) = ((byte)(i % 20), (byte)(i % 100));
            bytes.AsSpan((i * 3074) + 2, 3072).Fill((byte)(i + 3));
        }

        return bytes;
    }

    /// <summary>Guard and decoder: rows of pixels [H, W, 3], the same whatever stands in memory that is given out.</summary>
    public static byte[] Decode(byte[] file)
    {
        CheckedImage image = ImageFile.Check(file, "x", DecodeLimits.Default);
        FillFreeMemory(0x33);
        byte[] pixels = ImageFile.Decode(image, "x");
        FillFreeMemory(0xCC);
        Assert.Equal(pixels, ImageFile.Decode(image, "x"));
        Assert.Equal(image.Height * image.Width * 3, pixels.Length);
        return pixels;
    }

    // The decoder takes its memory where these blocks were, and what it does not write there shows.
    private static unsafe void FillFreeMemory(byte value)
    {
        Span<nint> blocks = stackalloc nint[24];
        for (int i = 0; i < blocks.Length; i++)
        {
            int size = 64 << (i / 2);
            blocks[i] = (nint)NativeMemory.Alloc((nuint)size);
            new Span<byte>((void*)blocks[i], size).Fill(value);
        }

        foreach (nint block in blocks)
            NativeMemory.Free((void*)block);
    }

    private static byte[] Element(int type, byte[] data) =>
        [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes(data.Length), .. data,
            .. new byte[(8 - (data.Length % 8)) % 8]];
}
