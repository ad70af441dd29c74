using System.Buffers.Binary;

namespace InfMatch.Datasets;

/// <summary>
/// Walks a JPEG file before it is decoded, and writes it anew for the decoder: every segment inside the file, one frame
/// of 8 bits with 1 or 3 components, each table that a scan uses, all blocks of every scan by their Huffman codes, and
/// scans for every coefficient of every component. Files that fail this make a decoder hang, allocate, or show memory
/// that nobody has written. What other programs add is left out: APP and COM segments and what stands behind the end
/// marker, where telephones put a second picture or a film. Source: ITU-T T.81, annex B; colours, tables that are left
/// out and identifiers that occur twice are read as libjpeg-turbo reads them.
/// </summary>
internal sealed class JpegGuard
{
    // Each scan may visit every block, so their number bounds the time; progressive encoders write about ten.
    private const int MaxScans = 100;

    private const int MaxSegments = 4096, MaxTables = 4;

    private static readonly byte[] s_endMarker = [0xFF, 0xD9];
    private static readonly byte[] s_grey = [1], s_brightnessAndColour = [1, 2, 3], s_redGreenBlue = [.. "RGB"u8];

    private readonly byte[] _file;
    private readonly string _place;
    private readonly DecodeLimits _limits;
    private readonly JpegSegments _output;
    private readonly ushort[]?[] _steps = new ushort[MaxTables][];
    private readonly JpegHuffmanTable?[] _means = new JpegHuffmanTable[MaxTables], _bands = new JpegHuffmanTable[MaxTables];

    private JpegFrame? _frame;
    private byte[] _ids = [], _coded = [];
    private int _scans, _interval;
    private bool _isJfif;
    private byte? _adobeTransform;

    private JpegGuard(byte[] file, string place, DecodeLimits limits) =>
        (_file, _place, _limits, _output) = (file, place, limits, new JpegSegments(file.Length));

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file is [0xFF, 0xD8, 0xFF, ..];

    /// <exception cref="DatasetException">The file is damaged, over a limit, or of a kind that is not read.</exception>
    public static CheckedImage Check(byte[] file, string place, DecodeLimits limits) =>
        new JpegGuard(file, place, limits).Walk();

    private CheckedImage Walk()
    {
        if (!IsJpeg(_file))
            throw Damaged("this is no JPEG file", 0);
        if (_file.AsSpan().LastIndexOf(s_endMarker) < 0)
            throw NotEnded();
        _output.Marker(0xD8);
        int at = 2;
        for (int segments = 0; ; segments++)
        {
            int code = JpegScan.AfterFill(_file, at);
            if (at >= _file.Length || code >= _file.Length)
                throw NotEnded();
            if (code == at)
                throw Damaged("there is no marker where one must be", at);
            byte marker = _file[code];
            if (marker == 0xD9)
                return Finish(code);
            if (marker is 0x00 or 0x01 or (>= 0xD0 and <= 0xD8))
                throw Damaged($"the marker 0x{marker:x2} stands in the wrong place", at);
            if (code + 3 > _file.Length)
                throw Damaged("a segment is cut short", at);
            int length = BinaryPrimitives.ReadUInt16BigEndian(_file.AsSpan(code + 1));
            if (length < 2 || code + 1 + length > _file.Length - 2)
                throw Damaged("a segment reaches beyond the end", at);
            if (segments == MaxSegments)
                throw Damaged("there are too many segments", at);
            Read(marker, _file.AsSpan(code + 3, length - 2), at);
            at = code + 1 + length;
            if (marker == 0xDA)
                at = ReadScan(_file.AsSpan(code + 3, length - 2), code - 1, at);
        }
    }

    private void Read(byte marker, ReadOnlySpan<byte> body, int at)
    {
        switch (marker)
        {
            case 0xC0 or 0xC1 or 0xC2 when _frame is not null:
                throw Damaged("there is a second frame", at);
            case 0xC0 or 0xC1 or 0xC2:
                ReadFrame(marker, body, at);
                break;
            case 0xC4:
                ReadHuffmanTables(body, at);
                break;
            case 0xCC:
                throw NotSupported("arithmetic coding", at);
            case (>= 0xC3 and <= 0xCF) or 0xDE or 0xDF or 0xF7:
                throw NotSupported($"a JPEG of the kind 0x{marker:x2} (lossless, hierarchical or arithmetic)", at);
            case 0xDA when _frame is null:
                throw Damaged("a scan stands before the frame", at);
            case 0xDA when ++_scans > MaxScans:
                throw Damaged($"there are more than {MaxScans} scans", at);
            case 0xDB:
                ReadSteps(body, at);
                break;
            case 0xDD when body.Length != 2:
                throw Damaged("the restart interval is of the wrong length", at);
            case 0xDD:
                _interval = BinaryPrimitives.ReadUInt16BigEndian(body);
                break;

            // Colours are settled with the first scan. The segment of JFIF has 14 bytes at least, that of Adobe 12.
            case 0xE0 when _scans == 0 && body.Length >= 14 && body.StartsWith("JFIF\0"u8):
                _isJfif = true;
                break;
            case 0xEE when _scans == 0 && body.Length >= 12 && body.StartsWith("Adobe"u8):
                _adobeTransform = body[11];
                break;

            // The height that DNL tells stands in the frame, too, where it is not zero; APP and COM are of other programs.
            case 0xDA or 0xDC or (>= 0xE0 and <= 0xEF) or 0xFE:
                break;
            default:
                throw Damaged($"the marker 0x{marker:x2} is unknown", at);
        }
    }

    private void ReadFrame(byte marker, ReadOnlySpan<byte> body, int at)
    {
        if (body.Length < 6 || body.Length != 6 + (3 * body[5]))
            throw Damaged("the frame is of the wrong length", at);
        if (body[0] != 8)
            throw NotSupported($"{body[0]} bits a sample", at);
        int height = BinaryPrimitives.ReadUInt16BigEndian(body[1..]),
            width = BinaryPrimitives.ReadUInt16BigEndian(body[3..]);
        int count = body[5];
        if (count is 2 or 4)
            throw NotSupported(count == 4 ? "four components (CMYK)" : "two components", at);
        if (count is not (1 or 3))
            throw Damaged($"the frame has {count} components", at);
        if (height == 0 && _file.AsSpan(at).IndexOf((byte[])[0xFF, 0xDC, 0, 4]) >= 0)
            throw NotSupported("a height of zero in the frame that is told behind the scan (DNL)", at);
        ImageSizes.Check(height, width, count, _place, _limits);
        var components = new JpegComponent[count];
        for (int c = 0; c < count; c++)
        {
            ReadOnlySpan<byte> of = body.Slice(6 + (3 * c), 3);
            components[c] = new JpegComponent { Id = of[0], Across = of[1] >> 4, Down = of[1] & 15, Slot = of[2] };
            if (components[c].Across is 0 or > 4 || components[c].Down is 0 or > 4)
                throw Damaged($"component {c + 1} has the sampling {of[1] >> 4}×{of[1] & 15}", at);
        }

        _frame = new JpegFrame { Marker = marker, Height = height, Width = width, Components = components };
        if (_frame.Arrange() is { } odd)
            throw NotSupported($"the sampling {odd.Across}×{odd.Down} beside finer ones that it does not divide", at);
    }

    private void ReadHuffmanTables(ReadOnlySpan<byte> body, int at)
    {
        while (!body.IsEmpty)
        {
            int count = 0;
            for (int i = 1; i <= JpegHuffmanTable.MaxBits && i < body.Length; i++)
                count += body[i];
            int length = 1 + JpegHuffmanTable.MaxBits + count, kind = body[0] >> 4, slot = body[0] & 15;
            if (kind > 1 || slot >= MaxTables || count > 256 || length > body.Length)
                throw Damaged("a Huffman table is wrong or cut short", at);
            (kind == 0 ? _means : _bands)[slot] = new JpegHuffmanTable(body[1..length]);
            body = body[length..];
        }
    }

    private void ReadSteps(ReadOnlySpan<byte> body, int at)
    {
        while (!body.IsEmpty)
        {
            int bytes = 1 + (body[0] >> 4), slot = body[0] & 15, length = 1 + (bytes * JpegFrame.Block);
            if (bytes > 2 || slot >= MaxTables || length > body.Length)
                throw Damaged("a table of quantisation is wrong or cut short", at);
            ushort[] steps = new ushort[JpegFrame.Block];
            for (int k = 0; k < steps.Length; k++)
                steps[k] = bytes == 1 ? body[1 + k] : BinaryPrimitives.ReadUInt16BigEndian(body[(1 + (2 * k))..]);
            _steps[slot] = steps;
            body = body[length..];
        }
    }

    private int ReadScan(ReadOnlySpan<byte> body, int marker, int at)
    {
        JpegFrame frame = _frame!;
        if (_scans == 1)
            Begin(frame, at);
        int count = body.IsEmpty ? 0 : body[0];
        if (count < 1 || count > frame.Components.Length || body.Length != 4 + (2 * count))
            throw Damaged("a scan is of the wrong length", marker);
        (int first, int last, int high, int low) =
            (body[1 + (2 * count)], body[2 + (2 * count)], body[3 + (2 * count)] >> 4, body[3 + (2 * count)] & 15);
        if (!frame.IsProgressive)
            (first, last, high, low) = (0, JpegFrame.Block - 1, 0, 0); // what else stands there means nothing
        else if (first > last || last >= JpegFrame.Block || (first == 0) != (last == 0) || (first > 0 && count > 1)
            || low > 13 || (high > 0 && high != low + 1))
            throw Damaged("a scan is of a kind that there is not", marker);

        var components = new JpegComponent[count];
        var means = new JpegHuffmanTable?[count];
        var bands = new JpegHuffmanTable?[count];
        byte[] header = new byte[body.Length];
        header[0] = (byte)count;
        ((ReadOnlySpan<byte>)[(byte)first, (byte)last, (byte)((high << 4) | low)]).CopyTo(header.AsSpan(1 + (2 * count)));
        for (int i = 0; i < count; i++)
        {
            byte id = body[1 + (2 * i)], tables = body[2 + (2 * i)];
            int c = Array.FindIndex(frame.Components, o => o.Id == id && Array.IndexOf(components, o, 0, i) < 0);
            if (c < 0)
                throw Damaged($"a scan is of a component {id}, which the frame has not, or has it twice", marker);
            components[i] = frame.Components[c];
            Send(components[i], c, (first, last, high, low), marker);
            (int mean, int band) = (first == 0 && high == 0 ? tables >> 4 : 0, last > 0 ? tables & 15 : 0);
            if (first == 0 && high == 0)
                means[i] = Table(forMeans: true, mean, marker);
            if (last > 0)
                bands[i] = Table(forMeans: false, band, marker);
            (header[1 + (2 * i)], header[2 + (2 * i)]) = (_ids[c], (byte)((mean << 4) | band));
        }

        _output.Interval(_interval);
        _output.Segment(0xDA, header);
        var scan = new JpegScan(frame, components, _place, marker)
        {
            MeanTables = means,
            BandTables = bands,
            First = first,
            Last = last,
            HighBit = high,
            LowBit = low,
        };
        at = scan.Walk(_file, at, _interval, _coded, _output);

        // Some encoders write a restart marker behind the last unit, too.
        int next = JpegScan.AfterFill(_file, at);
        return _interval > 0 && next < _file.Length && _file[next] is >= 0xD0 and <= 0xD7 ? next + 1 : at;
    }

    private void Begin(JpegFrame frame, int at)
    {
        // A block takes at least one bit in the scan of its mean, so fewer bits are a lie about the size.
        if (8L * (_file.Length - at) < frame.Blocks)
        {
            throw new DatasetException(
                DatasetFault.Truncated, _place, "there is too little data for the size in the frame",
                $"{_file.Length - at} bytes", $"at least {(frame.Blocks + 7) / 8} for {frame.Height}×{frame.Width}",
                "Copy or save the image again.");
        }

        _coded = new byte[_file.Length + JpegBits.Padding];
        bool isRgb = !_isJfif && (_adobeTransform is { } transform
            ? transform == 0
            : frame.Components.Select(c => c.Id).SequenceEqual(s_redGreenBlue));
        _ids = frame.Components.Length == 1 ? s_grey : isRgb ? s_redGreenBlue : s_brightnessAndColour;
        _output.Frame(frame, _ids);
        for (int slot = 0; slot < 2 && !frame.IsProgressive; slot++)
        {
            _means[slot] ??= JpegHuffmanTable.Standard(forMeans: true, slot);
            _bands[slot] ??= JpegHuffmanTable.Standard(forMeans: false, slot);
        }
    }

    // Notes which bits of which coefficients a scan sends; each must follow on those before.
    private void Send(JpegComponent c, int index, (int First, int Last, int High, int Low) scan, int at)
    {
        if (c.Steps is null)
        {
            c.Begin(
                c.Slot < MaxTables && _steps[c.Slot] is { } steps
                    ? steps
                    : throw Damaged($"the table of quantisation {c.Slot} is used and not given", at),
                _frame!);
            _output.Steps(index, c.Steps!);
        }

        if (scan.First > 0 && c.LowestBit[0] < 0)
            throw Damaged($"scans of component {index + 1} stand before that of its means", at);
        for (int k = scan.First; k <= scan.Last; k++)
        {
            if (c.LowestBit[k] != (scan.High == 0 ? -1 : scan.High))
                throw Damaged($"coefficient {k} of component {index + 1} is in two scans or in the wrong order", at);
            c.LowestBit[k] = scan.Low;
        }
    }

    private JpegHuffmanTable Table(bool forMeans, int slot, int at)
    {
        if (slot >= MaxTables || (forMeans ? _means : _bands)[slot] is not { } table)
            throw Damaged($"the Huffman table {slot} is used and not given", at);
        if (table.Problem is { } problem)
            throw Damaged($"the Huffman table {slot} {problem}", at);
        if (forMeans && table.Definition[JpegHuffmanTable.MaxBits..].ContainsAnyExceptInRange((byte)0, (byte)15))
            throw Damaged($"the Huffman table {slot} holds sizes that there are not", at);
        _output.Table(forMeans, slot, table);
        return table;
    }

    private CheckedImage Finish(int at)
    {
        if (_frame is null || _scans == 0)
            throw Damaged("there is no image in it", at);
        for (int c = 0; c < _frame.Components.Length; c++)
        {
            int missing = Array.FindIndex(_frame.Components[c].LowestBit, b => b != 0);
            if (missing >= 0)
            {
                throw new DatasetException(
                    DatasetFault.Truncated, _place,
                    _frame.Components[c].Steps is null
                        ? $"component {c + 1} of {_frame.Components.Length} has no scan"
                        : $"coefficient {missing} of component {c + 1} has no scan for all of its bits",
                    fix: "Copy or save the image again.") { Offset = at };
            }
        }

        _output.Marker(0xD9);
        return new CheckedImage(_frame.Height, _frame.Width, _output.Bytes);
    }

    private DatasetException NotEnded() => new(
        DatasetFault.Truncated, _place, "the JPEG has no end marker", fix: "Copy or save the image again.") { Offset = _file.Length };

    private DatasetException Damaged(string what, int at) => new(
        DatasetFault.Damaged, _place, what, fix: "Copy or save the image again.") { Offset = at };

    private DatasetException NotSupported(string what, int at) => new(
        DatasetFault.WrongFormat, _place, $"{what} is not supported",
        fix: "Save it as a baseline or progressive JPEG in colour or grey, or as a PNG.") { Offset = at };
}
