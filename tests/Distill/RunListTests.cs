using System.Text.Json.Nodes;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>'runs', and what "latest" stands for.</summary>
public sealed class RunListTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Runs_are_listed_with_their_status_and_latest_is_the_newest()
    {
        Assert.Equal(0, _run.Run("runs"));
        Assert.Contains("There is no run below", _run.Output);

        using CommandRun cut = new() { InterruptAt = "Run folder:" };
        Assert.Equal((int)ExitCode.Interrupted, cut.Run(CommandRun.SmallRun("--device", "reference")));
        string unfinished = Path.Combine(_run.Runs, Path.GetFileName(cut.RunPath) + "_cut");
        CommandRun.Copy(cut.RunPath, unfinished);

        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--device", "reference")));
        string complete = Path.Combine(_run.Runs, File.ReadAllText(Path.Combine(_run.Runs, "latest")).Trim());
        string damaged = Path.Combine(_run.Runs, "2020-01-01_0000_damaged");
        Directory.CreateDirectory(damaged);
        File.WriteAllText(Path.Combine(damaged, "config.json"), "{");

        Assert.Equal(0, _run.Run("runs", "list", "--json"));
        Dictionary<string, JsonNode> runs = JsonNode.Parse(_run.Output)!.AsArray().ToDictionary(r => Path.GetFileName((string)r!["folder"]!), r => r!, StringComparer.Ordinal);
        Assert.Equal("complete", (string)runs[Path.GetFileName(complete)]["status"]!);
        Assert.Equal("unfinished", (string)runs[Path.GetFileName(unfinished)]["status"]!);
        Assert.Equal("damaged", (string)runs["2020-01-01_0000_damaged"]["status"]!);
        Assert.NotNull(runs[Path.GetFileName(complete)]["results"]![0]!["distilled"]);

        using (RunFolder.Open(complete))
            Assert.Equal(RunEntry.Running, RunEntry.Of(complete).Status);

        string newest = Path.Combine(complete, "synthetic", "ipc2.safetensors");
        Assert.Equal(newest, SetReference.Find("latest", _run.Runs, _ => { }));
        Assert.Equal(newest, SetReference.Find(complete, _run.Runs, _ => { }));
        Assert.Equal(newest, SetReference.Find(Path.GetFileName(complete), _run.Runs, _ => { }));
        Assert.Equal("other.safetensors", SetReference.Find("other.safetensors", _run.Runs, _ => { }));
        Assert.Contains("holds no distilled set", Assert.Throws<DistillException>(() => SetReference.Find(unfinished, _run.Runs, _ => { })).Message);

        // A set of a run that was stopped is not the one that the run ends with.
        var notes = new List<string>();
        Directory.CreateDirectory(Path.Combine(unfinished, "synthetic"));
        string halfway = Path.Combine(unfinished, "synthetic", "ipc2.safetensors");
        File.Copy(newest, halfway);
        Assert.Equal(halfway, SetReference.Find(unfinished, _run.Runs, notes.Add));
        Assert.Contains("(of a run that is not finished; ", Assert.Single(notes));
        File.Delete(halfway);

        // The latest is complete, so that what is unfinished goes on.
        Assert.Equal(0, _run.Run("resume", "--device", "reference"));
        Assert.Contains("is complete; going on with", _run.Errors);
        Assert.Equal(RunEntry.Complete, RunEntry.Of(unfinished).Status);

        Assert.Equal(0, _run.Run("config", "show", "latest"));
        Assert.Contains("command line (--lr-img)", _run.Output);
    }

    [Fact]
    public void Presets_are_listed_and_shown_beside_the_usual_one()
    {
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "presets"));
        Assert.All(Presets.Names, name => Assert.Contains(name, _run.Output));
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "presets", "retrained", "--json"));
        JsonNode shown = JsonNode.Parse(_run.Output)!;
        Assert.Equal("trajectory", (string)shown["name"]!);
        Assert.Equal("600", (string)shown["changes"]!["iterations"]!);
        Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), "presets", "demmo"));
        Assert.Contains("(did you mean demo?)", _run.Errors);
    }

    [Fact]
    public void Settings_that_are_shown_as_json_can_be_given_back()
    {
        Assert.Equal(0, _run.Run("config", "show", "--preset", "trajectory", "--ipc", "1", "--json"));
        string file = Path.Combine(_run.Folder, "shown.json");
        File.WriteAllText(file, _run.Output);
        Assert.Equal(0, _run.Run("config", "show", "--config", file, "--json"));
        JsonNode again = JsonNode.Parse(_run.Output)!["settings"]!;
        Assert.Equal(600, (int)again["iterations"]!["value"]!);
        Assert.Equal(1, (int)again["ipc"]!["value"]![0]!);
        string made = Path.Combine(_run.Folder, "new.json");
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "config", "new", made));
        Assert.Equal((int)ExitCode.FileSystem, _run.RunAsGiven(Interruption.Silent(), "config", "new", made));
        Assert.Contains("[IM7011]", _run.Errors);
    }
}
