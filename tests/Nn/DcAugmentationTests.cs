using System.Text.Json;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Golden;
using Drawn = InfMatch.Nn.DcAugmentation.Drawn;
using Move = InfMatch.Nn.DcAugmentation.Move;

namespace InfMatch.Tests.Nn;

/// <summary>DC's augmentation, property by property, against values worked out by hand and against SciPy.</summary>
public sealed class DcAugmentationTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(29);

    private readonly CpuBackend _backend = new(1);

    [Fact]
    public void A_rotation_is_that_of_SciPy_cut_out_of_the_middle()
    {
        foreach (JsonElement rotation in GoldenNumbers.Dc.GetProperty("rotations").EnumerateArray())
        {
            int side = rotation.GetProperty("side").GetInt32(), degrees = rotation.GetProperty("degrees").GetInt32();
            double[] image = [.. Enumerable.Range(0, side * side).Select(i => 37 * i % 101 / 50.0 - 1)];
            double[] found = Apply(image, new Shape(1, 1, side, side), new Drawn(Move.Rotate, degrees, 0));
            double[] expected = rotation.Numbers("pixels");
            Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(7, 0)]
    [InlineData(3, 7)]
    [InlineData(4, 4)]
    public void A_crop_is_cut_out_of_a_border_of_four_pixels_with_the_mean_of_the_channel_over_the_batch(int top, int left)
    {
        const int side = 6, plane = side * side;
        var shape = new Shape(2, 2, side, side);
        double[] x = Normal(shape.Count);
        double[] y = Apply(x, shape, new Drawn(Move.Crop, top, left), new Drawn(Move.Crop, 4, 4));
        double[] means = [.. Enumerable.Range(0, 2).Select(c =>
            (x[(c * plane)..((c + 1) * plane)].Sum() + x[((2 + c) * plane)..((3 + c) * plane)].Sum()) / (2 * plane))];
        for (int c = 0; c < 2; c++)
        {
            var padded = new double[side + 8, side + 8];
            for (int h = 0; h < side + 8; h++)
            {
                for (int w = 0; w < side + 8; w++)
                    padded[h, w] = means[c];
            }
            for (int p = 0; p < plane; p++)
                padded[p / side + 4, p % side + 4] = x[c * plane + p];
            for (int p = 0; p < plane; p++)
                Assert.Equal(padded[p / side + top, p % side + left], y[c * plane + p], 1e-15);
        }
        Assert.Equal(x[(2 * plane)..], y[(2 * plane)..]);
    }

    [Fact]
    public void A_scaled_image_takes_the_nearest_pixels_and_lies_in_the_middle_of_zeros()
    {
        const int side = 8;
        double[] x = [.. Enumerable.Range(0, side * side).Select(p => 10.0 * (p / side + 1) + p % side + 1)];
        double[] y = Apply(x, new Shape(1, 1, side, side), new Drawn(Move.Scale, 6, 9));
        // ⌊8/6·i⌋ of six rows, one empty row above and below; ⌊8/9·j⌋ of nine columns, of which the last is cut off.
        int?[] rows = [null, 0, 1, 2, 4, 5, 6, null];
        int[] columns = [0, 0, 1, 2, 3, 4, 5, 6];
        for (int p = 0; p < y.Length; p++)
        {
            double expected = rows[p / side] is { } row ? x[row * side + columns[p % side]] : 0;
            Assert.Equal(expected, y[p]);
        }
        // Both larger, by two: one pixel is cut off at each end.
        y = Apply(x, new Shape(1, 1, side, side), new Drawn(Move.Scale, 10, 10));
        int[] larger = [0, 1, 2, 3, 4, 4, 5, 6]; // ⌊0.8·i⌋ for i = 1 … 8
        for (int p = 0; p < y.Length; p++)
            Assert.Equal(x[larger[p / side] * side + larger[p % side]], y[p]);
    }

    [Fact]
    public void Outside_a_turned_image_is_the_mean_of_the_means_of_the_channels()
    {
        double[] x = [.. Enumerable.Repeat(1.0, 64), .. Enumerable.Repeat(4.0, 64)];
        double[] y = Apply(x, new Shape(1, 2, 8, 8), new Drawn(Move.Rotate, 40, 0));
        Assert.Equal(2.5, y[0], 1e-12);
        Assert.Equal(2.5, y[64], 1e-12);
        Assert.Equal(1, y[3 * 8 + 4], 1e-12);
        Assert.Equal(4, y[64 + 3 * 8 + 4], 1e-12);
    }

    [Fact]
    public void Moves_and_their_numbers_are_drawn_evenly_from_the_ranges_of_the_code()
    {
        const int n = 9000, side = 28;
        Drawn[] drawn = DcAugmentation.Draw(n, side, s_key, siamese: false);
        foreach (Move move in Enum.GetValues<Move>())
            Assert.InRange(drawn.Count(d => d.Move == move), n / 3 - 150, n / 3 + 150);
        int[] Distinct(Move move, Func<Drawn, int> number) =>
            [.. drawn.Where(d => d.Move == move).Select(number).Distinct().Order()];
        Assert.Equal(Enumerable.Range(0, 8), Distinct(Move.Crop, d => d.A));
        Assert.Equal(Enumerable.Range(0, 8), Distinct(Move.Crop, d => d.B));
        Assert.Equal(Enumerable.Range(22, 12), Distinct(Move.Scale, d => d.A)); // 22.4 … 33.6, rounded down
        Assert.Equal(Enumerable.Range(22, 12), Distinct(Move.Scale, d => d.B));
        Assert.Equal(Enumerable.Range(-45, 90), Distinct(Move.Rotate, d => d.A));
        // 22 takes 0.6 and 33 takes 0.6 of the 11.2 that the range is long; the others 1.
        double Share(int size) => (double)drawn.Count(d => d.Move == Move.Scale && d.A == size) / drawn.Count(d => d.Move == Move.Scale);
        Assert.InRange(Share(22), 0.6 / 11.2 - 0.015, 0.6 / 11.2 + 0.015);
        Assert.InRange(Share(28), 1 / 11.2 - 0.02, 1 / 11.2 + 0.02);
        Assert.Single(DcAugmentation.Draw(50, side, s_key, siamese: true).Distinct());
        Assert.Equal(drawn[0], DcAugmentation.Draw(50, side, s_key, siamese: true)[7]);
    }

    [Fact]
    public void Each_image_of_a_batch_has_its_own_move_and_it_is_linear_with_an_exact_gradient()
    {
        var shape = new Shape(12, 2, 8, 8);
        double[] a = Normal(shape.Count, "a"), b = Normal(shape.Count, "b"), u = Normal(shape.Count, "u");
        double[] Batch(double[] x) => Augmentation.Dc.Apply(Constant(x, shape), s_key, siamese: false).Value.ToArray<double>();
        double[] fa = Batch(a), fb = Batch(b), mixed = Batch([.. a.Zip(b, (p, q) => 0.3 * p + 0.7 * q)]);
        for (int i = 0; i < mixed.Length; i++)
            Assert.Equal(0.3 * fa[i] + 0.7 * fb[i], mixed[i], 1e-12);
        Drawn[] drawn = DcAugmentation.Draw(12, 8, s_key, siamese: false);
        Assert.Equal(3, drawn.Select(d => d.Move).Distinct().Count());
        Assert.Equal(DcAugmentation.Apply(Constant(a, shape), drawn).Value.ToArray<double>(), fa);
        Variable leaf = Variable.Leaf(Tensor.From<double>(_backend, a, shape));
        double[] gradient = Gradient.Of(Augmentation.Dc.Apply(leaf, s_key, siamese: false), leaf, Constant(u, shape))
            .Value.ToArray<double>();
        double along = gradient.Zip(b.Zip(a, (q, p) => q - p), (g, d) => g * d).Sum();
        double change = u.Zip(fb.Zip(fa, (q, p) => q - p), (g, d) => g * d).Sum();
        Assert.True(Math.Abs(change) > 1e-3);
        Assert.Equal(change, along, 1e-10);
    }

    [Fact]
    public void Images_that_are_not_square_are_refused_and_the_name_tells_it_from_geometric()
    {
        ShapeException e = Assert.Throws<ShapeException>(() =>
            Augmentation.Dc.Apply(Constant(Normal(24), new Shape(1, 1, 4, 6)), s_key, siamese: false));
        Assert.Contains("takes square images, got [1, 1, 4, 6]", e.Message, StringComparison.Ordinal);
        Assert.Equal("crop, scale or rotation by DC's code, one for each image", Augmentation.Dc.ToString());
        Assert.NotEqual(Augmentation.Geometric, Augmentation.Dc);
    }

    private double[] Apply(double[] x, Shape shape, params Drawn[] drawn)
    {
        using var scope = TensorScope.Begin();
        return DcAugmentation.Apply(Constant(x, shape), drawn).Value.ToArray<double>();
    }

    private Variable Constant(double[] x, Shape shape) => Variable.Constant(Tensor.From<double>(_backend, x, shape));

    private static double[] Normal(int count, string stream = "x")
    {
        var values = new double[count];
        s_key.Split(stream).Normal(values);
        return values;
    }
}
