using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;
using SkiaSharp;

namespace InfMatch.Tests.Distill;

public sealed class ComparisonPictureTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 5)]
    public void Every_pixel_is_where_its_image_belongs(int channels, int perClass)
    {
        const int Classes = 3, Height = 8, Width = 6;
        var image = new Shape(channels, Height, Width);
        byte[][] sets = [.. Enumerable.Range(0, 2).Select(s =>
            (byte[])[.. Enumerable.Range(0, Classes * perClass * image.Count).Select(i => (byte)(i * (7 + 2 * s) + 3))])];
        string path = Path.Combine(_run.Folder, "picture.png");
        ComparisonPicture.Write(path, [new("real", sets[0]), new("distilled", sets[1])], image, ["a", "b", "c"]);
        using SKBitmap picture = SKBitmap.Decode(path);
        int scale = ComparisonPicture.ScaleOf(Height), plane = Height * Width, rows = Math.Min(perClass, ComparisonPicture.MostPerClass);
        for (int n = 0; n < 2 * Classes * rows; n++)
        {
            (int set, int row, int label) = (n / (Classes * rows), n / Classes % rows, n % Classes);
            (int left, int top) = ComparisonPicture.PositionOf(set, row, label, perClass, (Height, Width));
            for (int p = 0; p < plane; p++)
            {
                byte Channel(int c) => sets[set][((label * perClass + row) * channels + (channels == 3 ? c : 0)) * plane + p];
                SKColor expected = new(Channel(0), Channel(1), Channel(2));
                Assert.Equal(expected, picture.GetPixel(left + p % Width * scale, top + p / Width * scale));
                Assert.Equal(expected, picture.GetPixel(left + p % Width * scale + scale - 1, top + p / Width * scale + scale - 1));
            }
        }
    }

    [Fact]
    public void The_command_draws_the_real_images_of_the_first_network_above_the_set()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun()));
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors"), path = Path.Combine(_run.Folder, "out.png");
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "picture", set, "--out", path));
        Assert.Contains(path, _run.Output, StringComparison.Ordinal);
        using SKBitmap picture = SKBitmap.Decode(path);
        var pair = CommandRun.TinyData();
        RandomKey key = RandomKey.FromSeed(0).Split("real").Split("random").Split(0);
        SyntheticArtifact artifact = SyntheticArtifact.Read(set);
        byte[] distilled = new PixelView(artifact).InOwnRange();
        int side = CommandRun.Side, scale = ComparisonPicture.ScaleOf(side);
        for (int label = 0; label < artifact.Classes; label++)
        {
            int drawn = pair.Train.IndicesOfClass(label)[key.Split((ulong)label).Permutation(CommandRun.TrainPerClass).First()];
            for (int p = 0; p < side * side; p++)
            {
                (int x, int y) = ComparisonPicture.PositionOf(0, 0, label, 2, (side, side));
                Assert.Equal(pair.Train.Image(drawn)[p], picture.GetPixel(x + p % side * scale, y + p / side * scale).Red);
                (x, y) = ComparisonPicture.PositionOf(1, 1, label, 2, (side, side));
                Assert.Equal(
                    distilled[(2 * label + 1) * side * side + p], picture.GetPixel(x + p % side * scale, y + p / side * scale).Red);
            }
        }
    }

    [Fact]
    public void An_image_that_reaches_beyond_the_pixels_is_shown_within_its_own_range()
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(ArtifactSample.Write(_run.Folder));
        byte[] shown = new PixelView(artifact).InOwnRange();
        Standardisation s = artifact.Standardisation;
        double[] exact = [.. artifact.Images.AsFloat32().ToArray().Select(v => ((double)v * s.Std[0] + s.Mean[0]) * 255)];
        int size = artifact.Image.Count;
        for (int image = 0; image < artifact.Count; image++)
        {
            (double Exact, byte Shown)[] pairs = [.. exact.Zip(shown).Skip(image * size).Take(size).OrderBy(p => p.First)];
            Assert.True(pairs.Zip(pairs.Skip(1)).All(p => p.First.Shown <= p.Second.Shown));
            bool isWithin = pairs[size / 50].Exact >= 0 && pairs[size - 1 - size / 50].Exact <= 255;
            if (isWithin)
                Assert.All(pairs, p => Assert.Equal(Math.Round(Math.Clamp(p.Exact, 0, 255)), p.Shown));
            else
                Assert.Contains(pairs, p => p.Exact is < -1 or > 256 && p.Shown is > 0 and < 255);
        }
    }

    [Fact]
    public void A_set_outside_of_its_run_is_refused()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun()));
        string copy = Path.Combine(_run.Folder, "copy.safetensors");
        File.Copy(Path.Combine(_run.RunPath, "synthetic", "ipc1.safetensors"), copy);
        Assert.Equal((int)ExitCode.Data, _run.RunAsGiven(Interruption.Silent(), "picture", copy));
        Assert.Contains("stands in no folder of a run", _run.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.ChangeExtension(copy, ".png")));
    }
}
