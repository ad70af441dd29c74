namespace InfMatch.Datasets;

/// <summary>The frame of a JPEG file: its size and its components.</summary>
internal sealed class JpegFrame
{
    /// <summary>Coefficients of a block.</summary>
    public const int Block = 64;

    /// <summary>The marker: C0 and C1 are sequential, C2 is progressive.</summary>
    public required byte Marker { get; init; }

    public required int Height { get; init; }

    public required int Width { get; init; }

    /// <summary>One, or three.</summary>
    public required JpegComponent[] Components { get; init; }

    public bool IsProgressive => Marker == 0xC2;

    /// <summary>Units of a scan of several components: each holds the blocks of an area of all of them.</summary>
    public int UnitsAcross { get; private set; }

    public int UnitsDown { get; private set; }

    /// <summary>Blocks of the whole picture.</summary>
    public long Blocks => Components.Sum(c => (long)c.BlocksAcross * c.BlocksDown);

    /// <summary>Reckons the blocks from the sizes; the component whose sampling does not divide the finest, or null.</summary>
    public JpegComponent? Arrange()
    {
        int widest = Components.Max(c => c.Across), tallest = Components.Max(c => c.Down);
        (UnitsAcross, UnitsDown) = (Up(Width, 8 * widest), Up(Height, 8 * tallest));
        foreach (JpegComponent c in Components)
        {
            if (widest % c.Across != 0 || tallest % c.Down != 0)
                return c;
            (c.BlocksAcross, c.BlocksDown) = (Up(Width * c.Across, 8 * widest), Up(Height * c.Down, 8 * tallest));
            c.Stride = UnitsAcross * c.Across;
        }

        return null;
    }

    private static int Up(int value, int by) => (value + by - 1) / by;
}

/// <summary>A component of a JPEG picture, such as its brightness, and what the scans have told of it so far.</summary>
internal sealed class JpegComponent
{
    // Eight bits a sample make coefficients up to 1024, and rounding to steps of q adds half a step. Twice that leaves
    // room for every encoder; what is larger comes from damage, and more than 16 bits would wrap in the decoder.
    private const int LargestCoefficient = 2 * 1024, LargestNumber = short.MaxValue;

    public JpegComponent() => Array.Fill(LowestBit, -1);

    public required byte Id { get; init; }

    /// <summary>Blocks of a unit from left to right.</summary>
    public required int Across { get; init; }

    /// <summary>Blocks of a unit from top to bottom.</summary>
    public required int Down { get; init; }

    /// <summary>Which table of quantisation it uses.</summary>
    public required int Slot { get; init; }

    /// <summary>Blocks that hold its samples, which a scan of it alone has.</summary>
    public int BlocksAcross { get; set; }

    public int BlocksDown { get; set; }

    /// <summary>Blocks in a row when those are counted, too, that fill the last unit.</summary>
    public int Stride { get; set; }

    /// <summary>The steps of its coefficients [64], those of the time of its first scan; null before it.</summary>
    public ushort[]? Steps { get; private set; }

    /// <summary>For each coefficient the largest number before it is multiplied by its step.</summary>
    public int[] Largest { get; } = new int[JpegFrame.Block];

    /// <summary>The lowest bit of each coefficient that was sent, -1 where none was.</summary>
    public int[] LowestBit { get; } = new int[JpegFrame.Block];

    /// <summary>Which coefficients of each block are not zero, a bit each; of progressive pictures only.</summary>
    public ulong[] NotZero { get; private set; } = [];

    /// <summary>The mean of the last block, from which that of the next is told.</summary>
    public int Mean { get; set; }

    /// <summary>Begins the first scan of the component.</summary>
    public void Begin(ushort[] steps, JpegFrame frame)
    {
        Steps = steps;
        for (int k = 0; k < JpegFrame.Block; k++)
        {
            Largest[k] = steps[k] == 0
                ? LargestNumber
                : Math.Min(LargestNumber, LargestCoefficient + steps[k]) / steps[k];
        }

        if (frame.IsProgressive)
            NotZero = new ulong[Stride * Down * frame.UnitsDown];
    }
}
