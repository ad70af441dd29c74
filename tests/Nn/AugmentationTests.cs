using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Nn;

public sealed class AugmentationTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(11);

    private readonly CpuBackend _backend = new(1);

    private static readonly AugmentationOps[] s_singles =
    [
        AugmentationOps.Color, AugmentationOps.Crop, AugmentationOps.Cutout, AugmentationOps.Flip,
        AugmentationOps.Scale, AugmentationOps.Rotate,
    ];

    public static TheoryData<AugmentationOps> Singles() => [.. s_singles];

    [Theory, MemberData(nameof(Singles))]
    public void The_same_key_gives_the_same_images_and_other_keys_others(AugmentationOps op)
    {
        double[] x = Normal(3 * 3 * 8 * 8);
        var shape = new Shape(3, 3, 8, 8);
        Assert.Equal(Apply(op, x, shape, s_key, false), Apply(op, x, shape, s_key, false));
        int others = Enumerable.Range(0, 20)
            .Select(i => string.Join(' ', Apply(op, x, shape, s_key.Split((ulong)i), false)))
            .Distinct(StringComparer.Ordinal).Count();
        Assert.InRange(others, 5, 20);
    }

    [Theory, MemberData(nameof(Singles))]
    public void Siamese_treats_all_images_alike_and_otherwise_each_has_its_own_numbers(AugmentationOps op)
    {
        double[] one = Normal(2 * 8 * 8);
        double[] x = [.. Enumerable.Repeat(one, 12).SelectMany(v => v)];
        var shape = new Shape(12, 2, 8, 8);
        double[] siamese = Apply(op, x, shape, s_key, true), own = Apply(op, x, shape, s_key, false);
        Assert.All(Enumerable.Range(0, 12), i => Assert.Equal(Image(siamese, i, 128), Image(siamese, 0, 128)));
        Assert.Contains(Enumerable.Range(0, 12), i => !Image(own, i, 128).SequenceEqual(Image(own, 0, 128)));
        Assert.Equal(Image(siamese, 0, 128), Image(own, 0, 128));
    }

    [Fact]
    public void Of_each_image_draws_its_own_operation_unless_siamese()
    {
        const int n = 60;
        double[] one = Normal(64);
        Variable x = Variable.Constant(Tensor.From<double>(
            _backend, [.. Enumerable.Repeat(one, n).SelectMany(v => v)], new Shape(n, 1, 8, 8)));
        double[] own = Augmentation.Geometric.Apply(x, s_key, siamese: false).Value.ToArray<double>();
        // A shift keeps the pixels' values; a scaling or a rotation makes new ones.
        int shifted = Enumerable.Range(0, n).Count(i => Image(own, i, 64).All(v => v == 0 || one.Contains(v)));
        Assert.InRange(shifted, n / 6, n / 2);
        double[] siamese = Augmentation.Geometric.Apply(x, s_key, siamese: true).Value.ToArray<double>();
        Assert.All(Enumerable.Range(0, n), i => Assert.Equal(Image(siamese, i, 64), Image(siamese, 0, 64)));
    }

    [Fact]
    public void None_is_the_identity()
    {
        Variable x = Variable.Constant(Tensor.From<double>(_backend, Normal(36), new Shape(1, 1, 6, 6)));
        Assert.Same(x, Augmentation.None.Apply(x, s_key, siamese: true));
    }

    [Fact]
    public void A_flip_mirrors_half_of_the_images_and_twice_it_is_the_identity()
    {
        const int n = 400, width = 5;
        double[] x = Normal(n * width);
        var shape = new Shape(n, 1, 1, width);
        double[] once = Apply(AugmentationOps.Flip, x, shape, s_key, false);
        int flipped = 0;
        for (int i = 0; i < n; i++)
        {
            double[] before = Image(x, i, width), after = Image(once, i, width);
            bool same = before.SequenceEqual(after);
            Assert.True(same || before.Reverse().SequenceEqual(after));
            flipped += same ? 0 : 1;
        }
        Assert.InRange(flipped, 160, 240);
        Assert.Equal(x, Apply(AugmentationOps.Flip, once, shape, s_key, false));
    }

    [Fact]
    public void A_crop_shifts_by_whole_pixels_up_to_an_eighth_and_shifts_zeros_in()
    {
        const int n = 300, height = 16, width = 12;
        double[] x = Normal(n * height * width);
        double[] y = Apply(AugmentationOps.Crop, x, new Shape(n, 1, height, width), s_key, false);
        var seen = new HashSet<(int, int)>();
        for (int i = 0; i < n; i++)
        {
            double[] before = Image(x, i, height * width), after = Image(y, i, height * width);
            (int Dy, int Dx)[] fitting =
            [
                .. from dy in Enumerable.Range(-3, 7)
                   from dx in Enumerable.Range(-3, 7)
                   where Shift(before, height, width, dy, dx).SequenceEqual(after)
                   select (dy, dx),
            ];
            seen.Add(Assert.Single(fitting));
        }
        Assert.All(seen, s => Assert.True(Math.Abs(s.Item1) <= 2 && Math.Abs(s.Item2) <= 2, $"{s}"));
        Assert.Equal(25, seen.Count);
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(7, 10)]
    public void A_cutout_zeroes_one_square_of_half_the_side_cut_at_the_border(int height, int width)
    {
        const int n = 300;
        double[] x = [.. Normal(n * height * width).Select(v => v + (v < 0 ? -1 : 1))];
        double[] y = Apply(AugmentationOps.Cutout, x, new Shape(n, 1, height, width), s_key, false);
        int halfHeight = (height + 1) / 2, halfWidth = (width + 1) / 2, whole = 0;
        for (int i = 0; i < n; i++)
        {
            int[] gone = [.. Enumerable.Range(0, height * width).Where(p => y[i * height * width + p] == 0)];
            Assert.NotEmpty(gone);
            int top = gone.Min(p => p / width), left = gone.Min(p => p % width);
            int rows = gone.Max(p => p / width) - top + 1, columns = gone.Max(p => p % width) - left + 1;
            Assert.Equal(rows * columns, gone.Length);
            Assert.True(rows == halfHeight || (rows < halfHeight && (top == 0 || top + rows == height)));
            Assert.True(columns == halfWidth || (columns < halfWidth && (left == 0 || left + columns == width)));
            whole += rows == halfHeight && columns == halfWidth ? 1 : 0;
            for (int p = 0; p < height * width; p++)
                Assert.True(y[i * height * width + p] == 0 || y[i * height * width + p] == x[i * height * width + p]);
        }
        Assert.InRange(whole, 1, n - 1);
    }

    [Fact]
    public void Color_shifts_the_mean_and_scales_contrast_and_saturation_within_their_bounds()
    {
        const int n = 400, area = 9, size = 3 * area;
        double[] x = Normal(n * size);
        double[] y = Apply(AugmentationOps.Color, x, new Shape(n, 3, 3, 3), s_key, false);
        var brightness = new double[n];
        var contrast = new double[n];
        var saturation = new double[n];
        for (int i = 0; i < n; i++)
        {
            double[] before = Image(x, i, size), after = Image(y, i, size);
            double[] greyBefore = Grey(before, area), greyAfter = Grey(after, area);
            brightness[i] = after.Average() - before.Average();
            contrast[i] = (greyAfter[0] - after.Average()) / (greyBefore[0] - before.Average());
            saturation[i] = (after[0] - greyAfter[0]) / (before[0] - greyBefore[0]) / contrast[i];
            for (int p = 0; p < size; p++)
            {
                double grey = greyBefore[p % area], mean = before.Average();
                double expected = mean + brightness[i]
                    + contrast[i] * (grey - mean + saturation[i] * (before[p] - grey));
                Assert.Equal(expected, after[p], 1e-9);
            }
        }
        AssertUniform(brightness, -0.5, 0.5);
        AssertUniform(contrast, 0.5, 1.5);
        AssertUniform(saturation, 0, 2);
    }

    [Theory]
    [InlineData(AugmentationOps.Scale)]
    [InlineData(AugmentationOps.Rotate)]
    public void Scaling_and_rotation_have_their_bounds(AugmentationOps op)
    {
        // Bilinear sampling of a ramp is exact: the slopes of the result are a row of the transformation.
        const int n = 300, side = 12, area = side * side, middle = 5 * side + 5;
        double[] Slopes(Func<int, int, double> ramp, int i)
        {
            double[] image = [.. Enumerable.Range(0, area).Select(p => ramp(p / side, p % side))];
            double[] x = [.. Enumerable.Repeat(image, n).SelectMany(v => v)];
            double[] y = Apply(op, x, new Shape(n, 1, side, side), s_key, false);
            return [.. Enumerable.Range(0, n).Select(k => y[k * area + middle + i] - y[k * area + middle])];
        }
        double[] xx = Slopes((_, w) => w, 1), xy = Slopes((_, w) => w, side);
        double[] yx = Slopes((h, _) => h, 1), yy = Slopes((h, _) => h, side);
        if (op == AugmentationOps.Scale)
        {
            Assert.All(xy.Concat(yx), v => Assert.Equal(0, v, 1e-12));
            AssertUniform(xx, 1 / 1.2, 1.2);
            AssertUniform(yy, 1 / 1.2, 1.2);
            Assert.Contains(Enumerable.Range(0, n), i => Math.Abs(xx[i] - yy[i]) > 0.1);
            return;
        }
        AssertUniform([.. xx.Zip(yx, (c, s) => Math.Atan2(s, c) * 180 / Math.PI)], -15, 15);
        for (int i = 0; i < n; i++)
        {
            Assert.Equal(1, xx[i] * xx[i] + yx[i] * yx[i], 1e-12);
            Assert.Equal(xx[i], yy[i], 1e-12);
            Assert.Equal(-yx[i], xy[i], 1e-12);
        }
    }

    [Theory]
    [InlineData(AugmentationOps.Photographs, 6)]
    [InlineData(AugmentationOps.Digits, 5)]
    public void Each_operation_is_drawn_equally_often_and_digits_are_never_flipped(AugmentationOps set, int operations)
    {
        const int draws = 600;
        double[] x = Normal(8 * 8 * 8);
        var shape = new Shape(8, 1, 8, 8);
        var drawn = new Dictionary<AugmentationOps, int>();
        for (int i = 0; i < draws; i++)
        {
            RandomKey key = s_key.Split((ulong)i);
            double[] y = Apply(set, x, shape, key, false);
            AugmentationOps op = s_singles
                .First(o => Apply(o, x, shape, key, false).SequenceEqual(y));
            drawn[op] = drawn.GetValueOrDefault(op) + 1;
        }
        Assert.Equal(operations, drawn.Count);
        Assert.Equal(set.HasFlag(AugmentationOps.Flip), drawn.ContainsKey(AugmentationOps.Flip));
        double expected = (double)draws / operations, deviation = Math.Sqrt(expected);
        Assert.All(drawn.Values, count => Assert.InRange(count, expected - 4 * deviation, expected + 4 * deviation));
    }

    [Theory, MemberData(nameof(Singles))]
    public void Every_operation_is_affine_in_the_images_and_its_gradient_is_exact(AugmentationOps op)
    {
        var shape = new Shape(4, 3, 6, 6);
        double[] a = Normal(shape.Count, "a"), b = Normal(shape.Count, "b"), u = Normal(shape.Count, "u");
        foreach (bool siamese in (bool[])[true, false])
        {
            double[] fa = Apply(op, a, shape, s_key, siamese), fb = Apply(op, b, shape, s_key, siamese);
            double[] mixed = Apply(op, [.. a.Zip(b, (p, q) => 0.3 * p + 0.7 * q)], shape, s_key, siamese);
            for (int i = 0; i < mixed.Length; i++)
                Assert.Equal(0.3 * fa[i] + 0.7 * fb[i], mixed[i], 1e-12);

            Variable leaf = Variable.Leaf(Tensor.From<double>(_backend, a, shape));
            Variable result = new Augmentation(op).Apply(leaf, s_key, siamese);
            double[] gradient = Gradient.Of(
                result, leaf, Variable.Constant(Tensor.From<double>(_backend, u, shape))).Value.ToArray<double>();
            double along = gradient.Zip(b.Zip(a, (q, p) => q - p), (g, d) => g * d).Sum();
            double change = u.Zip(fb.Zip(fa, (q, p) => q - p), (g, d) => g * d).Sum();
            Assert.True(Math.Abs(change) > 1e-3);
            Assert.Equal(change, along, 1e-10);
        }
    }

    private double[] Apply(AugmentationOps ops, double[] x, Shape shape, RandomKey key, bool siamese)
    {
        using var scope = TensorScope.Begin();
        Variable images = Variable.Constant(Tensor.From<double>(_backend, x, shape));
        return new Augmentation(ops).Apply(images, key, siamese).Value.ToArray<double>();
    }

    private static double[] Normal(int count, string stream = "x")
    {
        var values = new double[count];
        s_key.Split(stream).Normal(values);
        return values;
    }

    private static double[] Image(double[] x, int i, int size) => x[(i * size)..((i + 1) * size)];

    private static double[] Grey(double[] x, int area) =>
        [.. Enumerable.Range(0, area).Select(p => (x[p] + x[p + area] + x[p + 2 * area]) / 3)];

    private static double[] Shift(double[] x, int height, int width, int dy, int dx) =>
    [
        .. from h in Enumerable.Range(0, height)
           from w in Enumerable.Range(0, width)
           let inside = h + dy >= 0 && h + dy < height && w + dx >= 0 && w + dx < width
           select inside ? x[(h + dy) * width + w + dx] : 0,
    ];

    private static void AssertUniform(double[] values, double low, double high)
    {
        double range = high - low, slack = 1e-9 * range;
        Assert.All(values, v => Assert.InRange(v, low - slack, high + slack));
        Assert.True(values.Max() > high - 0.05 * range && values.Min() < low + 0.05 * range);
        Assert.Equal((low + high) / 2, values.Average(), 4 * range / Math.Sqrt(12.0 * values.Length));
    }
}
