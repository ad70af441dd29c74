using System.Buffers.Binary;

namespace InfMatch.Datasets;

/// <summary>
/// Walks a PNG file before it is decoded: signature, order, length and CRC of every chunk, the limits of IHDR, and the
/// compressed data, which must unpack to exactly the bytes that IHDR asks for. A decoder that trusts headers then
/// allocates nothing for a hostile one. Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)".
/// </summary>
internal static class PngGuard
{
    private const int SignatureBytes = 8, ChunkOverhead = 12, HeaderBytes = 13;
    private const uint Ihdr = 0x49484452, Plte = 0x504C5445, Idat = 0x49444154, Iend = 0x49454E44;

    // Not set in a name that begins with a capital: such a chunk may not be ignored.
    private const uint CriticalBit = 0x2000_0000;

    // Adam7: first row and column of each pass, and the steps between.
    private static readonly (int Y, int X, int Dy, int Dx)[] s_passes =
        [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)];

    public static bool IsPng(ReadOnlySpan<byte> file) =>
        file is [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..];

    /// <exception cref="DatasetException">The file is damaged, over a limit, or of a kind that is not read.</exception>
    public static ImageHeader Check(byte[] file, string place, DecodeLimits limits)
    {
        if (!IsPng(file))
            throw Damaged(place, "this is no PNG file", 0);
        int at = SignatureBytes;
        ImageHeader? header = null;
        int bits = 0, colour = 0, interlace = 0;
        bool palette = false, afterData = false, ended = false;
        var data = new List<ArraySegment<byte>>();
        while (!ended)
        {
            if (file.Length - at < ChunkOverhead)
                throw Truncated(place, at);
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
            if (length > file.Length - at - ChunkOverhead)
                throw Truncated(place, at);
            uint type = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 4));
            var body = new ArraySegment<byte>(file, at + 8, (int)length);
            uint crc = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + (int)length));
            if (Gzip.Crc32(file.AsSpan(at + 4, 4 + (int)length)) != crc)
                throw Damaged(place, $"the checksum (CRC-32) of the chunk {Name(type)} is wrong", at);
            if (header is null && type != Ihdr)
                throw Damaged(place, $"the first chunk is {Name(type)}, not IHDR", at);
            afterData |= data.Count > 0 && type != Idat;
            switch (type)
            {
                case Ihdr when header is not null:
                    throw Damaged(place, "there is a second IHDR", at);
                case Ihdr:
                    (header, bits, colour, interlace) = ReadHeader(body, file.Length, place, limits);
                    break;
                case Plte when palette || data.Count > 0 || length % 3 != 0 || length is 0 or > 768
                    || (colour & 2) == 0:
                    throw Damaged(place, "the palette is wrong or out of place", at);
                case Plte:
                    palette = true;
                    break;
                case Idat when afterData:
                    throw Damaged(place, "the image data is not in one piece", at);
                case Idat when colour == 3 && !palette:
                    throw Damaged(place, "the palette is missing", at);
                case Idat:
                    data.Add(body);
                    break;
                case Iend when length != 0:
                    throw Damaged(place, "IEND is not empty", at);
                case Iend:
                    ended = true;
                    break;
                case not 0 when (type & CriticalBit) == 0:
                    throw new DatasetException(
                        DatasetFault.WrongFormat, place, $"the PNG holds the unknown critical chunk {Name(type)}",
                        fix: "Convert the image to a plain PNG.", offset: at);
            }

            at += ChunkOverhead + (int)length;
        }

        if (at != file.Length)
        {
            throw new DatasetException(
                DatasetFault.ExtraBytes, place, "the file goes on after the PNG ends", $"{file.Length} bytes", $"{at}",
                "Save the image again.", offset: at);
        }

        if (data.Count == 0)
            throw Damaged(place, "there is no image data", at);
        CheckData(data, header!.Value, bits * Channels(colour), interlace, place);
        return header.Value;
    }

    private static (ImageHeader Header, int Bits, int Colour, int Interlace) ReadHeader(
        ReadOnlySpan<byte> body, int fileLength, string place, DecodeLimits limits)
    {
        if (body.Length != HeaderBytes)
            throw Damaged(place, "IHDR is of the wrong length", SignatureBytes);
        uint width = BinaryPrimitives.ReadUInt32BigEndian(body),
            height = BinaryPrimitives.ReadUInt32BigEndian(body[4..]);
        int bits = body[8], colour = body[9], interlace = body[12];
        bool known = (colour, bits) switch
        {
            (0, 1 or 2 or 4 or 8 or 16) or (2 or 4 or 6, 8 or 16) or (3, 1 or 2 or 4 or 8) => true,
            _ => false,
        };
        if (!known || body[10] != 0 || body[11] != 0 || interlace > 1)
        {
            throw Damaged(
                place, $"IHDR has colour type {colour}, {bits} bits, methods {body[10]}, {body[11]}, {interlace}: there is none " +
                "such", SignatureBytes);
        }

        ImageSizes.Check(height, width, Channels(colour) * (bits == 16 ? 2 : 1), place, limits);
        return (new ImageHeader((int)height, (int)width, fileLength), bits, colour, interlace);
    }

    private static int Channels(int colour) => colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

    // Unpacks without keeping: the length must be that of the rows, each with a filter from 0 to 4 before it.
    private static void CheckData(
        List<ArraySegment<byte>> data, ImageHeader header, int bitsPerPixel, int interlace, string place)
    {
        var rows = new List<(int Count, int Bytes)>();
        foreach ((int y, int x, int dy, int dx) in interlace == 0 ? [(0, 0, 1, 1)] : s_passes)
        {
            int height = (header.Height - y + dy - 1) / dy, width = (header.Width - x + dx - 1) / dx;
            if (height > 0 && width > 0)
                rows.Add((height, 1 + (((width * bitsPerPixel) + 7) / 8)));
        }

        long expected = rows.Sum(r => (long)r.Count * r.Bytes);
        int pass = 0, row = 0, inRow = 0;
        bool filtersFit = true;
        using var packed = new ChainedStream(data);
        string? wrong = Zlib.Read(packed, packed.Length, expected, bytes =>
        {
            for (int i = 0; i < bytes.Length;)
            {
                if (inRow == 0)
                    filtersFit &= bytes[i] <= 4;
                int step = Math.Min(rows[pass].Bytes - inRow, bytes.Length - i);
                (i, inRow) = (i + step, inRow + step);
                if (inRow < rows[pass].Bytes)
                    continue;
                (inRow, row) = (0, row + 1);
                if (row == rows[pass].Count)
                    (row, pass) = (0, pass + 1);
            }
        });
        if (wrong is not null)
            throw Damaged(place, wrong, data[0].Offset);
        if (packed.Position != packed.Length)
            throw Damaged(place, "the image data goes on after its end", data[0].Offset);
        if (!filtersFit)
            throw Damaged(place, "a row has an unknown filter", data[0].Offset);
    }

    private static string Name(uint type)
    {
        string name = string.Create(4, type, (s, t) =>
        {
            for (int i = 0; i < 4; i++)
                s[i] = (char)(byte)(t >> (24 - (8 * i)));
        });
        return name.All(char.IsAsciiLetter) ? name : $"0x{type:x8}";
    }

    private static DatasetException Truncated(string place, int at) => new(
        DatasetFault.Truncated, place, "the PNG ends inside a chunk", fix: "Copy or save the image again.", offset: at);

    private static DatasetException Damaged(string place, string what, int at) => new(
        DatasetFault.Damaged, place, what, fix: "Copy or save the image again.", offset: at);

    // The bodies of all IDAT chunks as one stream.
    private sealed class ChainedStream(List<ArraySegment<byte>> parts) : Stream
    {
        private int _part, _inPart;
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length { get; } = parts.Sum(p => (long)p.Count);

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            while (_part < parts.Count && _inPart == parts[_part].Count)
                (_part, _inPart) = (_part + 1, 0);
            if (_part == parts.Count)
                return 0;
            int count = Math.Min(buffer.Length, parts[_part].Count - _inPart);
            parts[_part].AsSpan(_inPart, count).CopyTo(buffer);
            (_inPart, _position) = (_inPart + count, _position + count);
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
