namespace InfMatch.Tensors;

/// <summary>The dimensions of a large shape and of a smaller one under it, with neighbours of one kind merged.</summary>
internal static class Merged
{
    private const int Most = 6;

    // Size, stride in the large shape, stride in the small one (0 where it is stretched), outermost first.
    private static List<(int Size, int Large, int Small)> Dimensions(Shape small, Shape large)
    {
        var merged = new List<(int Size, int Large, int Small)>();
        int largeStride = 1, smallStride = 1;
        for (int d = 1; d <= large.Rank; d++)
        {
            int size = large[^d], under = d <= small.Rank ? small[^d] : 1;
            if (size != 1)
            {
                bool isStretched = under == 1;
                if (merged.Count > 0 && merged[^1].Small == 0 == isStretched)
                    merged[^1] = merged[^1] with { Size = merged[^1].Size * size };
                else
                    merged.Add((size, largeStride, isStretched ? 0 : smallStride));
            }
            largeStride *= size;
            smallStride *= under;
        }
        merged.Reverse();
        return merged.Count <= Most
            ? merged
            : throw new ShapeException(
                $"{small} under {large} alternates {merged.Count} times between sizes that stay and sizes of 1; a GPU takes " +
                $"{Most}. Stretch or sum in two steps.");
    }

    public static Stretch StretchOf(Shape small, Shape large)
    {
        List<(int Size, int Large, int Small)> d = Dimensions(small, large);
        while (d.Count < Most)
            d.Insert(0, (1, 0, 0));
        return new Stretch
        {
            Count = large.Count,
            D0 = d[0].Size, D1 = d[1].Size, D2 = d[2].Size, D3 = d[3].Size, D4 = d[4].Size, D5 = d[5].Size,
            S0 = d[0].Small, S1 = d[1].Small, S2 = d[2].Small, S3 = d[3].Small, S4 = d[4].Small, S5 = d[5].Small,
        };
    }

    /// <summary>The sum, with its terms cut so that few outputs of many terms still fill a device.</summary>
    public static Sum SumOf(Shape small, Shape large)
    {
        List<(int Size, int Large, int Small)> d = Dimensions(small, large);
        List<(int Size, int Large, int Small)> kept = d.FindAll(x => x.Small != 0), gone = d.FindAll(x => x.Small == 0);
        while (kept.Count < 3)
            kept.Insert(0, (1, 0, 0));
        while (gone.Count < 3)
            gone.Insert(0, (1, 0, 0));
        int terms = gone[0].Size * gone[1].Size * gone[2].Size;
        int splits = Math.Clamp(Math.Min(terms / 2048, 1024 / Math.Max(1, small.Count)), 1, 256);
        return new Sum
        {
            Outputs = small.Count, Terms = terms, Splits = splits, Chunk = (terms + 4 * splits - 1) / (4 * splits) * 4,
            K1 = kept[1].Size, K2 = kept[2].Size, KS0 = kept[0].Large, KS1 = kept[1].Large, KS2 = kept[2].Large,
            R1 = gone[1].Size, R2 = gone[2].Size, ByR1 = new Divisor(Math.Max(1, gone[1].Size)),
            ByR2 = new Divisor(Math.Max(1, gone[2].Size)), RS0 = gone[0].Large, RS1 = gone[1].Large, RS2 = gone[2].Large,
        };
    }
}
