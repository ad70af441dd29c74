using System.Buffers.Binary;

namespace InfMatch.Datasets;

/// <summary>A Huffman table as a DHT segment has it, and the lookup that reads with it. Source: ITU-T T.81, annexes C
/// and K.3.</summary>
internal sealed class JpegHuffmanTable
{
    /// <summary>The longest code, in bits.</summary>
    public const int MaxBits = 16;

    private const int FastBits = 9;

    // A film of JPEG frames leaves out the tables that every frame would repeat: these are meant.
    private static readonly JpegHuffmanTable[] s_standard =
    [
        Parse("00010501010101010100000000000000" +
            "000102030405060708090a0b"),
        Parse("00030101010101010101010000000000" +
            "000102030405060708090a0b"),
        Parse("0002010303020403050504040000017d" +
            "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435" +
            "363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798" +
            "999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4" +
            "f5f6f7f8f9fa"),
        Parse("00020102040403040705040400010277" +
            "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a" +
            "35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a9293949596" +
            "9798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4" +
            "f5f6f7f8f9fa"),
    ];

    private readonly byte[] _definition;

    // Length of the code and its symbol for the bits that follow; 0 where the code is longer.
    private readonly ushort[] _fast = new ushort[1 << FastBits];

    // For codes of each length: one past the last, at the upper end of 16 bits, and what leads from a code to its symbol.
    private readonly int[] _past = new int[MaxBits + 1], _toSymbol = new int[MaxBits + 1];

    /// <summary>Takes 16 counts of codes by length and the symbols, in the order of the codes.</summary>
    public JpegHuffmanTable(ReadOnlySpan<byte> definition) => (_definition, Problem) = (definition.ToArray(), Build(definition));

    /// <summary>Why the table cannot be used; null where it can.</summary>
    public string? Problem { get; }

    /// <summary>The counts and the symbols.</summary>
    public ReadOnlySpan<byte> Definition => _definition;

    /// <summary>The table of T.81 K.3 that stands for one that is not given, or null beyond the first two.</summary>
    public static JpegHuffmanTable? Standard(bool forMeans, int slot) => slot < 2 ? s_standard[forMeans ? slot : 2 + slot] : null;

    /// <summary>The next symbol, or -1 where no code of the table stands.</summary>
    public int Read(ref JpegBits bits)
    {
        int next = bits.Peek16();
        int found = _fast[next >> (MaxBits - FastBits)];
        if (found != 0)
        {
            bits.Skip(found >> 8);
            return found & 0xFF;
        }

        for (int length = FastBits + 1; length <= MaxBits; length++)
        {
            if (next < _past[length])
            {
                bits.Skip(length);
                return _definition[MaxBits + (next >> (MaxBits - length)) + _toSymbol[length]];
            }
        }

        return -1;
    }

    private static JpegHuffmanTable Parse(string hexadecimal) => new(Convert.FromHexString(hexadecimal));

    private string? Build(ReadOnlySpan<byte> definition)
    {
        int code = 0, symbol = 0;
        for (int length = 1; length <= MaxBits; length++)
        {
            _toSymbol[length] = symbol - code;
            for (int i = 0; i < definition[length - 1]; i++, symbol++, code++)
            {
                // The code of ones alone is no code, so that a run of them can fill the last byte.
                if (code >= (1 << length) - 1)
                    return "has more codes than there are";

                // The decoder marks codes that are not in its fast lookup by this number.
                if (symbol == 255 && length <= FastBits)
                    return "has 256 short codes, which is not supported";
                if (length <= FastBits)
                {
                    _fast.AsSpan(code << (FastBits - length), 1 << (FastBits - length))
                        .Fill((ushort)((length << 8) | definition[MaxBits + symbol]));
                }
            }

            _past[length] = code << (MaxBits - length);
            code <<= 1;
        }

        return symbol == 0 ? "is empty" : null;
    }
}

/// <summary>Reads bits, the upper first, from bytes that are followed by zeros enough for the longest block.</summary>
internal ref struct JpegBits(ReadOnlySpan<byte> padded, int length)
{
    /// <summary>How many zero bytes must follow: a block of 64 coefficients takes at most 16 + 16 bits each.</summary>
    public const int Padding = 512;

    private readonly ReadOnlySpan<byte> _bytes = padded;
    private readonly int _bits = 8 * length;
    private int _at;

    /// <summary>Whether more was read than there is.</summary>
    public readonly bool Ended => _at > _bits;

    /// <summary>Bytes of which at least a bit was read.</summary>
    public readonly int BytesRead => (_at + 7) / 8;

    public readonly int Peek16() => (int)(Next() >> 16);

    public void Skip(int count) => _at += count;

    /// <summary>So many bits, at most 16, as a number.</summary>
    public int Take(int count)
    {
        uint next = Next();
        _at += count;
        return (int)((ulong)next >> (32 - count));
    }

    /// <summary>A number of so many bits, at least one, whose first bit is 0 where it is negative (T.81 F.2.2.1).</summary>
    public int TakeSigned(int count)
    {
        int value = Take(count);
        return value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
    }

    private readonly uint Next() =>
        (uint)(BinaryPrimitives.ReadUInt64BigEndian(_bytes[(_at >> 3)..]) << (_at & 7) >> 32);
}
