using System.Text.Json.Nodes;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>'influence windows' from arguments to tables and numbers.</summary>
public sealed class InfluenceWindowsTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    private void Run(int code, params string[] args)
    {
        int found = _run.Run(args);
        Assert.True(code == found, $"{found}: {_run.Errors}");
    }

    private string SetOf(int ipc) => Path.Combine(_run.RunPath, "synthetic", $"ipc{ipc}.safetensors");

    [Fact]
    public void Sets_are_held_to_the_windows_of_a_run_and_ranked_by_what_they_claim()
    {
        Run(0, CommandRun.SmallRun("--threads", "1"));
        string[] arguments = ["influence", "windows", _run.RunPath, SetOf(1), SetOf(2), "--windows", "4", "--images", "30"];
        Run(0, [.. arguments, "--threads", "1", "--json"]);
        JsonObject found = JsonNode.Parse(_run.Output)!.AsObject();
        JsonArray windows = found["windows"]!.AsArray(), sets = found["sets"]!.AsArray();
        Assert.Equal(4, windows.Count);
        Assert.Equal([0, 1, 0, 1], windows.Select(w => (int)w!["expert"]!));
        Assert.All(windows, w =>
        {
            Assert.Equal(2, (int)w!["last"]! - (int)w["first"]!);
            Assert.InRange((double)w["noiseShare"]!, 0, 2);
        });
        Assert.Equal([2, 1, 2], sets.Select(s => (int)s!["imagesPerClass"]!)); // a run stands for its largest set
        Assert.Equal((double)sets[0]!["j"]!, (double)sets[2]!["j"]!);
        Assert.Equal(windows.Average(w => (double)w!["sets"]![1]!["jOfFunction"]!), (double)sets[1]!["jOfFunction"]!, 1e-12);
        Assert.InRange((double)sets[0]!["j"]!, 0, 1);
        Assert.NotNull(found["ranks"]);

        string alone = _run.Output;
        Run(0, [.. arguments, "--threads", "2", "--json"]);
        Assert.Equal(alone, _run.Output);

        Run(0, [.. arguments[..3], "--windows", "2", "--no-twin"]);
        Assert.Contains("What D does on 2 windows, tiny", _run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Spearman", _run.Output, StringComparison.Ordinal); // one set has no rank
    }

    [Fact]
    public void A_run_of_another_method_and_sets_of_other_images_are_refused()
    {
        Run(
            0,
            "distill", "--dataset", "tiny", "--method", "dm", "--ipc", "1", "--iterations", "1", "--width", "4", "--depth", "2", "--experts", "1",
            "--expert-epochs", "1", "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none");
        Run((int)ExitCode.Usage, "influence", "windows", _run.RunPath);
        Assert.Contains("[IM2045]", _run.Errors, StringComparison.Ordinal);
        Assert.Contains("is a run of dm", _run.Errors, StringComparison.Ordinal);
        string of = SetOf(1), away = Path.Combine(_run.Folder, "whitened.safetensors");
        File.Copy(of, away);
        Directory.Delete(_run.RunPath, recursive: true);
        Run(0, CommandRun.SmallRunWith("--ipc 1 --iterations 1 --zca 0.1"));
        Run((int)ExitCode.Usage, "influence", "windows", _run.RunPath, away);
        Assert.Contains("[IM2046]", _run.Errors, StringComparison.Ordinal);
        Assert.Contains("it is not whitened as the images of the run are", _run.Errors, StringComparison.Ordinal);
    }
}
