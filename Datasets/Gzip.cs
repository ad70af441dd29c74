using System.Buffers.Binary;
using System.IO.Compression;

namespace InfMatch.Datasets;

/// <summary>
/// Unpacks one gzip member and proves it whole: .NET's GZipStream passes half a file without a word unless a runtime
/// switch is set, so length and CRC-32 of the trailer are compared here whatever the host's switches are.
/// Source: RFC 1952.
/// </summary>
internal static class Gzip
{
    private const int HeaderBytes = 10;
    private const int TrailerBytes = 8;

    // Deflate cannot expand by more than 1032 : 1, so a larger claim is a lie and is refused before allocating.
    private const long MaxRatio = 1032;

    private const string Fix = "Download the file again.";

    private static readonly uint[] s_crcTable = MakeCrcTable();

    public static bool IsGzip(ReadOnlySpan<byte> file) => file.Length >= 2 && file[0] == 0x1F && file[1] == 0x8B;

    public static byte[] Unpack(byte[] file, string place, DecodeLimits limits)
    {
        int body = BodyOffset(file, place);
        int bodyBytes = file.Length - TrailerBytes - body;
        if (bodyBytes <= 0)
            throw CutShort(place, $"{file.Length} bytes", $"more than {body + TrailerBytes}");

        var trailer = file.AsSpan(file.Length - TrailerBytes);
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        if (size > MaxRatio * bodyBytes)
            throw CutShort(place, $"a trailer that claims {size} bytes", $"at most {MaxRatio * bodyBytes}");
        if (size > limits.MaxDecodedBytes)
        {
            throw new DatasetException(
                DatasetFault.TooLarge, place, "the gzip trailer claims more than the limit (or the file is cut short)",
                $"{size} bytes", $"at most {limits.MaxDecodedBytes}", Fix);
        }

        byte[] decoded = new byte[size];
        int count;
        bool more;
        try
        {
            using var source = new MemoryStream(file, body, bodyBytes, writable: false);
            using var deflate = new DeflateStream(source, CompressionMode.Decompress);
            count = deflate.ReadAtLeast(decoded, decoded.Length, throwOnEndOfStream: false);
            more = deflate.ReadByte() >= 0;
        }
        catch (InvalidDataException e)
        {
            throw new DatasetException(
                DatasetFault.Damaged, place, "the gzip data is damaged or cut short", fix: Fix, innerException: e);
        }

        if (more)
            throw CutShort(place, "more data than that", $"{size} bytes as the trailer says");
        if (count != decoded.Length)
            throw CutShort(place, $"{count} bytes", $"{size} as the trailer says");

        uint actual = Crc32(decoded);
        if (actual != crc)
        {
            throw new DatasetException(
                DatasetFault.Damaged, place, "the gzip checksum (CRC-32) is wrong",
                $"0x{actual:x8}", $"0x{crc:x8}", Fix);
        }

        if (IsGzip(decoded))
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, place, "this is gzip inside gzip", fix: "Unpack it once with gunzip.");
        }

        return decoded;
    }

    public static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFF_FFFF;
        foreach (byte b in bytes)
            crc = (crc >> 8) ^ s_crcTable[(byte)crc ^ b];
        return ~crc;
    }

    private static int BodyOffset(ReadOnlySpan<byte> file, string place)
    {
        if (file.Length < HeaderBytes + TrailerBytes)
            throw CutShort(place, $"{file.Length} bytes", $"at least {HeaderBytes + TrailerBytes}");
        byte method = file[2], flags = file[3];
        if (method != 8 || (flags & 0xE0) != 0)
        {
            throw new DatasetException(
                DatasetFault.Damaged, place, "the gzip header is damaged",
                $"method {method}, flags 0x{flags:x2}", "method 8, flags below 0x20", Fix, offset: 2);
        }

        long at = HeaderBytes;
        if ((flags & 0x04) != 0)
            at += 2 + BinaryPrimitives.ReadUInt16LittleEndian(file[HeaderBytes..]);
        if ((flags & 0x08) != 0)
            at = AfterZero(file, at, place);
        if ((flags & 0x10) != 0)
            at = AfterZero(file, at, place);
        if ((flags & 0x02) != 0)
            at += 2;
        return at < file.Length ? (int)at : throw CutShort(place, $"{file.Length} bytes", $"more than {at}");
    }

    private static long AfterZero(ReadOnlySpan<byte> file, long at, string place)
    {
        int zero = at < file.Length ? file[(int)at..].IndexOf((byte)0) : -1;
        return zero >= 0 ? at + zero + 1 : throw CutShort(place, "a name without an end", "a zero byte after it");
    }

    private static DatasetException CutShort(string place, string got, string expected) => new(
        DatasetFault.Damaged, place, "the gzip data is damaged or cut short", got, expected, Fix);

    private static uint[] MakeCrcTable()
    {
        uint[] table = new uint[256];
        for (uint n = 0; n < 256; n++)
        {
            uint c = n;
            for (int k = 0; k < 8; k++)
                c = (c & 1) != 0 ? 0xEDB8_8320 ^ (c >> 1) : c >> 1;
            table[n] = c;
        }

        return table;
    }
}
