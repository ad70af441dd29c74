using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace InfMatch.Distill;

/// <summary>A text within a PNG file, as its chunk tEXt holds it (PNG, third edition, 11.3.3.2); Skia writes
/// none.</summary>
internal static class PngText
{
    private const int Signature = 8, Head = 8, Check = 4, End = Head + Check;

    /// <summary>A PNG file with a text before its end.</summary>
    /// <param name="png">The file.</param>
    /// <param name="keyword">1 to 79 characters of ASCII.</param>
    /// <param name="text">Characters of ASCII.</param>
    public static byte[] With(byte[] png, string keyword, string text)
    {
        byte[] data = [.. "tEXt"u8, .. Encoding.ASCII.GetBytes(keyword), 0, .. Encoding.ASCII.GetBytes(text)];
        var chunk = new byte[sizeof(int) + data.Length + Check];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length - sizeof(int));
        data.CopyTo(chunk, sizeof(int));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(sizeof(int) + data.Length), Crc32.HashToUInt32(data));
        return [.. png[..^End], .. chunk, .. png[^End..]];
    }

    /// <summary>The text of a keyword in a PNG file; null where there is none, or it is damaged.</summary>
    public static string? Find(ReadOnlySpan<byte> png, string keyword)
    {
        byte[] wanted = [.. "tEXt"u8, .. Encoding.ASCII.GetBytes(keyword), 0];
        for (int at = Signature; at + End <= png.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png[at..]);
            if (length < 0 || length > png.Length - at - End)
                return null;
            ReadOnlySpan<byte> data = png.Slice(at + sizeof(int), sizeof(int) + length);
            if (data.StartsWith(wanted))
            {
                uint check = BinaryPrimitives.ReadUInt32BigEndian(png[(at + Head + length)..]);
                return Crc32.HashToUInt32(data) == check ? Encoding.ASCII.GetString(data[wanted.Length..]) : null;
            }
            at += End + length;
        }
        return null;
    }
}
