using System.Buffers.Binary;
using System.Text;

namespace InfMatch.Datasets;

/// <summary>A numeric array of a MATLAB file: sizes in MATLAB's order (the first runs fastest) and values as
/// stored.</summary>
/// <param name="Name">Name of the variable.</param>
/// <param name="Sizes">Sizes, at least two.</param>
/// <param name="Storage">How each value is stored.</param>
/// <param name="Data">The values, little-endian.</param>
internal sealed record MatArray(string Name, int[] Sizes, MatStorage Storage, byte[] Data);

/// <summary>Types of stored values, with the numbers of the format.</summary>
internal enum MatStorage
{
    UInt8 = 2,
    UInt16 = 4,
    Int32 = 5,
    UInt32 = 6,
    Double = 9,
}

/// <summary>
/// Reads the real numeric arrays of a MATLAB file of level 5, plain or compressed by zlib; everything else is refused,
/// and no size is believed before it is held to the bytes there are. Source: MathWorks, "MAT-File Format", level 5.
/// </summary>
internal static class MatFile
{
    private const int HeaderBytes = 128, TagBytes = 8, MaxElements = 16, MaxName = 63, MaxDimensions = 8;
    private const uint Int8 = 1, Int32 = 5, UInt32 = 6, Matrix = 14, Compressed = 15;

    /// <exception cref="DatasetException">The file is damaged, over a limit or of another kind.</exception>
    public static List<MatArray> Decode(byte[] file, string place, DecodeLimits limits)
    {
        if (file.Length < HeaderBytes)
            throw Truncated(place, file.Length);
        if (file.AsSpan(0, 8) is [0x89, (byte)'H', (byte)'D', (byte)'F', ..]
            || file.AsSpan().StartsWith("MATLAB 7.3 MAT-file"u8))
            throw Wrong(place, "this is a MATLAB file of version 7.3 (HDF5)", "Save it with the option -v7.");
        if (!file.AsSpan().StartsWith("MATLAB 5.0 MAT-file"u8) || file[124] != 0 || file[125] != 1
            || file[126] != (byte)'I'
            || file[127] != (byte)'M')
            throw Wrong(place, "this is no little-endian MATLAB file of level 5", "Download it again.");

        var arrays = new List<MatArray>();
        long decoded = 0;
        for (int at = HeaderBytes; at < file.Length;)
        {
            if (file.Length - at < TagBytes)
                throw Truncated(place, at);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at));
            uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 4));
            if (bytes > file.Length - at - TagBytes)
                throw Truncated(place, at);
            if (arrays.Count == MaxElements)
                throw Damaged(place, $"there are more than {MaxElements} variables", at);
            var body = new ArraySegment<byte>(file, at + TagBytes, (int)bytes);
            switch (type)
            {
                case Matrix:
                    arrays.Add(ReadMatrix(body, place, at));
                    break;
                case Compressed:
                    body = Unpack(body, place, at, limits with { MaxDecodedBytes = limits.MaxDecodedBytes - decoded });
                    decoded += body.Count;
                    arrays.Add(ReadMatrix(body, place, at));
                    break;
                default:
                    throw Damaged(place, $"the element is of the type {type}, no variable", at);
            }

            at += TagBytes + (int)bytes;
        }

        return arrays;
    }

    // A compressed element holds the tag and the body of one variable and ends with it.
    private static ArraySegment<byte> Unpack(ArraySegment<byte> packed, string place, int at, DecodeLimits limits)
    {
        byte[]? body = null;
        long total = PeekLength(packed, place, at, limits);
        int got = 0;
        using var stream = new MemoryStream(packed.Array!, packed.Offset, packed.Count, writable: false);
        string? wrong = Zlib.Read(stream, packed.Count, total, bytes =>
        {
            body ??= new byte[total];
            bytes.CopyTo(body.AsSpan(got));
            got += bytes.Length;
        });
        if (wrong is not null || body is null)
            throw Damaged(place, wrong ?? "the compressed element is empty", at);
        return new ArraySegment<byte>(body, TagBytes, body.Length - TagBytes);
    }

    private static long PeekLength(ArraySegment<byte> packed, string place, int at, DecodeLimits limits)
    {
        byte[] tag = new byte[TagBytes];
        int got;
        try
        {
            using var stream = new MemoryStream(packed.Array!, packed.Offset, packed.Count, writable: false);
            using var zlib = new System.IO.Compression.ZLibStream(stream,
                System.IO.Compression.CompressionMode.Decompress);
            got = zlib.ReadAtLeast(tag, TagBytes, throwOnEndOfStream: false);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(place, "the compressed element is damaged", at, e);
        }

        uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(tag.AsSpan(4));
        if (got < TagBytes || BinaryPrimitives.ReadUInt32LittleEndian(tag) != Matrix)
            throw Damaged(place, "the compressed element holds no variable", at);
        return bytes <= limits.MaxDecodedBytes
            ? TagBytes + (long)bytes
            : throw new DatasetException(
                DatasetFault.TooLarge, place, "a variable is over the limit", $"{bytes} bytes",
                $"at most {limits.MaxDecodedBytes}", "The file is damaged, or of another data set.") { Offset = at };
    }

    private static MatArray ReadMatrix(ArraySegment<byte> body, string place, int at)
    {
        var elements = new Elements(body, place, at);
        (uint flagsType, ArraySegment<byte> flags) = elements.Next("flags");
        if (flagsType != UInt32 || flags.Count != 8)
            throw Damaged(place, "the flags of a variable are wrong", at);
        int kind = flags[0], bits = flags[1];
        if (kind is < 6 or > 15 || (bits & 0x0E) != 0)
            throw Wrong(place, $"a variable is of the class {kind} with the flags {bits}, no real numbers",
                "Is this the published file?");
        (uint sizesType, ArraySegment<byte> sizeBytes) = elements.Next("sizes");
        if (sizesType != Int32 || sizeBytes.Count % 4 != 0 || sizeBytes.Count is < 8 or > 4 * MaxDimensions)
            throw Damaged(place, "the sizes of a variable are wrong", at);
        int[] sizes = new int[sizeBytes.Count / 4];
        Int128 count = 1;
        for (int d = 0; d < sizes.Length; d++)
        {
            sizes[d] = BinaryPrimitives.ReadInt32LittleEndian(sizeBytes.AsSpan(4 * d));
            if (sizes[d] < 1)
                throw new DatasetException(
                    DatasetFault.BadHeader, place, $"size {d} of a variable is {sizes[d]}", expected: "at least 1",
                    fix: "Download the file again.") { Offset = at };
            count *= sizes[d];
        }

        (uint nameType, ArraySegment<byte> name) = elements.Next("name");
        if (nameType != Int8 || name.Count > MaxName || name.Any(c => c is < 0x20 or > 0x7E))
            throw Damaged(place, "the name of a variable is wrong", at);
        (uint storage, ArraySegment<byte> data) = elements.Next("values");
        int width = storage switch { 2 => 1, 4 => 2, 5 or 6 => 4, 9 => 8, _ => 0 };
        if (width == 0)
            throw Wrong(place, $"a variable is stored as type {storage}", "Is this the published file?");
        if (count * width != data.Count)
        {
            throw new DatasetException(
                DatasetFault.Mismatch, place, "the values of a variable do not fit its sizes", $"{data.Count} bytes",
                $"{count * width} for {string.Join("×", sizes)}", "Download the file again.") { Offset = at };
        }

        if (!elements.HaveEnded)
            throw Damaged(place, "a variable goes on after its values", at);
        return new MatArray(Encoding.ASCII.GetString(name), sizes, (MatStorage)storage, [.. data]);
    }

    // The elements of a variable, one after another.
    private sealed class Elements(ArraySegment<byte> body, string place, int at)
    {
        private int _position;

        public bool HaveEnded => _position == body.Count;

        public (uint Type, ArraySegment<byte> Data) Next(string what)
        {
            if (body.Count - _position < TagBytes)
                throw Damaged(place, $"the variable ends before its {what}", at);
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(_position));
            if (word >> 16 is var small and not 0)
            {
                // The short form: type and length in one word, up to four bytes in the next.
                if (small > 4)
                    throw Damaged(place, $"the {what} of a variable has a wrong short form", at);
                var inTag = body.Slice(_position + 4, (int)small);
                _position += TagBytes;
                return (word & 0xFFFF, inTag);
            }

            uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(_position + 4));
            if (bytes > body.Count - _position - TagBytes)
                throw Damaged(place, $"the {what} of a variable reaches beyond its end", at);
            var values = body.Slice(_position + TagBytes, (int)bytes);
            _position = Math.Min(body.Count, _position + TagBytes + (int)((bytes + 7) & ~7L));
            return (word, values);
        }
    }

    private static DatasetException Truncated(string place, int at) => new(
        DatasetFault.Truncated, place, "the MATLAB file ends too early", fix: "Download it again.") { Offset = at };

    private static DatasetException Damaged(string place, string what, int at, Exception? inner = null) => new(
        DatasetFault.Damaged, place, what, fix: "Download the file again.", innerException: inner) { Offset = at };

    private static DatasetException Wrong(string place, string what, string fix) => new(
        DatasetFault.WrongFormat, place, what, fix: fix);
}
