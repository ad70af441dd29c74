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
            string[][] labels = [.. Enumerable.Range(0, Classes * PerClass).Select(i => (string[])[$"{i} % a", "b"])];
            var drawn = new ImageGrid(pixels, channels, Height, Width, ["a", "b", "c"])
            {
                Title = "a title that is longer than the grid is wide, so that it takes several lines", Note = "a note", Labels = labels,
            };
            ImageGrid.Write(path, drawn);
            using SKBitmap grid = SKBitmap.Decode(path);
            int scale = drawn.Scale, plane = Height * Width;
            Assert.InRange(scale * Height, 84, 112);
            for (int n = 0; n < Classes * PerClass; n++)
            {
                (int left, int top) = drawn.PositionOf(n / PerClass, n % PerClass);
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
    public void Grids_stand_beside_each_other_and_classes_of_one_image_make_no_strip()
    {
        byte[] pixels = [.. Enumerable.Range(0, 10 * 28 * 28).Select(i => (byte)(i % 251))];
        var one = new ImageGrid(pixels, 1, 28, 28, [.. Enumerable.Range(0, 10).Select(c => $"class {c}")]);
        string path = Path.Combine(Path.GetTempPath(), $"infmatch-{Guid.NewGuid():N}.png");
        try
        {
            ImageGrid.Write(path, one);
            (int width, int height) = SizeOf(path);
            Assert.InRange((double)width / height, 1, 5);
            ImageGrid.Write(path, one, one);
            Assert.InRange(SizeOf(path).Width, 2 * width + 1, 2 * width + 100);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static (int Width, int Height) SizeOf(string path)
    {
        using SKBitmap bitmap = SKBitmap.Decode(path);
        return (bitmap.Width, bitmap.Height);
    }

    [Fact]
    public void A_line_of_eighty_columns_has_the_loss_the_steps_the_speed_in_images_and_the_time_left()
    {
        var state = new StageState(
            "IPC 10: distilling", "J 0.84 to 0.63", 120, 200, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(7))
        {
            ImagesPerUnit = 100,
        };
        Assert.Equal("IPC 10: distilling; J 0.84 to 0.63; 120/200; 1200 images/s; 0:07 left", ProgressLine.Text(state, 80));
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
    public void What_an_earlier_sitting_did_counts_to_the_total_and_not_to_the_speed()
    {
        var clock = new ManualClock();
        var lines = new List<string>();
        using (var progress = new PlainProgress(lines.Add, clock, TimeSpan.FromSeconds(5)))
        {
            using IProgressStage stage = progress.Begin("S", 100, imagesPerUnit: 4, done: 80);
            for (int done = 81; done <= 100; done++)
            {
                clock.Pass(TimeSpan.FromSeconds(1));
                stage.Report(done);
            }
        }
        Assert.Equal("S: 85/100 (85 %) in 5 s, about 15 s left, 4 images/s", lines[0]);
        var state = new StageState("S", null, 90, 100, TimeSpan.FromSeconds(20), null) { Before = 80 };
        Assert.Equal("S; 90/100; 2.0 s each; 0:20", ProgressLine.Text(state, 80));
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
