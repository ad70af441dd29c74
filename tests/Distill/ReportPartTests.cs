using System.Xml.Linq;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>What pages are made of.</summary>
public sealed class ReportPartTests
{
    private static readonly RandomKey s_key = RandomKey.FromSeed(3);

    [Fact]
    public void As_many_random_real_images_cover_one_half()
    {
        var real = new ClassEmbedding(Cloud("real", 150, 1), s_key);
        foreach (int count in (int[])[1, 5, 20])
        {
            double mean = Enumerable.Range(0, 30).Average(draw => real.Coverage(Cloud($"draw {count} {draw}", count, 1)));
            Assert.InRange(mean, 0.35, 0.65);
        }
    }

    [Fact]
    public void Images_at_the_middle_far_outside_and_among_the_real_ones_are_told_apart()
    {
        float[][] cloud = Cloud("real", 150, 1);
        var real = new ClassEmbedding(cloud, s_key);
        float[] middle = [.. Enumerable.Range(0, cloud[0].Length).Select(f => cloud.Average(image => image[f]))];
        PlacedImages inside = real.Place([middle, middle, middle]), outside = real.Place(Cloud("out", 3, 50));
        Assert.Equal(0, inside.Distance);
        Assert.Equal(1, outside.Distance);
        Assert.Equal(0, outside.Coverage);
        Assert.True(real.Place(cloud[..40]).Coverage > real.Place(cloud[..5]).Coverage * 0.5);
        Assert.InRange(real.Place(cloud).Distance, 0.45, 0.55);
    }

    [Fact]
    public void Images_in_a_plane_keep_their_distances_in_the_drawing()
    {
        // Two directions of 12 features, the first of the larger spread.
        float[] along = [.. Enumerable.Range(0, 12).Select(f => f % 2 == 0 ? 1f : 0)], across = [.. along.Select(v => 1 - v)];
        float[][] flat = [.. Cloud("flat", 60, 1).Select(c => along.Select((v, f) => (float)(3 * c[0] * v + c[1] * across[f] + 7)).ToArray())];
        var real = new ClassEmbedding(flat, s_key);
        Assert.Equal(1, real.Explained, 4);
        double[] plane = real.Plane();
        for (int i = 1; i < flat.Length; i++)
        {
            double drawn = Math.Sqrt(Math.Pow(plane[2 * i] - plane[0], 2) + Math.Pow(plane[2 * i + 1] - plane[1], 2));
            double exact = Math.Sqrt(flat[i].Zip(flat[0], (a, b) => (double)(a - b) * (a - b)).Sum());
            Assert.Equal(exact, drawn, 2);
        }
        double Spread(int axis) => plane.Where((_, i) => i % 2 == axis).Select(v => v * v).Average();
        Assert.True(Spread(0) > Spread(1));
        Assert.Equal(plane, new ClassEmbedding(flat, s_key).Plane());
    }

    [Theory]
    [InlineData(1, 28, 28, 3)]
    [InlineData(3, 32, 32, 60)]
    [InlineData(3, 64, 64, 2)]
    public void A_picture_gives_back_the_pixels_that_it_was_drawn_of(int channels, int height, int width, int perClass)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Root, "grid.png");
        string[] classes = ["one", "two"];
        int each = channels * height * width, shown = Math.Min(perClass, ImageGrid.MostPerClass);
        var pixels = new byte[classes.Length * perClass * each];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)s_key.Below(256, i);
        ImageGrid.Write(path, new ImageGrid(pixels, channels, height, width, classes)
        {
            Title = "A title that is long enough to be broken", Note = "A note",
            Labels = [.. Enumerable.Range(0, classes.Length * perClass).Select(_ => (string[])["60 % one", "40 % two"])],
        });
        byte[] read = GridLayout.ReadImages(path, (channels, height, width), classes.Length);
        Assert.Equal([.. pixels[..(shown * each)], .. pixels[(perClass * each)..((perClass + shown) * each)]], read);
        Assert.Throws<DistillException>(() => GridLayout.ReadImages(path, (channels, 4 * height, width), classes.Length));
        Assert.Throws<DistillException>(() => GridLayout.ReadImages(path, (channels, height, width), 500));
        File.WriteAllText(path, "no picture");
        Assert.Throws<DistillException>(() => GridLayout.ReadImages(path, (channels, height, width), classes.Length));
    }

    [Theory]
    [InlineData(0, 1, 6)]
    [InlineData(0.42, 0.87, 6)]
    [InlineData(-3, 1e6, 6)]
    [InlineData(5, 5, 2)]
    public void The_marks_of_an_axis_are_few_round_and_span_the_values(double low, double high, int least)
    {
        var scale = Scale.Of(low, high, 10, 110);
        Assert.InRange(scale.Ticks.Count, least, 12);
        Assert.True(scale.Low <= low && scale.High >= high);
        Assert.Equal(10, scale.At(scale.Low), 6);
        Assert.Equal(110, scale.At(scale.High), 6);
        Assert.Equal(scale.Ticks.Order(), scale.Ticks);
    }

    [Fact]
    public void A_curve_of_many_steps_is_drawn_of_few_points_that_keep_its_mean_and_range()
    {
        (int, double)[] steps = [.. Enumerable.Range(0, 100_000).Select(i => (i, i % 2 == 0 ? 1.0 : 3.0))];
        ChartSeries drawn = Assert.Single(ChartSeries.OfSteps("loss", "loss", steps));
        Assert.InRange(drawn.Points.Count, 50, 200);
        Assert.All(drawn.Points, p => Assert.Equal(2, p.Y, 2));
        Assert.All(drawn.Band, b => Assert.Equal((1, 3), (b.Low, b.High)));
        Assert.InRange(new LineChart("loss", "steps", [drawn]).ToFigure().ToString().Length, 500, 40_000);
    }

    [Fact]
    public void Text_and_attributes_are_encoded_and_only_empty_elements_of_html_close_themselves()
    {
        string text = Html.Write(Html.Of(
            "html", Html.Of("p", Html.At("title", "\"<&>"), "<b> & \u0000\u001b"), Html.Of("div"), Html.Of("br"),
            Html.Raw("script", "if (1 < 2 && 3 > 2) { }")));
        Assert.Contains("<p title=\"&quot;&lt;&amp;&gt;\">&lt;b&gt; &amp; \\u0000\\u001b</p><div></div><br />", text, StringComparison.Ordinal);
        Assert.Contains("if (1 < 2 && 3 > 2) { }", text, StringComparison.Ordinal);
        Assert.Equal(4, XDocument.Parse(text).Root!.Elements().Count());
    }

    // Normal numbers around the origin, or far from it.
    private static float[][] Cloud(string name, int count, float spread)
    {
        var values = new float[count * 12];
        s_key.Split(name).Normal(values);
        return [.. values.Chunk(12).Select(image => image.Select((v, f) => spread * v * (f == 0 ? 2 : 1)).ToArray())];
    }
}
