namespace InfMatch.Datasets;

/// <summary>Something of an image that can be measured and said in words.</summary>
/// <param name="Measure">The number; from pixels [28, 28].</param>
/// <param name="Words">What is said of each level, from low to high.</param>
internal sealed record ImageTrait(Func<GreyImage, double> Measure, string[] Words)
{
    /// <summary>How many levels the trait has.</summary>
    public int Levels => Words.Length;

    private static readonly string[] s_brightness =
        ["black", "dark", "dim", "grey", "pale", "light", "white"];

    /// <summary>The brightness of the whole, which stands before the article.</summary>
    public static ImageTrait Brightness { get; } = new(i => i.Mean(0, 28, 0, 28), s_brightness);

    /// <summary>How large and how patterned it is.</summary>
    public static IReadOnlyList<ImageTrait> Build { get; } =
    [
        new(i => i.Filled(across: true), ["thin", "slim", "ordinary", "stout", "broad"]),
        new(i => i.Filled(across: false), ["flat", "low", "medium", "high", "tall"]),
        new(i => i.Edges(0, 1), ["seamless", "few seams", "some seams", "many seams", "countless seams"]),
        new(i => i.Edges(1, 0), ["unfolded", "few folds", "some folds", "many folds", "countless folds"]),
        new(i => i.Mean(0, 28, 10, 18) - i.Mean(0, 28, 0, 10) / 2 - i.Mean(0, 28, 18, 28) / 2,
            ["hollow", "airy", "even", "dense", "solid"]),
        new(i => i.Mean(10, 18, 0, 28) - i.Mean(0, 10, 0, 28) / 2 - i.Mean(18, 28, 0, 28) / 2,
            ["pinched", "waisted", "straight", "swollen", "bulging"]),
    ];

    /// <summary>The brightness of nine parts of the picture, which is said by the points of the compass.</summary>
    public static IReadOnlyList<ImageTrait> Regions { get; } =
    [
        .. ((string[])["northwest", "north", "northeast", "west", "centre", "east", "southwest", "south", "southeast"]).Select((name, k) =>
            new ImageTrait(
                i => i.Mean(Limit(k / 3), Limit(k / 3 + 1), Limit(k % 3), Limit(k % 3 + 1)),
                Array.ConvertAll(s_brightness, word => $"{word} {name}"))),
    ];

    /// <summary>All traits.</summary>
    public static IReadOnlyList<ImageTrait> All { get; } = [Brightness, .. Build, .. Regions];

    private static int Limit(int third) => third switch { 0 => 0, 1 => 9, 2 => 19, _ => 28 };
}

/// <summary>A grey image of 28×28 pixels.</summary>
internal readonly struct GreyImage(ReadOnlyMemory<byte> pixels)
{
    private const int Side = 28;

    /// <summary>Mean brightness of a rectangle, 0 to 1; ends are exclusive.</summary>
    public double Mean(int top, int bottom, int left, int right)
    {
        ReadOnlySpan<byte> image = pixels.Span;
        long sum = 0;
        for (int y = top; y < bottom; y++)
        {
            for (int x = left; x < right; x++)
                sum += image[y * Side + x];
        }
        return sum / (255.0 * (bottom - top) * (right - left));
    }

    /// <summary>The mean difference between a pixel and the one so far down and right, 0 to 1.</summary>
    public double Edges(int down, int right)
    {
        ReadOnlySpan<byte> image = pixels.Span;
        long sum = 0;
        for (int y = 0; y + down < Side; y++)
        {
            for (int x = 0; x + right < Side; x++)
                sum += Math.Abs(image[y * Side + x] - image[(y + down) * Side + x + right]);
        }
        return sum / (255.0 * (Side - down) * (Side - right));
    }

    /// <summary>How much of the columns, or of the rows, is bright: the mean over them of their brightness, up to a quarter of the
    /// greatest, so that thin parts count.</summary>
    public double Filled(bool across)
    {
        double sum = 0;
        for (int i = 0; i < Side; i++)
            sum += Math.Min(0.25, across ? Mean(0, Side, i, i + 1) : Mean(i, i + 1, 0, Side));
        return sum / Side;
    }
}
