using InfMatch.Tensors;

namespace InfMatch.Tests.Random;

public class RandomKeyTests
{
    private const int Draws = 1 << 18;

    private static readonly RandomKey s_key = RandomKey.FromSeed(20260101);

    [Fact]
    public void Stored_seeds_keep_their_numbers()
    {
        // Printed by stored_seeds.py beside this file; a change here breaks every stored run.
        RandomKey key = RandomKey.FromSeed(42).Split("augmentation").Split(7).Split(3);
        Assert.Equal(0x9a348e24ffc54f3aUL, key.Value);
        Assert.Equal([4, 2, 6, 1, 7, 5, 0, 3], key.Permutation(8));
        Assert.Equal(45, key.Below(1000, 5));
        Assert.Equal(0.13525331104778604, key.UniformAt(5));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(0, 1000)]
    [InlineData(1, 7)]
    [InlineData(3, 64)]
    [InlineData(5, 13)]
    [InlineData(1L << 40, 9)]
    public void A_fill_of_any_range_equals_that_range_of_the_sequence(long start, int length)
    {
        float[] floats = new float[length];
        double[] doubles = new double[length];
        float[] normalFloats = new float[length];
        double[] normals = new double[length];
        s_key.Uniform(floats, start);
        s_key.Uniform(doubles, start);
        s_key.Normal(normalFloats, start);
        s_key.Normal(normals, start);

        float[] oneFloat = new float[1];
        double[] oneDouble = new double[1];
        for (int k = 0; k < length; k++)
        {
            s_key.Uniform(oneFloat, start + k);
            Assert.Equal(oneFloat[0], floats[k]);
            Assert.Equal(s_key.UniformAt(start + k), doubles[k]);
            s_key.Normal(oneFloat, start + k);
            Assert.Equal(oneFloat[0], normalFloats[k]);
            s_key.Normal(oneDouble, start + k);
            Assert.Equal(oneDouble[0], normals[k]);
            Assert.Equal((float)normals[k], normalFloats[k]);
        }
    }

    [Fact]
    public void Threads_that_fill_chunks_give_the_bits_of_one_thread()
    {
        double[] whole = new double[100_001];
        s_key.Normal(whole);
        double[] chunks = new double[whole.Length];
        Parallel.For(0, 103, chunk =>
        {
            int begin = chunk * 971;
            int end = Math.Min(begin + 971, chunks.Length);
            s_key.Normal(chunks.AsSpan(begin, end - begin), begin);
        });
        Assert.Equal(whole, chunks);
    }

    [Fact]
    public void Uniform_numbers_lie_in_the_unit_interval_with_the_right_moments()
    {
        float[] floats = new float[Draws];
        s_key.Uniform(floats);
        double[] doubles = new double[Draws];
        s_key.Uniform(doubles);

        Assert.All([floats.Min(), floats.Max()], v => Assert.InRange(v, 0f, MathF.BitDecrement(1f)));
        Assert.All([doubles.Min(), doubles.Max()], v => Assert.InRange(v, 0.0, Math.BitDecrement(1.0)));

        // Five standard errors: sd of the mean √(1/12n), sd of the variance √(1/180n).
        foreach (double[] x in new[] { doubles, Array.ConvertAll(floats, f => (double)f) })
        {
            (double mean, double variance) = Moments(x);
            Assert.InRange(mean, 0.5 - (5 * Math.Sqrt(1.0 / 12 / Draws)), 0.5 + (5 * Math.Sqrt(1.0 / 12 / Draws)));
            double width = 5 * Math.Sqrt(1.0 / 180 / Draws);
            Assert.InRange(variance, (1.0 / 12) - width, (1.0 / 12) + width);
        }
    }

    [Fact]
    public void Uniform_numbers_pass_chi_square_over_256_cells()
    {
        float[] floats = new float[Draws];
        s_key.Uniform(floats);
        AssertChiSquare(floats.Select(f => (int)(f * 256)), 256, Draws);
    }

    [Fact]
    public void Normal_numbers_have_the_right_moments_and_tails()
    {
        double[] x = new double[Draws];
        s_key.Normal(x);
        (double mean, double variance) = Moments(x);

        // Five standard errors: 1/√n, √(2/n), √(15/n) for x³, √(96/n) for x⁴.
        Assert.InRange(mean, -5 / Math.Sqrt(Draws), 5 / Math.Sqrt(Draws));
        Assert.InRange(variance, 1 - (5 * Math.Sqrt(2.0 / Draws)), 1 + (5 * Math.Sqrt(2.0 / Draws)));
        Assert.InRange(x.Average(v => v * v * v), -5 * Math.Sqrt(15.0 / Draws), 5 * Math.Sqrt(15.0 / Draws));
        Assert.InRange(x.Average(v => v * v * v * v) - 3, -5 * Math.Sqrt(96.0 / Draws), 5 * Math.Sqrt(96.0 / Draws));

        // P(|x| > 1.959964) = 0.05; five binomial standard errors.
        double tail = x.Count(v => Math.Abs(v) > 1.959964) / (double)Draws;
        double width = 5 * Math.Sqrt(0.05 * 0.95 / Draws);
        Assert.InRange(tail, 0.05 - width, 0.05 + width);
    }

    [Fact]
    public void Sibling_parent_and_neighbour_streams_are_uncorrelated()
    {
        RandomKey[] keys =
        [
            s_key, s_key.Split("a"), s_key.Split("b"), s_key.Split(0), s_key.Split(1), s_key.Split("a").Split(0),
            RandomKey.FromSeed(20260102),
        ];
        double[][] streams = Array.ConvertAll(keys, key =>
        {
            double[] x = new double[1 << 16];
            key.Normal(x);
            return x;
        });

        for (int a = 0; a < streams.Length; a++)
        {
            // Lag 1 and 2 of the stream itself, then every other stream: sd of a correlation is 1/√n.
            Assert.InRange(Correlation(streams[a].AsSpan(1), streams[a].AsSpan(..^1)), -5.0 / 256, 5.0 / 256);
            Assert.InRange(Correlation(streams[a].AsSpan(2), streams[a].AsSpan(..^2)), -5.0 / 256, 5.0 / 256);
            for (int b = 0; b < a; b++)
                Assert.InRange(Correlation(streams[a], streams[b]), -5.0 / 256, 5.0 / 256);
        }
    }

    [Fact]
    public void Kinds_of_draw_under_one_key_are_uncorrelated()
    {
        const int n = 1 << 16;
        double[] uniform = new double[n];
        s_key.Uniform(uniform);
        float[] narrow = new float[n];
        s_key.Uniform(narrow);
        double[] normal = new double[n];
        s_key.Normal(normal);
        double[][] kinds =
        [
            uniform,
            Array.ConvertAll(narrow, v => (double)v),
            normal,
            [.. Enumerable.Range(0, n).Select(i => (double)s_key.Below(1 << 30, i))],
            [.. s_key.Permutation(n).Select(v => (double)v)],
        ];
        for (int a = 0; a < kinds.Length; a++)
        {
            for (int b = 0; b < a; b++)
                Assert.InRange(Correlation(kinds[a], kinds[b]), -5.0 / 256, 5.0 / 256);
        }
    }

    [Fact]
    public void Splits_give_distinct_keys()
    {
        HashSet<ulong> seen = [s_key.Value];
        for (ulong k = 0; k < 50_000; k++)
            Assert.True(seen.Add(s_key.Split(k).Value));
        for (ulong k = 0; k < 50_000; k++)
            Assert.True(seen.Add(RandomKey.FromSeed(k).Value));
        string[] names =
        [
            "a", "b", "ab", "ba", "a\0", "\0a", "abcdefgh", "abcdefgh\0", "abcdefghi", "bcdefgha", "é", "e", "0",
        ];
        Assert.All(names, name => Assert.True(seen.Add(s_key.Split(name).Value), name));
        Assert.True(seen.Add(s_key.Split("a").Split("b").Value));
        Assert.True(seen.Add(s_key.Split("b").Split("a").Value));
    }

    [Fact]
    public void Every_bit_of_the_seed_changes_about_half_of_the_key()
    {
        int flipped = 0;
        for (int bit = 0; bit < 64; bit++)
        {
            flipped += System.Numerics.BitOperations.PopCount(
                RandomKey.FromSeed(99).Value ^ RandomKey.FromSeed(99 ^ (1UL << bit)).Value);
        }

        // 4,096 fair coins: mean 2,048, sd 32; five of them.
        Assert.InRange(flipped, 2048 - 160, 2048 + 160);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(1000)]
    public void Below_stays_below_and_passes_chi_square(int bound)
    {
        int[] values = [.. Enumerable.Range(0, 100_000).Select(i => s_key.Below(bound, i))];
        Assert.InRange(values.Min(), 0, bound - 1);
        Assert.InRange(values.Max(), 0, bound - 1);
        AssertChiSquare(values, bound, values.Length);
    }

    [Fact]
    public void Below_reaches_both_ends_of_the_largest_bound()
    {
        int[] values = [.. Enumerable.Range(0, 100_000).Select(i => s_key.Below(int.MaxValue, i))];

        // P(no value in the outer thousandth) = 0.999^100000 ≈ 10⁻⁴³.
        Assert.InRange(values.Min(), 0, int.MaxValue / 1000);
        Assert.InRange(values.Max(), int.MaxValue - (int.MaxValue / 1000), int.MaxValue - 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public void A_permutation_holds_every_index_once(int n)
    {
        int[] order = s_key.Permutation(n);
        Assert.Equal(order, s_key.Permutation(n));
        Array.Sort(order);
        Assert.Equal(Enumerable.Range(0, n), order);
    }

    [Fact]
    public void All_24_orders_of_four_items_are_equally_frequent()
    {
        const int n = 48_000;
        Dictionary<int, int> cells = [];
        List<int> draws = new(n);
        for (ulong k = 0; k < n; k++)
        {
            int[] p = s_key.Split(k).Permutation(4);
            int code = (p[0] * 64) + (p[1] * 16) + (p[2] * 4) + p[3];
            if (!cells.TryGetValue(code, out int cell))
                cells[code] = cell = cells.Count;
            draws.Add(cell);
        }

        Assert.Equal(24, cells.Count);
        AssertChiSquare(draws, 24, n);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => s_key.Below(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_key.Below(10, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_key.UniformAt(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_key.Permutation(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_key.Normal(new float[2], long.MaxValue - 1));
        Assert.Throws<ArgumentException>(() => s_key.Split(""));
        Assert.Throws<ArgumentException>(() => s_key.Split("a\ud800"));
    }

    private static (double Mean, double Variance) Moments(double[] x)
    {
        double mean = x.Average();
        return (mean, x.Average(v => (v - mean) * (v - mean)));
    }

    private static double Correlation(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double meanX = 0, meanY = 0, xx = 0, yy = 0, xy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            meanX += x[i] / x.Length;
            meanY += y[i] / x.Length;
        }

        for (int i = 0; i < x.Length; i++)
        {
            xx += (x[i] - meanX) * (x[i] - meanX);
            yy += (y[i] - meanY) * (y[i] - meanY);
            xy += (x[i] - meanX) * (y[i] - meanY);
        }

        return xy / Math.Sqrt(xx * yy);
    }

    // Chi-square with k − 1 degrees of freedom has mean k − 1 and sd √(2(k − 1)); five sd above and below.
    private static void AssertChiSquare(IEnumerable<int> draws, int cells, int count)
    {
        int[] seen = new int[cells];
        foreach (int draw in draws)
            seen[draw]++;
        double expected = (double)count / cells;
        double chi = seen.Sum(s => (s - expected) * (s - expected) / expected);
        double width = 5 * Math.Sqrt(2.0 * (cells - 1));
        Assert.InRange(chi, Math.Max(0, cells - 1 - width), cells - 1 + width);
    }
}
