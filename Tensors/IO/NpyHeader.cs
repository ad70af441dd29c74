using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace InfMatch.Tensors.IO;

/// <summary>
/// The header of a .npy file: a Python dictionary literal, read with a grammar of its three keys and nothing more.
/// Source: numpy's format description, NEP 1.
/// </summary>
internal sealed record NpyHeader(ArrayElement Element, int[] Dimensions, int Count)
{
    private const int Alignment = 64;
    private const int GrowthDigits = 21;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>
    /// Reads from a stream that has totalLength bytes left and checks that the data fills them exactly.
    /// </summary>
    public static NpyHeader Read(Stream stream, long totalLength, string source, ArrayFileLimits limits)
    {
        if (totalLength < 10)
            throw new NpyException(source, $"{totalLength} bytes are too few for a .npy header. Is the file complete?");
        Span<byte> start = stackalloc byte[12];
        stream.ReadExactly(start[..10]);
        if (!start[..6].SequenceEqual(Magic))
            throw new NpyException(source, "the first six bytes are not the .npy signature. Is this a .npy file?");
        int version = start[6];
        if (version is not (1 or 2) || start[7] != 0)
            throw new NpyException(source, $"format version {version}.{start[7]} is not supported, only 1.0 and 2.0. "
                + "Save it again.");

        long prefix = version == 1 ? 10 : 12;
        long size = BinaryPrimitives.ReadUInt16LittleEndian(start[8..10]);
        if (version == 2)
        {
            if (totalLength < prefix)
                throw new NpyException(source, "the file ends inside the header length.");
            stream.ReadExactly(start[10..12]);
            size = BinaryPrimitives.ReadUInt32LittleEndian(start[8..12]);
        }

        if (size > limits.MaxNpyHeaderBytes)
            throw new NpyException(source, $"the header claims {size} bytes, the limit is {limits.MaxNpyHeaderBytes}.");
        if (size > totalLength - prefix)
            throw new NpyException(source, $"the header claims {size} bytes, only {totalLength - prefix} follow.");
        byte[] text = new byte[size];
        stream.ReadExactly(text);
        return new Parser(text, source, limits).Parse(prefix + size, totalLength);
    }

    public static byte[] Encode(ArrayElement element, ReadOnlySpan<int> dimensions)
    {
        string shape = dimensions.Length switch
        {
            0 => "()",
            1 => string.Create(CultureInfo.InvariantCulture, $"({dimensions[0]},)"),
            _ => $"({string.Join(", ", dimensions.ToArray())})",
        };
        string text = $"{{'descr': '{element.NumpyName()}', 'fortran_order': False, 'shape': {shape}, }}";

        // numpy leaves room for the first dimension to grow in place; doing the same gives numpy's own bytes.
        if (dimensions.Length > 0)
            text += new string(' ', GrowthDigits - dimensions[0].ToString(CultureInfo.InvariantCulture).Length);
        int padding = Alignment - ((10 + text.Length + 1) % Alignment);
        text += new string(' ', padding) + "\n";
        if (text.Length > ushort.MaxValue)
            throw new ArgumentException($".npy: {dimensions.Length} dimensions are too many.", nameof(dimensions));

        byte[] header = new byte[10 + text.Length];
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)text.Length);
        Encoding.ASCII.GetBytes(text, header.AsSpan(10));
        return header;
    }

    private sealed class Parser(byte[] text, string source, ArrayFileLimits limits)
    {
        private int _at;

        public NpyHeader Parse(long dataStart, long totalLength)
        {
            ArrayElement? element = null;
            bool orderSeen = false;
            List<int>? shape = null;
            Take('{');
            while (!TryTake('}'))
            {
                string key = TakeString();
                Take(':');
                if (key == "descr" && element is null)
                {
                    element = TakeElement();
                }
                else if (key == "fortran_order" && !orderSeen)
                {
                    TakeRowMajor();
                    orderSeen = true;
                }
                else if (key == "shape" && shape is null)
                {
                    shape = TakeShape();
                }
                else
                {
                    throw Broken($"the key '{key}' is unknown or occurs twice; expected descr, fortran_order, shape "
                        + "once each");
                }

                if (!TryTake(','))
                {
                    Take('}');
                    break;
                }
            }

            if (Peek() != -1)
                throw Broken("text follows the dictionary");
            if (element is null || shape is null || !orderSeen)
                throw Broken("needs descr, fortran_order and shape");
            return Check(element.Value, [.. shape], dataStart, totalLength);
        }

        private NpyHeader Check(ArrayElement element, int[] dimensions, long dataStart, long totalLength)
        {
            string shape = $"{element} [{string.Join(", ", dimensions)}]";
            if (!NamedArray.TryCount(dimensions, out long count) || count > Array.MaxLength)
                throw new NpyException(source, $"{shape} has more than {Array.MaxLength} elements.");
            long bytes = count * element.ByteSize(), inMemory = count * element.InMemory().ByteSize();
            if (inMemory > limits.MaxDataBytes)
                throw new NpyException(source, $"{shape} has {inMemory} bytes, the limit is {limits.MaxDataBytes}.");
            if (bytes != totalLength - dataStart)
            {
                throw new NpyException(source,
                    $"{shape} needs {bytes} bytes, {totalLength - dataStart} follow the header. "
                    + (bytes > totalLength - dataStart ? "The file is cut short." : "Something was appended to it."));
            }

            return new NpyHeader(element, dimensions, (int)count);
        }

        private ArrayElement TakeElement()
        {
            if (Peek() == '[')
                throw Broken("structured element types are not supported. Save each field as an array of its own");
            string descr = TakeString();
            foreach (ArrayElement element in Enum.GetValues<ArrayElement>())
            {
                if (element.NumpyName() == descr)
                    return element;
            }

            throw Broken(descr.Contains('O', StringComparison.Ordinal)
                ? "the array holds pickled Python objects, which can run code and are never read. Save plain numbers"
                : $"the element type '{descr}' is not supported; supported are <f2, <f4, <f8, <i4, <i8, |u1. Convert with "
                    + "astype");
        }

        private void TakeRowMajor()
        {
            string word = TakeWord();
            if (word == "True")
                throw Broken("the array is in Fortran order. Save numpy.ascontiguousarray of it");
            if (word != "False")
                throw Broken($"fortran_order is '{word}', expected False");
        }

        private List<int> TakeShape()
        {
            List<int> sizes = [];
            bool comma = false;
            Take('(');
            while (!TryTake(')'))
            {
                if (sizes.Count == limits.MaxRank)
                    throw Broken($"more than {limits.MaxRank} dimensions");
                string digits = TakeWord();
                if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int size))
                    throw Broken($"'{digits}' is not a dimension in [0, 2³¹)");
                sizes.Add(size);
                comma = TryTake(',');
                if (!comma)
                {
                    Take(')');
                    break;
                }
            }

            // In Python (3) is a number and only (3,) a tuple.
            return sizes.Count == 1 && !comma ? throw Broken("the shape is a number in brackets, not a tuple") : sizes;
        }

        private string TakeString()
        {
            int quote = Peek();
            if (quote is not ('\'' or '"'))
                throw Broken("expected a quoted text");
            int length = text.AsSpan(_at + 1).IndexOf((byte)quote);
            ReadOnlySpan<byte> content = length < 0 ? [] : text.AsSpan(_at + 1, length);
            bool plain = !content.ContainsAnyExceptInRange((byte)' ', (byte)'~') && !content.Contains((byte)'\\');
            if (length is < 0 or > 64 || !plain)
                throw Broken("the quoted text does not end, is longer than 64 characters, or is not plain ASCII");
            _at += length + 2;
            return Encoding.ASCII.GetString(content);
        }

        private string TakeWord()
        {
            _ = Peek();
            int start = _at;
            while (_at < text.Length && char.IsAsciiLetterOrDigit((char)text[_at]) && _at - start < 32)
                _at++;
            return Encoding.ASCII.GetString(text, start, _at - start);
        }

        private bool TryTake(char wanted)
        {
            if (Peek() != wanted)
                return false;
            _at++;
            return true;
        }

        private void Take(char wanted)
        {
            if (!TryTake(wanted))
                throw Broken($"expected '{wanted}'");
        }

        // The next byte that is not blank, or -1 at the end.
        private int Peek()
        {
            while (_at < text.Length && text[_at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r')
                _at++;
            return _at < text.Length ? text[_at] : -1;
        }

        private NpyException Broken(string problem) => new(source, $"header, character {_at}: {problem}.");
    }
}
