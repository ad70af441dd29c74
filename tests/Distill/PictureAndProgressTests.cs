using InfMatch.Distill;
using SkiaSharp;

namespace InfMatch.Tests.Distill;

public sealed class PictureAndProgressTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Every_pixel_of_a_grid_is_where_its_image_belongs(int channels)
    {
        const int Classes = 3, PerClass = 2, Height = 8, Width = 6;
        byte[] pixels = [.. Enumerable.Range(0, Classes * PerClass * channels * Height * Width).Select(i => (byte)(i * 7 + 3))];
        string path = Path.Combine(Path.GetTempPath(), $"infmatch-{Guid.NewGuid():N}.png");
        try
        {
            ImageGrid.Write(path, pixels, channels, Height, Width, ["a", "b", "c"]);
            using SKBitmap grid = SKBitmap.Decode(path);
            int scale = ImageGrid.ScaleOf(Height), plane = Height * Width;
            for (int n = 0; n < Classes * PerClass; n++)
            {
                (int left, int top) = ImageGrid.PositionOf(n / PerClass, n % PerClass, Height, Width);
                for (int p = 0; p < plane; p++)
                {
                    byte Channel(int c) => pixels[(n * channels + (channels == 3 ? c : 0)) * plane + p];
                    SKColor expected = new(Channel(0), Channel(1), Channel(2));
                    Assert.Equal(expected, grid.GetPixel(left + p % Width * scale, top + p / Width * scale));
                    Assert.Equal(expected, grid.GetPixel(left + p % Width * scale + scale - 1, top + p / Width * scale + scale - 1));
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Plain_progress_writes_a_line_an_interval_and_one_at_the_end()
    {
        var clock = new ManualClock();
        var lines = new List<string>();
        using (var progress = new PlainProgress(lines.Add, clock, TimeSpan.FromSeconds(5)))
        {
            using IProgressStage stage = progress.Begin("IPC 1: distilling", 100);
            for (int done = 1; done <= 100; done++)
            {
                clock.Pass(TimeSpan.FromSeconds(0.5));
                stage.Report(done, $"J {done}");
            }
        }
        Assert.Equal(10, lines.Count);
        Assert.Equal("IPC 1: distilling: 10/100 (10 %) in 5 s, about 45 s left; J 10", lines[0]);
        Assert.Equal("IPC 1: distilling: done in 50 s; J 100", lines[^1]);
    }

    [Fact]
    public void A_stage_that_is_cut_short_says_where()
    {
        var lines = new List<string>();
        using (var progress = new PlainProgress(lines.Add, new ManualClock(), TimeSpan.FromSeconds(5)))
        {
            using IProgressStage stage = progress.Begin("Experts", 100);
            stage.Report(40);
        }
        Assert.Equal(["Experts: stopped at 40/100 in 0 s"], lines);
    }

    [Theory]
    [InlineData(59, "59 s")]
    [InlineData(65, "1 min 05 s")]
    [InlineData(7620, "2 h 07 min")]
    public void Times_are_readable(int seconds, string text) => Assert.Equal(text, Durations.Text(TimeSpan.FromSeconds(seconds)));
}
