using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace InfMatch.Datasets;

/// <summary>
/// Unpacks a gzip file, which is one member or several in a row, and proves each whole: .NET's GZipStream passes half a
/// file without a word unless a runtime switch is set, so length and CRC-32 of the trailer are compared here whatever the
/// host's switches are. Zeros behind the last member, as tapes leave them, are passed over. Source: RFC 1952.
/// </summary>
internal static class Gzip
{
    private const int HeaderBytes = 10;
    private const int TrailerBytes = 8;

    // Programs that pack in parallel write one for each 64 KiB or more.
    private const int MaxMembers = 1 << 16;

    // Deflate cannot expand by more than 1032 : 1, so a larger claim is a lie and is refused before allocating.
    private const long MaxRatio = 1032;

    private const string Fix = "Download the file again.";

    public static bool IsGzip(ReadOnlySpan<byte> file) => file.Length >= 2 && file[0] == 0x1F && file[1] == 0x8B;

    public static byte[] Unpack(byte[] file, string place, DecodeLimits limits)
    {
        // Nearly every file is one member, whose end is that of the file. Two equal members look like one, too.
        DatasetException? wrong = Unpack(file, place, limits, out byte[] decoded);
        if (wrong is not null || file.AsSpan(HeaderBytes).IndexOf((byte[])[0x1F, 0x8B, 8]) >= 0)
        {
            List<int>? members = Members(file, place, limits);
            decoded = members is not null ? Join(file, place, limits, members) : wrong is null ? decoded : throw wrong;
        }

        return IsGzip(decoded)
            ? throw new DatasetException(
                DatasetFault.WrongFormat, place, "this is gzip inside gzip", fix: "Unpack it once with gunzip.")
            : decoded;
    }

    // Where each member ends; null where they cannot be told apart, or where there is one that takes the whole file.
    private static List<int>? Members(byte[] file, string place, DecodeLimits limits)
    {
        var ends = new List<int>();
        int at = 0;
        while (IsGzip(file.AsSpan(at)) && ends.Count < MaxMembers)
        {
            int end = DeflateEnd.Find(file, at + BodyOffset(file.AsSpan(at), place), file.Length, limits.MaxDecodedBytes);
            if (end < 0 || end + TrailerBytes > file.Length)
                return null;
            at = end + TrailerBytes;
            ends.Add(at);
        }

        if (file.AsSpan(at).ContainsAnyExcept((byte)0))
        {
            throw new DatasetException(
                DatasetFault.ExtraBytes, place, "bytes that are no gzip stand behind the gzip data",
                $"{file.Length} bytes", $"{at}", "Download the file again, or unpack it with gunzip, which leaves them out.") { Offset = at };
        }

        return ends is [var alone] && alone == file.Length ? null : ends;
    }

    private static byte[] Join(byte[] file, string place, DecodeLimits limits, List<int> ends)
    {
        var parts = new List<byte[]>();
        long total = 0;
        int at = 0;
        foreach (int end in ends)
        {
            DatasetException? wrong = Unpack(
                file[at..end], place, limits with { MaxDecodedBytes = limits.MaxDecodedBytes - total }, out byte[] part);
            parts.Add(wrong is null ? part : throw wrong);
            (total, at) = (total + part.Length, end);
        }

        byte[] whole = new byte[total];
        total = 0;
        foreach (byte[] part in parts)
        {
            part.CopyTo(whole, total);
            total += part.Length;
        }

        return whole;
    }

    // What is wrong with a file of one member, or null.
    private static DatasetException? Unpack(byte[] file, string place, DecodeLimits limits, out byte[] decoded)
    {
        decoded = [];
        int length = file.Length;
        int body = BodyOffset(file, place);
        int bodyBytes = length - TrailerBytes - body;
        if (bodyBytes <= 0)
            return CutShort(place, $"{length} bytes", $"more than {body + TrailerBytes}");

        var trailer = file.AsSpan(length - TrailerBytes);
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        if (size > MaxRatio * bodyBytes)
            return CutShort(place, $"a trailer that claims {size} bytes", $"at most {MaxRatio * bodyBytes}");
        if (size > limits.MaxDecodedBytes)
        {
            return new DatasetException(
                DatasetFault.TooLarge, place, "the gzip trailer claims more than the limit (or the file is cut short)",
                $"{size} bytes", $"at most {limits.MaxDecodedBytes}", Fix);
        }

        decoded = new byte[size];
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
            return new DatasetException(
                DatasetFault.Damaged, place, "the gzip data is damaged or cut short", fix: Fix, innerException: e);
        }

        if (more)
            return CutShort(place, "more data than that", $"{size} bytes as the trailer says");
        if (count != decoded.Length)
            return CutShort(place, $"{count} bytes", $"{size} as the trailer says");

        uint actual = Crc32.HashToUInt32(decoded);
        return actual == crc
            ? null
            : new DatasetException(
                DatasetFault.Damaged, place, "the gzip checksum (CRC-32) is wrong",
                $"0x{actual:x8}", $"0x{crc:x8}", Fix);
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
                $"method {method}, flags 0x{flags:x2}", "method 8, flags below 0x20", Fix) { Offset = 2 };
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
}
