using System.Buffers.Binary;

namespace InfMatch.Datasets;

/// <summary>
/// Walks the markers of a JPEG file before it is decoded: every segment inside the file, one frame of 8 bits with 1 or
/// 3 components, sides within the limit, scans, the end marker, and no more blocks than the scans have bits for. Files
/// that fail this make a decoder hang or allocate. What stands behind the end marker, where telephones put a second
/// picture or a film, is not the image's and never reaches the decoder. Source: ITU-T T.81, annex B.
/// </summary>
internal static class JpegGuard
{
    // Each scan may visit every block, so their number bounds the time; progressive encoders write about ten.
    private const int MaxScans = 100;

    private const int MaxTables = 4096;

    private static readonly byte[] s_endMarker = [0xFF, 0xD9];

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file is [0xFF, 0xD8, 0xFF, ..];

    /// <exception cref="DatasetException">The file is damaged, over a limit, or of a kind that is not read.</exception>
    public static ImageHeader Check(byte[] file, string place, DecodeLimits limits)
    {
        if (!IsJpeg(file))
            throw Damaged(place, "this is no JPEG file", 0);
        if (file.AsSpan().LastIndexOf(s_endMarker) < 0)
            throw NotEnded(file, place);

        int at = 2, scans = 0, segments = 0;
        (int Height, int Width)? size = null;
        long blocks = 0, scanBytes = 0;
        while (true)
        {
            if (at + 2 > file.Length || file[at] != 0xFF)
                throw Damaged(place, "there is no marker where one must be", at);
            byte marker = file[at + 1];
            if (marker == 0xFF)
            {
                at++; // fill bytes may stand before a marker
                continue;
            }

            if (marker == 0xD9)
                break;

            if (marker is 0x00 or 0x01 or (>= 0xD0 and <= 0xD8))
                throw Damaged(place, $"the marker 0x{marker:x2} stands in the wrong place", at);
            if (at + 4 > file.Length)
                throw Damaged(place, "a segment is cut short", at);
            int length = BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
            if (length < 2 || at + 2 + length > file.Length - 2)
                throw Damaged(place, "a segment reaches beyond the end", at);
            if (++segments > MaxTables)
                throw Damaged(place, "there are too many segments", at);
            var body = file.AsSpan(at + 4, length - 2);
            switch (marker)
            {
                case 0xC0 or 0xC1 or 0xC2 when size is not null:
                    throw Damaged(place, "there is a second frame", at);
                case 0xC0 or 0xC1 or 0xC2:
                    (size, blocks) = ReadFrame(body, place, at, limits);
                    break;
                case >= 0xC3 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC):
                    throw NotSupported(place,
                        $"a JPEG of the kind 0x{marker:x2} (lossless, hierarchical or arithmetic)", at);
                case 0xCC:
                    throw NotSupported(place, "arithmetic coding", at);
                case 0xDA when size is null:
                    throw Damaged(place, "a scan stands before the frame", at);
                case 0xDA when ++scans > MaxScans:
                    throw Damaged(place, $"there are more than {MaxScans} scans", at);
            }

            at += 2 + length;
            if (marker == 0xDA)
            {
                int end = EndOfScan(file, at);
                (scanBytes, at) = (scanBytes + end - at, end);
                if (end == file.Length - 2 && !file.AsSpan(end).SequenceEqual(s_endMarker))
                    throw NotEnded(file, place);
            }
        }

        if (size is not { } known || scans == 0)
            throw Damaged(place, "there is no image in it", at);

        // A block takes at least one bit in the scan of its mean, so fewer bits are a lie about the size.
        return 8 * scanBytes >= blocks
            ? new ImageHeader(known.Height, known.Width, at + 2)
            : throw new DatasetException(
                DatasetFault.Truncated, place, "there is too little data for the size in the frame",
                $"{scanBytes} bytes", $"at least {(blocks + 7) / 8} for {known.Height}×{known.Width}",
                "Copy or save the image again.");
    }

    private static ((int Height, int Width) Size, long Blocks) ReadFrame(
        ReadOnlySpan<byte> body, string place, int at, DecodeLimits limits)
    {
        if (body.Length < 6 || body.Length != 6 + (3 * body[5]))
            throw Damaged(place, "the frame is of the wrong length", at);
        if (body[0] != 8)
            throw NotSupported(place, $"{body[0]} bits a sample", at);
        int height = BinaryPrimitives.ReadUInt16BigEndian(body[1..]),
            width = BinaryPrimitives.ReadUInt16BigEndian(body[3..]);
        int components = body[5];
        if (components == 4)
            throw NotSupported(place, "four components (CMYK)", at);
        if (components is not (1 or 3))
            throw Damaged(place, $"the frame has {components} components", at);
        ImageSizes.Check(height, width, components, place, limits);
        int tallest = 1, widest = 1;
        for (int c = 0; c < components; c++)
        {
            int sampling = body[7 + (3 * c)], h = sampling >> 4, v = sampling & 15;
            if (h is 0 or > 4 || v is 0 or > 4)
                throw Damaged(place, $"component {c} has the sampling {h}×{v}", at);
            (widest, tallest) = (Math.Max(widest, h), Math.Max(tallest, v));
        }

        long blocks = 0;
        for (int c = 0; c < components; c++)
        {
            int sampling = body[7 + (3 * c)], h = sampling >> 4, v = sampling & 15;
            if (widest % h != 0 || tallest % v != 0)
                throw NotSupported(place, $"the sampling {h}×{v} beside {widest}×{tallest}", at);
            blocks += (long)Up(Up(width * h, widest), 8) * Up(Up(height * v, tallest), 8);
        }

        return ((height, width), blocks);
    }

    private static int Up(int value, int by) => (value + by - 1) / by;

    // The entropy-coded bytes end at a marker that is neither a stuffed zero nor a restart.
    private static int EndOfScan(byte[] file, int at)
    {
        while (at < file.Length - 2)
        {
            int next = file.AsSpan(at, file.Length - 2 - at).IndexOf((byte)0xFF);
            if (next < 0)
                return file.Length - 2;
            at += next;
            if (file[at + 1] is not (0x00 or (>= 0xD0 and <= 0xD7)))
                return at;
            at += 2;
        }

        return Math.Min(at, file.Length - 2);
    }

    private static DatasetException NotEnded(byte[] file, string place) => new(
        DatasetFault.Truncated, place, "the JPEG has no end marker", fix: "Copy or save the image again.",
        offset: file.Length);

    private static DatasetException Damaged(string place, string what, int at) => new(
        DatasetFault.Damaged, place, what, fix: "Copy or save the image again.", offset: at);

    private static DatasetException NotSupported(string place, string what, int at) => new(
        DatasetFault.WrongFormat, place, $"{what} is not supported",
        fix: "Save it as a baseline or progressive JPEG in colour or grey, or as a PNG.", offset: at);
}
