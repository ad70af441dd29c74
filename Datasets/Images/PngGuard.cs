using System.Buffers.Binary;
using System.IO.Hashing;

namespace InfMatch.Datasets;

/// <summary>
/// Walks a PNG file before it is decoded, and writes it anew for the decoder: signature, order, length and CRC of every
/// chunk, the limits of IHDR, and the compressed data, which must unpack to the bytes that IHDR asks for. A decoder that
/// trusts headers then allocates nothing for a hostile one. Only header, palette and data are handed on: transparency is
/// dropped, and what libpng passes over with a warning (chunks that do not fit, bytes behind the data or behind the end)
/// changes no colour. Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)".
/// </summary>
internal static class PngGuard
{
    private const int SignatureBytes = 8, ChunkOverhead = 12, HeaderBytes = 13, PaletteColour = 3;

    // Unpacked bytes behind the last row that are passed over; more of them would be a way to fill memory.
    private const int MostBehind = 64 << 10;

    private const uint Ihdr = 0x49484452, Plte = 0x504C5445, Idat = 0x49444154, Iend = 0x49454E44;

    // Not set in a name that begins with a capital: such a chunk may not be ignored.
    private const uint CriticalBit = 0x2000_0000;

    // Adam7: first row and column of each pass, and the steps between.
    private static readonly (int Y, int X, int Dy, int Dx)[] s_passes =
        [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)];

    public static bool IsPng(ReadOnlySpan<byte> file) =>
        file is [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..];

    /// <exception cref="DatasetException">The file is damaged, over a limit, or of a kind that is not read.</exception>
    public static CheckedImage Check(byte[] file, string place, DecodeLimits limits)
    {
        if (!IsPng(file))
            throw Damaged(place, "this is no PNG file", 0);
        var chunks = new Chunks(place, limits);
        int at = SignatureBytes;
        while (!chunks.HasEnded)
        {
            (uint type, ArraySegment<byte> body) = ReadChunk(file, at, place);
            chunks.Take(type, body, at);
            at += ChunkOverhead + body.Count;
        }

        if (chunks.Data.Count == 0)
            throw Damaged(place, "there is no image data", at);
        Header header = chunks.Header!.Value;
        byte[] packed = Joined(chunks.Data);
        int whole = CheckData(packed, header, place, chunks.DataAt);
        using var decodable = new MemoryStream(packed.Length + 1024);
        decodable.Write(file.AsSpan(0, SignatureBytes));
        WriteChunk(decodable, Ihdr, chunks.HeaderBody);
        if (chunks.Palette is not null)
            WriteChunk(decodable, Plte, chunks.Palette.AsSpan(0, 3 << header.Bits));
        WriteChunk(decodable, Idat, packed.AsSpan(0, whole));
        WriteChunk(decodable, Iend, []);
        return new CheckedImage(
            header.Height, header.Width, new ArraySegment<byte>(decodable.GetBuffer(), 0, (int)decodable.Length));
    }

    private static (uint Type, ArraySegment<byte> Body) ReadChunk(byte[] file, int at, string place)
    {
        if (file.Length - at < ChunkOverhead)
            throw Truncated(place, at);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at));
        if (length > file.Length - at - ChunkOverhead)
            throw Truncated(place, at);
        uint type = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 4));
        uint crc = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + (int)length));
        return Crc32.HashToUInt32(file.AsSpan(at + 4, 4 + (int)length)) == crc
            ? (type, new ArraySegment<byte>(file, at + 8, (int)length))
            : throw Damaged(place, $"the checksum (CRC-32) of the chunk {Name(type)} is wrong", at);
    }

    // What the chunks of a file have told so far.
    private sealed class Chunks(string place, DecodeLimits limits)
    {
        private bool _isBehindData;

        public Header? Header { get; private set; }

        public ArraySegment<byte> HeaderBody { get; private set; }

        public byte[]? Palette { get; private set; }

        public List<ArraySegment<byte>> Data { get; } = [];

        public int DataAt { get; private set; }

        public bool HasEnded { get; private set; }

        public void Take(uint type, ArraySegment<byte> body, int at)
        {
            if (Header is null && type != Ihdr)
                throw Damaged(place, $"the first chunk is {Name(type)}, not IHDR", at);
            _isBehindData |= Data.Count > 0 && type != Idat;
            switch (type)
            {
                case Ihdr when Header is not null:
                    throw Damaged(place, "there is a second IHDR", at);
                case Ihdr:
                    (Header, HeaderBody) = (ReadHeader(body, place, limits), body);
                    break;
                case Plte:
                    TakePalette(body, at);
                    break;
                case Idat when _isBehindData:
                    throw Damaged(place, "the image data is not in one piece", at);
                case Idat when Header!.Value.Colour == PaletteColour && Palette is null:
                    throw Damaged(place, "the palette is missing", at);
                case Idat:
                    DataAt = Data.Count == 0 ? at : DataAt;
                    Data.Add(body);
                    break;
                case Iend:
                    HasEnded = true;
                    break;
                case not 0 when (type & CriticalBit) == 0:
                    throw new DatasetException(
                        DatasetFault.WrongFormat, place, $"the PNG holds the unknown critical chunk {Name(type)}",
                        fix: "Convert the image to a plain PNG.") { Offset = at };
            }
        }

        private void TakePalette(ArraySegment<byte> body, int at)
        {
            if (Data.Count > 0)
                throw Damaged(place, "the palette stands behind the image data", at);

            // Colours of pixels that name their own are a hint for screens of few colours.
            if (Header!.Value.Colour != PaletteColour)
                return;
            if (Palette is not null || body.Count % 3 != 0 || body.Count is 0 or > 768)
                throw Damaged(place, "the palette is wrong or there are two", at);
            Palette = new byte[768]; // a number beyond the palette is black
            body.AsSpan(0, (int)Math.Min((uint)body.Count, 3u << Header.Value.Bits)).CopyTo(Palette);
        }
    }

    private static byte[] Joined(List<ArraySegment<byte>> parts)
    {
        byte[] whole = new byte[parts.Sum(p => p.Count)];
        int at = 0;
        foreach (ArraySegment<byte> part in parts)
        {
            part.CopyTo(whole, at);
            at += part.Count;
        }

        return whole;
    }

    private static void WriteChunk(MemoryStream file, uint type, ReadOnlySpan<byte> body)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, body.Length);
        file.Write(word);
        int start = (int)file.Length;
        BinaryPrimitives.WriteUInt32BigEndian(word, type);
        file.Write(word);
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(word, Crc32.HashToUInt32(file.GetBuffer().AsSpan(start, 4 + body.Length)));
        file.Write(word);
    }

    private static Header ReadHeader(ReadOnlySpan<byte> body, string place, DecodeLimits limits)
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
        return new Header((int)height, (int)width, bits, colour, interlace != 0);
    }

    private static int Channels(int colour) => colour switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };

    // Unpacks without keeping: there must be all rows, each with a filter from 0 to 4 before it. Returns how many bytes
    // are the zlib stream.
    private static int CheckData(byte[] packed, Header header, string place, int at)
    {
        var rows = new List<(int Count, int Bytes)>();
        foreach ((int y, int x, int dy, int dx) in header.IsInterlaced ? s_passes : [(0, 0, 1, 1)])
        {
            int height = (header.Height - y + dy - 1) / dy, width = (header.Width - x + dx - 1) / dx;
            if (height > 0 && width > 0)
                rows.Add((height, 1 + (((width * header.Bits * Channels(header.Colour)) + 7) / 8)));
        }

        string? wrong = CheckRows(packed, packed.Length, rows);
        if (wrong is null)
            return packed.Length;

        // Bytes behind the stream hide its checksum, which is looked for at the end.
        int whole = Zlib.LengthOf(packed, packed.Length, rows.Sum(r => (long)r.Count * r.Bytes) + MostBehind);
        if (whole < packed.Length)
            wrong = CheckRows(packed, whole, rows);
        return wrong is null ? whole : throw Damaged(place, wrong, at);
    }

    private static string? CheckRows(byte[] packed, int length, List<(int Count, int Bytes)> rows)
    {
        int pass = 0, row = 0, inRow = 0;
        bool filtersFit = true;
        using var stream = new MemoryStream(packed, 0, length, writable: false);
        string? wrong = Zlib.Read(stream, length, rows.Sum(r => (long)r.Count * r.Bytes), bytes =>
        {
            for (int i = 0; i < bytes.Length && pass < rows.Count;)
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
        }, MostBehind);
        return wrong ?? (filtersFit ? null : "a row has an unknown filter");
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
        DatasetFault.Truncated, place, "the PNG ends inside a chunk", fix: "Copy or save the image again.") { Offset = at };

    private static DatasetException Damaged(string place, string what, int at) => new(
        DatasetFault.Damaged, place, what, fix: "Copy or save the image again.") { Offset = at };

    private readonly record struct Header(int Height, int Width, int Bits, int Colour, bool IsInterlaced);
}
