using System.Numerics;

namespace InfMatch.Datasets;

/// <summary>
/// Walks the coded data of one scan by its Huffman codes, without a cosine transform: every block must be there, in the
/// order of the restart markers, and nothing behind the last. Source: ITU-T T.81, annexes F and G.
/// </summary>
internal sealed class JpegScan(JpegFrame frame, JpegComponent[] components, string place, int offset)
{
    private const string NoCode = "the image data holds bits that are no code";
    private const string TooFar = "the image data has more coefficients than a block";
    private const string TooLarge = "the image data has coefficients that no image has";
    private const string TooMany = "the image data ends more blocks than there are";

    // Of the run of blocks whose band has ended, those that are still to come.
    private int _endedBlocks;

    /// <summary>Tables for the means, one a component; none is needed where a scan adds bits to them.</summary>
    public required JpegHuffmanTable?[] MeanTables { get; init; }

    /// <summary>Tables for the other coefficients.</summary>
    public required JpegHuffmanTable?[] BandTables { get; init; }

    /// <summary>First coefficient of the band, in the order of frequencies.</summary>
    public required int First { get; init; }

    /// <summary>Last coefficient of the band.</summary>
    public required int Last { get; init; }

    /// <summary>Lowest bit that was sent before, 0 where the scan is the first of its band.</summary>
    public required int HighBit { get; init; }

    /// <summary>Lowest bit that this scan sends.</summary>
    public required int LowBit { get; init; }

    private bool IsRefinement => HighBit != 0;

    private bool IsAlone => components.Length == 1;

    /// <summary>Walks the data that begins there, and copies what belongs to it. The buffer takes all of the file and
    /// the padding.</summary>
    /// <returns>Where the next marker is; behind the last byte where there is none.</returns>
    /// <exception cref="DatasetException">A block is missing or wrong, or something follows the last.</exception>
    public int Walk(byte[] file, int at, int interval, byte[] coded, JpegSegments output)
    {
        int units = IsAlone
            ? components[0].BlocksAcross * components[0].BlocksDown
            : frame.UnitsAcross * frame.UnitsDown;
        for (int done = 0, restarts = 0; ; restarts++)
        {
            int length = Unstuff(file, ref at, coded), end = interval == 0 ? units : Math.Min(units, done + interval);
            int used = WalkUnits(coded, length, done, end, units);
            ReadOnlySpan<byte> behind = coded.AsSpan(used, length - used);
            if (behind.ContainsAnyExcept((byte)0) && behind.ContainsAnyExcept((byte)0xFF))
                throw Damaged("the image data goes on behind its last block", at);
            output.Coded(coded.AsSpan(0, used));
            done = end;
            if (done == units)
                return at;
            int next = AfterFill(file, at), marker = 0xD0 + (restarts % 8);
            if (next >= file.Length || file[next] != marker)
            {
                throw file.AsSpan(Math.Min(next, file.Length)) is [>= 0xD0 and <= 0xD7, ..]
                    ? Damaged("the restart markers are out of order", at)
                    : Cut(done, units);
            }

            output.Restart(marker);
            at = next + 1;
        }
    }

    /// <summary>Past the bytes of a marker that may be repeated.</summary>
    public static int AfterFill(byte[] file, int at)
    {
        while (at < file.Length && file[at] == 0xFF)
            at++;
        return at;
    }

    // Takes the zero out behind each byte of ones, up to the next marker; returns the number of bytes.
    private static int Unstuff(byte[] file, ref int at, byte[] coded)
    {
        int length = 0;
        while (at < file.Length)
        {
            ReadOnlySpan<byte> rest = file.AsSpan(at);
            int run = rest.IndexOf((byte)0xFF);
            run = run < 0 ? rest.Length : run;
            rest[..run].CopyTo(coded.AsSpan(length));
            (at, length) = (at + run, length + run);
            int next = AfterFill(file, at);
            if (next >= file.Length || file[next] != 0)
            {
                at = next >= file.Length ? file.Length : at;
                break;
            }

            coded[length++] = 0xFF;
            at = next + 1;
        }

        coded.AsSpan(length, JpegBits.Padding).Clear();
        return length;
    }

    // Walks the units between two restarts; returns how many bytes they took.
    private int WalkUnits(byte[] coded, int length, int first, int end, int all)
    {
        var bits = new JpegBits(coded, length);
        _endedBlocks = 0;
        foreach (JpegComponent c in components)
            c.Mean = 0;
        for (int unit = first; unit < end; unit++)
        {
            string? wrong = IsAlone ? WalkAlone(ref bits, unit) : WalkTogether(ref bits, unit);
            if (bits.Ended)
                throw Cut(unit, all);
            if (wrong is not null)
                throw Damaged(wrong, offset);
        }

        return _endedBlocks == 0 ? bits.BytesRead : throw Damaged(TooMany, offset);
    }

    private string? WalkAlone(ref JpegBits bits, int unit)
    {
        JpegComponent c = components[0];
        return Walk(ref bits, 0, ((unit / c.BlocksAcross) * c.Stride) + (unit % c.BlocksAcross));
    }

    private string? WalkTogether(ref JpegBits bits, int unit)
    {
        int row = unit / frame.UnitsAcross, column = unit % frame.UnitsAcross;
        for (int i = 0; i < components.Length; i++)
        {
            JpegComponent c = components[i];
            for (int y = 0; y < c.Down; y++)
            {
                for (int x = 0; x < c.Across; x++)
                {
                    if (Walk(ref bits, i, (((row * c.Down) + y) * c.Stride) + (column * c.Across) + x) is { } wrong)
                        return wrong;
                    if (bits.Ended)
                        return null;
                }
            }
        }

        return null;
    }

    private string? Walk(ref JpegBits bits, int i, int block)
    {
        JpegComponent c = components[i];
        if (!frame.IsProgressive)
            return WalkMean(ref bits, c, MeanTables[i]!) ?? WalkBand(ref bits, c, BandTables[i]!);
        if (First > 0)
        {
            return IsRefinement
                ? RefineBand(ref bits, c, BandTables[i]!, ref c.NotZero[block])
                : WalkBandPart(ref bits, c, BandTables[i]!, ref c.NotZero[block]);
        }

        if (!IsRefinement)
            return WalkMean(ref bits, c, MeanTables[i]!);
        bits.Skip(1);
        return null;
    }

    private string? WalkMean(ref JpegBits bits, JpegComponent c, JpegHuffmanTable table)
    {
        int size = table.Read(ref bits);
        if (size is < 0 or > 15)
            return NoCode;
        if (size > 0)
            c.Mean += bits.TakeSigned(size);
        return Math.Abs(c.Mean) << LowBit <= c.Largest[0] ? null : TooLarge;
    }

    private static string? WalkBand(ref JpegBits bits, JpegComponent c, JpegHuffmanTable table)
    {
        int[] largest = c.Largest;
        for (int k = 1; k < JpegFrame.Block; k++)
        {
            int symbol = table.Read(ref bits);
            if (symbol < 0)
                return NoCode;
            int size = symbol & 15;
            if (size == 0 && symbol != 0xF0)
                return null;
            k += symbol >> 4;
            if (k >= JpegFrame.Block)
                return TooFar;
            if (size > 0 && Math.Abs(bits.TakeSigned(size)) > largest[k])
                return TooLarge;
        }

        return null;
    }

    private string? WalkBandPart(ref JpegBits bits, JpegComponent c, JpegHuffmanTable table, ref ulong notZero)
    {
        if (_endedBlocks > 0)
        {
            _endedBlocks--;
            return null;
        }

        for (int k = First; k <= Last; k++)
        {
            int symbol = table.Read(ref bits);
            if (symbol < 0)
                return NoCode;
            int run = symbol >> 4, size = symbol & 15;
            if (size == 0 && run < 15)
            {
                _endedBlocks = (1 << run) + bits.Take(run) - 1;
                return null;
            }

            k += run;
            if (k > Last)
                return TooFar;
            if (size == 0)
                continue;
            if (Math.Abs(bits.TakeSigned(size)) << LowBit > c.Largest[k])
                return TooLarge;
            notZero |= 1UL << k;
        }

        return null;
    }

    private string? RefineBand(ref JpegBits bits, JpegComponent c, JpegHuffmanTable table, ref ulong notZero)
    {
        int k = First;
        for (; _endedBlocks == 0 && k <= Last; k++)
        {
            int symbol = table.Read(ref bits);
            if (symbol < 0 || (symbol & 15) > 1)
                return NoCode;
            int run = symbol >> 4;
            bool isNew = (symbol & 15) == 1;
            if (isNew)
                bits.Skip(1);
            else if (run < 15)
            {
                _endedBlocks = (1 << run) + bits.Take(run);
                break;
            }

            // A bit for each coefficient that has others already, until the run of zeros has passed.
            for (; k <= Last; k++)
            {
                if ((notZero & (1UL << k)) != 0)
                    bits.Skip(1);
                else if (--run < 0)
                    break;
            }

            if (k > Last)
                return TooFar;
            if (!isNew)
                continue;
            if (1 << LowBit > c.Largest[k])
                return TooLarge;
            notZero |= 1UL << k;
        }

        if (_endedBlocks == 0)
            return null;
        _endedBlocks--;
        if (k <= Last)
            bits.Skip(BitOperations.PopCount(notZero & (ulong.MaxValue << k) & (ulong.MaxValue >> (63 - Last))));
        return null;
    }

    private DatasetException Cut(int done, int all) => new(
        DatasetFault.Truncated, place, "the data of a scan ends before the image does", $"{done} of {all} parts",
        fix: "Copy or save the image again.") { Offset = offset };

    private DatasetException Damaged(string what, int at) => new(
        DatasetFault.Damaged, place, what, fix: "Copy or save the image again.") { Offset = at };
}
