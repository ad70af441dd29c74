namespace InfMatch.Datasets;

/// <summary>
/// Brings an image to N×N: a centred square as large as the shorter side is cut out, then averaged over areas where it
/// shrinks, or interpolated linearly (pixel centres at halves, edges repeated) where it grows. Whole numbers
/// throughout, so that every machine gives the same bytes; an image that is N×N already keeps its own.
/// </summary>
internal static class Resampling
{
    /// <summary>From [H, W, 3] to planes [3, N, N] in the destination.</summary>
    public static void ToSquare(ReadOnlySpan<byte> image, int height, int width, int side, Span<byte> destination)
    {
        int square = Math.Min(height, width), top = (height - square) / 2, left = (width - square) / 2;
        Weight[][] weights = side <= square ? Areas(square, side) : Lines(square, side);
        long total = side <= square ? (long)square * square : 4L * side * side;
        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                long red = 0, green = 0, blue = 0;
                foreach (Weight row in weights[y])
                {
                    foreach (Weight column in weights[x])
                    {
                        int at = 3 * (((top + row.Index) * width) + left + column.Index);
                        long weight = row.Amount * column.Amount;
                        red += weight * image[at];
                        green += weight * image[at + 1];
                        blue += weight * image[at + 2];
                    }
                }

                int to = (y * side) + x, plane = side * side;
                destination[to] = (byte)((red + (total / 2)) / total);
                destination[plane + to] = (byte)((green + (total / 2)) / total);
                destination[(2 * plane) + to] = (byte)((blue + (total / 2)) / total);
            }
        }
    }

    /// <summary>The same map of one axis as a matrix [side, from], row by row: of a square x it makes R·x·Rᵀ, but for rounding.</summary>
    public static double[] Matrix(int from, int side)
    {
        var matrix = new double[side * from];
        Weight[][] weights = side <= from ? Areas(from, side) : Lines(from, side);
        for (int i = 0; i < side; i++)
        {
            foreach (Weight weight in weights[i])
                matrix[(i * from) + weight.Index] += weight.Amount / (double)(side <= from ? from : 2 * side);
        }
        return matrix;
    }

    /// <summary>From rows of pixels [H, W, 3] to planes [3, H, W].</summary>
    public static void ToPlanes(ReadOnlySpan<byte> image, Span<byte> destination)
    {
        int plane = image.Length / 3;
        for (int i = 0; i < plane; i++)
        {
            destination[i] = image[3 * i];
            destination[plane + i] = image[(3 * i) + 1];
            destination[(2 * plane) + i] = image[(3 * i) + 2];
        }
    }

    // In units of 1/side of a source pixel, pixel j covers [j·side, (j+1)·side), and result i covers [i·from,
    // (i+1)·from).
    private static Weight[][] Areas(int from, int side) =>
    [
        .. Enumerable.Range(0, side).Select(i =>
        {
            long first = (long)i * from, last = first + from;
            return (Weight[])
            [
                .. Enumerable.Range((int)(first / side),
                    (int)(((last - 1) / side) - (first / side) + 1)).Select(j => new Weight(
                    j, Math.Min(last, ((long)j + 1) * side) - Math.Max(first, (long)j * side))),
            ];
        }),
    ];

    // The centre of result i lies at ((2i + 1)·from − side) / (2·side) in source pixels.
    private static Weight[][] Lines(int from, int side) =>
    [
        .. Enumerable.Range(0, side).Select(i =>
        {
            long centre = Math.Clamp((((2L * i) + 1) * from) - side, 0, 2L * side * (from - 1));
            int low = (int)(centre / (2 * side));
            long part = centre % (2 * side);
            return part == 0
                ? (Weight[])[new Weight(low, 2L * side)]
                : [new Weight(low, (2L * side) - part), new Weight(low + 1, part)];
        }),
    ];

    private readonly record struct Weight(int Index, long Amount);
}
