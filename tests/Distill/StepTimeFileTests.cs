using InfMatch.Distill;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>The times that auto compares devices by, kept between starts.</summary>
public sealed class StepTimeFileTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"infmatch-{Guid.NewGuid():N}");
    private int _measured;

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    private string File => Path.Combine(_folder, StepTimeFile.FileName);

    private StepTime Ask(string device, string build = "build 1", string? folder = "") =>
        new StepTimeFile(folder is "" ? _folder : folder, build, _ => new StepTime(++_measured / 8.0, StepTimes.Now)).Of(
            device, () => throw new InvalidOperationException("the fake measures without opening"));

    [Fact]
    public void A_device_is_measured_once_for_a_build()
    {
        Assert.Equal(new StepTime(1 / 8.0, "measured now"), Ask("cuda:0, driver 1"));
        Assert.Equal(new StepTime(1 / 8.0, "measured earlier"), Ask("cuda:0, driver 1"));
        Assert.Equal(2 / 8.0, Ask("cuda:0, driver 2").Seconds);
        Assert.Equal(1 / 8.0, Ask("cuda:0, driver 1").Seconds);
        Assert.Equal(2, _measured);
        Assert.Equal(3 / 8.0, Ask("cuda:0, driver 1", "build 2").Seconds);
        Assert.Equal(4 / 8.0, Ask("cuda:0, driver 1").Seconds); // the file is of build 2 now
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Any_changed_byte_is_measured_again_and_the_line_says_so()
    {
        Ask("cpu, 8 threads");
        byte[] sound = System.IO.File.ReadAllBytes(File);
        for (int i = 0; i < sound.Length; i++)
        {
            if (sound[i] <= ' ')
                continue; // blanks between entries do not count
            byte[] damaged = [.. sound];
            damaged[i] ^= 1;
            System.IO.File.WriteAllBytes(File, damaged);
            int before = _measured;
            StepTime time = Ask("cpu, 8 threads");
            Assert.Equal(before + 1, _measured);
            Assert.StartsWith($"measured now; {File} ", time.How, StringComparison.Ordinal);
            Assert.Equal("measured earlier", Ask("cpu, 8 threads").How);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{ "build": "build 1", "seconds": { "cpu": 0.5 } }""")]
    [InlineData("""{ "build": "build 1", "seconds": { "cpu": -1 } }""")]
    [InlineData("""{ "build": "build 1", "seconds": { "cpu": "1" } }""")]
    public void A_file_that_is_not_ours_is_not_believed(string text)
    {
        Directory.CreateDirectory(_folder);
        System.IO.File.WriteAllText(File, text);
        Assert.Contains(File, Ask("cpu").How, StringComparison.Ordinal);
        Assert.Equal((1, "measured earlier"), (_measured, Ask("cpu").How));
    }

    [Fact]
    public void Without_a_place_every_start_measures_and_says_why()
    {
        Assert.Equal("measured now; not kept, as there is no cache folder", Ask("cpu", folder: null).How);
        System.IO.File.WriteAllText(_folder, "");
        Assert.StartsWith("measured now; not kept: ", Ask("cpu").How, StringComparison.Ordinal);
        Assert.Equal(2, _measured);
        System.IO.File.Delete(_folder);
    }
}
