using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>What a benchmark takes from presets, files and folders that may have moved.</summary>
public sealed class BenchmarkInputTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Batches_of_the_set_that_a_preset_has_for_its_own_method_refuse_no_other()
    {
        ResolvedSettings dm = Settings.Resolve("paper", s => s.Property == "Method" ? "dm" : null, _ => null);
        Assert.Null(dm.Settings.BatchSyn);
        Assert.False(dm.IsGiven("BatchSyn"));
        GridSettings grid = Grid("paper", null);
        Assert.Null(grid.Of("dm", 10, 0, 0).Settings.BatchSyn);
        Assert.Equal(50, grid.Of("influence", 10, 0, 0).Settings.BatchSyn);
        Assert.Contains(
            "--batch-syn is \"50\"; expected 0 beside --method dm",
            Assert.Throws<DistillException>(() => Settings.Resolve(
                "paper", s => s.Property switch { "Method" => "dm", "BatchSyn" => "50", _ => null }, _ => null)).Message);
    }

    [Fact]
    public void Of_a_runs_own_file_only_what_somebody_gave_goes_before_what_authors_published()
    {
        string file = Path.Combine(_run.Folder, "config.json");
        ConfigFile.Save(file, "distill", Settings.Resolve("demo", s => s.Property == "MomentumImg" ? "0.25" : null, _ => null));
        ResolvedSettings dm = Grid(null, file).Of("dm", 10, 0, 0), influence = Grid(null, file).Of("influence", 10, 0, 0);
        Assert.Equal((1.0, 0.25, "method dm (published)"), (dm.Settings.LrImg, dm.Settings.MomentumImg, dm.Origins["LrImg"]));
        Assert.Equal(
            (Presets.Demo.LrImg, 0.25, Presets.Demo.Iterations),
            (influence.Settings.LrImg, influence.Settings.MomentumImg, influence.Settings.Iterations));
        Assert.Equal(Presets.Demo.ExpertEpochs, dm.Settings.ExpertEpochs); // the experts of all
        // Another preset that is named goes behind the file, as anywhere.
        Assert.Equal(Presets.Demo.Iterations, Grid("trajectory", file).Of("influence", 10, 0, 0).Settings.Iterations);
    }

    [Fact]
    public void Networks_that_label_in_cells_may_move_but_not_change()
    {
        using CommandRun teachers = new(), others = new();
        foreach ((CommandRun run, string seed) in new[] { (teachers, "0"), (others, "1") })
        {
            Assert.Equal(0, run.Run(
                "train", "--dataset", "tiny", "--width", "4", "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16",
                "--seed", seed));
        }
        string from = teachers.RunPath, moved = Path.Combine(_run.Folder, "moved");
        _run.InterruptAt = "Cell 2 of 2";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(
            "benchmark", "--dataset", "tiny", "--ipc", "1", "--methods", "dm", "dc", "--budget", "100images", "--width", "4",
            "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16", "--checkpoints", "4", "--label-from", from,
            "--set", "epochs=2", "--repeats", "1", "--eval-width", "4", "--augment", "none", "--match-augment", "none", "--probe-every", "0"));
        _run.InterruptAt = null;
        string folder = _run.RunPath;
        Directory.Move(from, moved);
        string[] resume = ["benchmark", "--resume", folder];
        Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), [.. resume, "--label-from", others.RunPath]));
        Assert.Contains("they are not the networks with which", _run.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), [.. resume, "--label-from", moved]));
        Assert.True(BenchmarkTable.Read(folder).Complete);
        Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), [.. resume, "--start-from", moved]));
        Assert.Contains("began without it", _run.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);

        // What was decided when it began is not ignored where it is given again.
        foreach (string[] more in (string[][])
            [["--methods", "dm"], ["--seeds", "1"], ["--budget", "5min"], ["--set", "epochs=4"], ["--own-experts"]])
        {
            Assert.Equal((int)ExitCode.Usage, _run.RunAsGiven(Interruption.Silent(), [.. resume, .. more]));
            Assert.Contains($"{more[0]} is", _run.Errors, StringComparison.Ordinal);
            Assert.Contains("nothing beside --resume", _run.Errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        }
    }

    private static GridSettings Grid(string? preset, string? file) => new(new GridInput(
        preset, s => s.Property == "Dataset" ? "cifar-10" : null, _ => null, file, [], _ => true));
}
