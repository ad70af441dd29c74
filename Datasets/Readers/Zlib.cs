using System.Buffers.Binary;
using System.IO.Compression;

namespace InfMatch.Datasets;

/// <summary>
/// Unpacks a zlib stream of known length and proves it whole: header, length and Adler-32 are compared here, because
/// .NET passes a stream that was cut short unless a runtime switch is set. Source: RFC 1950.
/// </summary>
internal static class Zlib
{
    /// <summary>Deflate cannot expand by more: a larger claim is a lie.</summary>
    public const long MaxRatio = 1032;

    private const int HeaderBytes = 2, TrailerBytes = 4, BufferBytes = 16 << 10;
    private const uint AdlerModulus = 65521;

    // So many bytes can be added before the sums of Adler-32 leave 32 bits.
    private const int AdlerRun = 5552;

    /// <summary>Hands the unpacked bytes on piece by piece, which must be so many, and at most so many more; null where
    /// the stream is whole, else what is wrong with it.</summary>
    public static string? Read(
        Stream packed, long packedBytes, long expected, Action<ReadOnlySpan<byte>> take, int mostBehind = 0)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (packedBytes < HeaderBytes + TrailerBytes + 1
            || packed.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes)
            return "the compressed data is cut short";
        if ((header[0] & 15) != 8 || BinaryPrimitives.ReadUInt16BigEndian(header) % 31 != 0 || (header[1] & 0x20) != 0)
            return "the header of the compressed data is damaged";
        if (expected > MaxRatio * packedBytes)
            return "the compressed data is too short for the sizes in the header";

        using var body = new Section(packed, packedBytes - HeaderBytes - TrailerBytes);
        uint adler = 1;
        long count = 0, most = expected + mostBehind;
        try
        {
            using var deflate = new DeflateStream(body, CompressionMode.Decompress, leaveOpen: true);
            byte[] buffer = new byte[(int)Math.Min(BufferBytes, most + 1)];
            for (int got; (got = deflate.Read(buffer, 0, (int)Math.Min(buffer.Length, most - count + 1))) > 0;)
            {
                count += got;
                if (count > most)
                    return "the compressed data is longer than the sizes in the header say";
                adler = Adler32(adler, buffer.AsSpan(0, got));
                take(buffer.AsSpan(0, got));
            }
        }
        catch (InvalidDataException)
        {
            return "the compressed data is damaged or cut short";
        }

        if (count < expected)
            return "the compressed data ends too early";
        body.SkipRest();
        Span<byte> trailer = stackalloc byte[TrailerBytes];
        packed.ReadExactly(trailer);
        return BinaryPrimitives.ReadUInt32BigEndian(trailer) == adler
            ? null
            : "the checksum (Adler-32) of the compressed data is wrong";
    }

    /// <summary>The bytes of the zlib stream at the start of others, which may follow it; all of them where no stream is
    /// found.</summary>
    public static int LengthOf(byte[] bytes, int length, long mostUnpacked)
    {
        int end = DeflateEnd.Find(bytes, Math.Min(HeaderBytes, length), length, mostUnpacked);
        return end < 0 ? length : Math.Min(end + TrailerBytes, length);
    }

    /// <summary>Adler-32 of bytes that follow others whose sum is given; 1 to begin.</summary>
    public static uint Adler32(uint adler, ReadOnlySpan<byte> bytes)
    {
        uint a = adler & 0xFFFF, b = adler >> 16;
        while (!bytes.IsEmpty)
        {
            int run = Math.Min(AdlerRun, bytes.Length);
            foreach (byte value in bytes[..run])
            {
                a += value;
                b += a;
            }

            a %= AdlerModulus;
            b %= AdlerModulus;
            bytes = bytes[run..];
        }

        return (b << 16) | a;
    }

    // The next so many bytes of a stream as a stream that ends.
    private sealed class Section(Stream source, long bytes) : Stream
    {
        private long _left = bytes;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int got = source.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
            _left -= got;
            return got;
        }

        public void SkipRest()
        {
            Span<byte> waste = stackalloc byte[256];
            while (_left > 0)
                _ = Read(waste);
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
