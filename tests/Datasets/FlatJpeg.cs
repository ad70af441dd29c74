using System.Buffers.Binary;

namespace InfMatch.Tests.Datasets;

/// <summary>
/// Writes JPEG files whose blocks have one value each, which every decoder gives back to the bit: a step of 8 makes the
/// mean of a block its value less 128. The codes are those of the tables in T.81 K.3, by hand.
/// </summary>
internal sealed record FlatJpeg(int Width, int Height, params (int Across, int Down)[] Sampling)
{
    private static readonly string[] s_meanCodes =
        ["00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110"];

    private static readonly string[] s_colourMeanCodes =
        ["00", "01", "10", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110", "1111111110", "11111111110"];

    /// <summary>The value of block (x, y) of a component.</summary>
    public Func<int, int, int, int> Value { get; init; } = (c, x, y) => c == 0 ? 8 + (((29 * x) + (53 * y)) % 240) : 128;

    public byte[] Ids { get; init; } = [1, 2, 3, 4];

    public byte Marker { get; init; } = 0xC0;

    public int Interval { get; init; }

    /// <summary>Components of each scan.</summary>
    public int[][] Scans { get; init; } = [[0, 1, 2]];

    /// <summary>Whether the tables of K.3 stand in the file.</summary>
    public bool HasTables { get; init; } = true;

    /// <summary>Whether each component's table of quantisation stands in slot 0, before its first scan.</summary>
    public bool SharesSlot { get; init; }

    public int Step { get; init; } = 8;

    /// <summary>Segments behind the start.</summary>
    public byte[] Before { get; init; } = [];

    private int Count => Sampling.Length;

    private bool IsProgressive => Marker == 0xC2;

    public static byte[] Segment(byte marker, params byte[] body) =>
        [0xFF, marker, (byte)((body.Length + 2) >> 8), (byte)(body.Length + 2), .. body];

    public static byte[] Jfif() => Segment(0xE0, [.. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1, 0, 0]);

    public static byte[] Adobe(byte transform) => Segment(0xEE, [.. "Adobe"u8, 0, 100, 0, 0, 0, 0, transform]);

    /// <summary>A table of one step for all coefficients.</summary>
    public static byte[] Quantisation(int slot, int step) => Segment(0xDB, step > 255
        ? [(byte)(0x10 | slot), .. Enumerable.Repeat((byte[])[(byte)(step >> 8), (byte)step], 64).SelectMany(b => b)]
        : [(byte)slot, .. Enumerable.Repeat((byte)step, 64)]);

    public byte[] Bytes()
    {
        var file = new List<byte>([0xFF, 0xD8, .. Before]);
        if (!SharesSlot)
            file.AddRange(Quantisation(0, Step));
        byte[] size = new byte[4];
        BinaryPrimitives.WriteInt16BigEndian(size, (short)Height);
        BinaryPrimitives.WriteInt16BigEndian(size.AsSpan(2), (short)Width);
        file.AddRange(Segment(Marker, [8, .. size, (byte)Count, .. Enumerable.Range(0, Count).SelectMany(c =>
            (byte[])[Ids[c], (byte)((Sampling[c].Across << 4) | Sampling[c].Down), 0])]));
        if (HasTables)
        {
            // Means of both kinds; of the bands the code of the end of a block alone: 1010 and 00, and 0 where progressive.
            file.AddRange(Segment(0xC4, [0, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
            file.AddRange(Segment(0xC4, [1, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
            file.AddRange(IsProgressive
                ? Segment(0xC4, [0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
                : Segment(0xC4, [0x10, 0, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 4]));
            file.AddRange(Segment(0xC4, [0x11, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        }

        if (Interval > 0)
            file.AddRange(Segment(0xDD, (byte)(Interval >> 8), (byte)Interval));
        foreach (int[] scan in Scans)
        {
            if (SharesSlot)
                file.AddRange(Quantisation(0, 8 << scan[0]));
            file.AddRange(Scan(scan, 0, (byte)(IsProgressive ? 0 : 63)));
            file.AddRange(Data(scan, ofMeans: true));
        }

        for (int c = 0; IsProgressive && c < Count; c++)
        {
            if (SharesSlot)
                file.AddRange(Quantisation(0, 1));
            file.AddRange(Scan([c], 1, 63));
            file.AddRange(Data([c], ofMeans: false));
        }

        return [.. file, 0xFF, 0xD9];
    }

    /// <summary>What the first component shows: rows of equal red, green and blue where the others are 128.</summary>
    public byte[] Pixels()
    {
        int widest = Sampling.Max(s => s.Across), tallest = Sampling.Max(s => s.Down);
        int across = 8 * widest / Sampling[0].Across, down = 8 * tallest / Sampling[0].Down;
        return [.. Enumerable.Range(0, Width * Height).SelectMany(i =>
            Enumerable.Repeat((byte)Value(0, i % Width / across, i / Width / down), 3))];
    }

    public byte[] Scan(int[] components, byte first, byte last) => Segment(0xDA, [(byte)components.Length,
        .. components.SelectMany(c => (byte[])[Ids[c], (byte)(c == 0 || IsProgressive ? c == 0 ? 0 : 0x10 : 0x11)]), first, last, 0]);

    private List<byte> Data(int[] scan, bool ofMeans)
    {
        int widest = Sampling.Max(s => s.Across), tallest = Sampling.Max(s => s.Down);
        int across = Up(Width, 8 * widest), down = Up(Height, 8 * tallest);
        bool isAlone = scan.Length == 1;
        (int H, int V) alone = Sampling[scan[0]];
        if (isAlone)
            (across, down) = (Up(Width * alone.H, 8 * widest), Up(Height * alone.V, 8 * tallest));
        var bytes = new List<byte>();
        var bits = new System.Text.StringBuilder();
        int[] before = new int[Count];
        for (int unit = 0; unit < across * down; unit++)
        {
            if (Interval > 0 && unit > 0 && unit % Interval == 0)
            {
                Flush(bits, bytes);
                bytes.AddRange([0xFF, (byte)(0xD0 + (((unit / Interval) - 1) % 8))]);
                Array.Clear(before);
            }

            foreach (int c in scan)
            {
                (int h, int v) = isAlone ? (1, 1) : Sampling[c];
                for (int i = 0; i < h * v; i++)
                {
                    if (!ofMeans)
                        bits.Append('0');
                    else
                        Block(bits, c, Value(c, (unit % across * h) + (i % h), (unit / across * v) + (i / h)), before);
                }
            }
        }

        Flush(bits, bytes);
        return bytes;
    }

    private void Block(System.Text.StringBuilder bits, int c, int value, int[] before)
    {
        int mean = (value - 128) * 8 / (SharesSlot ? 8 << c : Step), change = mean - before[c], size = 0;
        before[c] = mean;
        while (Math.Abs(change) >> size > 0)
            size++;
        bits.Append((c == 0 ? s_meanCodes : s_colourMeanCodes)[size]);
        int number = change < 0 ? change + (1 << size) - 1 : change;
        for (int b = size - 1; b >= 0; b--)
            bits.Append((number >> b) & 1);
        if (!IsProgressive)
            bits.Append(c == 0 ? "1010" : "00");
    }

    private static void Flush(System.Text.StringBuilder bits, List<byte> bytes)
    {
        while (bits.Length % 8 != 0)
            bits.Append('1');
        for (int i = 0; i < bits.Length; i += 8)
        {
            byte b = Convert.ToByte(bits.ToString(i, 8), 2);
            bytes.Add(b);
            if (b == 0xFF)
                bytes.Add(0);
        }

        bits.Clear();
    }

    private static int Up(int value, int by) => (value + by - 1) / by;
}
