using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Benchmarks;
using InfMatch.Distill;
using InfMatch.Methods;

namespace InfMatch.Tests.Distill;

/// <summary>Methods beside each other: the grid, its cells, its table.</summary>
public sealed class BenchmarkTests
{
    private static string[] Small(params string[] more) => OfSeeds(["0", "1"], more);

    private static string[] OfSeeds(string[] seeds, params string[] more) =>
    [
        "benchmark", "--dataset", "tiny", "--ipc", "1", "--methods", "influence", "dm", "--seeds", .. seeds, "--budget", "300images",
        "--width", "4", "--depth", "2", "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16", "--checkpoints", "4",
        "--set", "influence:window=2", "--set", "influence:startFirst=2", "--set", "influence:startLast=3", "--set", "influence:lrImg=1",
        "--set", "influence:realBatch=8", "--lr-label", "0", "--set", "epochs=3", "--repeats", "2", "--eval-width", "4", "--augment", "none",
        "--match-augment", "none", "--threshold", "10", "--probe-every", "0", .. more,
    ];

    [Fact]
    public void Every_cell_is_a_run_on_the_same_experts_with_the_same_budget()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(Small("--json", "--set", "influence:factor=2")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.True(json.RootElement.GetProperty("complete").GetBoolean());
        BenchmarkTable table = BenchmarkTable.Read(run.RunPath);
        Assert.Equal(["influence", "dm"], table.Methods.Select(m => m.Name), StringComparer.Ordinal);
        Assert.All(table.Rows, row =>
        {
            Assert.Equal(2, row.Accuracy[BenchmarkTable.Distilled].Runs.Count);
            Assert.Equal(4, row.Accuracy[BenchmarkTable.Distilled].Networks.Count);
            Assert.InRange(row.Images!.Value, 300, 1000);
            Assert.Empty(row.Missing);
            Assert.Equal("no clear difference", row.Verdict);
        });
        Assert.Single(Directory.GetFiles(Path.Combine(run.RunPath, "experts"), "*", SearchOption.AllDirectories));
        RunSettings influence = Config(run, "influence-ipc1-s1"), dm = Config(run, "dm-ipc1-s1");
        Assert.Equal(("1", 2, (ulong?)0, 1UL), (influence.Text("LrImg"), int.Parse(influence.Text("Window")), influence.ExpertSeed, influence.Seed));
        (string, string) published = Kinds().Published(new PublishedCase("tiny", 1)).First(p => p.Property == "LrImg");
        Assert.Equal(published.Item2, dm.Text("LrImg"));
        Assert.Equal((influence.ExpertsFrom, influence.Budget, influence.Repeats), (dm.ExpertsFrom, dm.Budget, dm.Repeats));
        // What does not depend on the method is measured once for each seed.
        foreach (int seed in (int[])[0, 1])
        {
            Assert.Equal(
                Summary.Read(Path.Combine(Cell(run, $"influence-ipc1-s{seed}"), "summary.json")).Results[0].Accuracy.RandomReal!.Runs,
                Summary.Read(Path.Combine(Cell(run, $"dm-ipc1-s{seed}"), "summary.json")).Results[0].Accuracy.RandomReal!.Runs);
        }
        foreach (string file in (string[])["table.md", "table.csv", "table.svg"])
            Assert.Contains("dm", File.ReadAllText(Path.Combine(run.RunPath, file)), StringComparison.Ordinal);
        // Seconds are worth as much as the threads that had them; images are not.
        Assert.DoesNotContain("--threads", table.Command!, StringComparison.Ordinal);
        BenchmarkFile grid = BenchmarkFile.Read(run.RunPath);
        ResolvedSettings common = ConfigFile.Read(Path.Combine(run.RunPath, "config.json")).Resolved;
        ResolvedSettings ofSeconds = common with { Settings = common.Settings with { Budget = "60s", Threads = 4 } };
        Assert.EndsWith(" --threads 2 --set '", grid.CommandOf(ofSeconds, 2).Split("influence:")[0], StringComparison.Ordinal);
        Assert.Contains(" --threads 1 ", grid.CommandOf(ofSeconds, 8), StringComparison.Ordinal);
        string manifest = ResultsBenchmark.ManifestOf(File.ReadAllText(Path.Combine(run.RunPath, "table.json")), "A", "2026-11-29");
        ResultsManifest read = ResultsManifest.Parse("table", manifest);
        Assert.All(read.Entries, e => Assert.Equal(e.Name.StartsWith("influence", StringComparison.Ordinal) ? 2 : 1, e.Factor));
        JsonNode ofLargeSeed = JsonNode.Parse(File.ReadAllText(Path.Combine(run.RunPath, "table.json")))!;
        ofLargeSeed["seeds"] = new JsonArray(1UL << 40);
        Assert.Contains("\"seed\": 1099511627776", ResultsBenchmark.ManifestOf(ofLargeSeed.ToJsonString(), "A", "2026-11-29"), StringComparison.Ordinal);
        Assert.Contains(read.Entries, e => e.Name == "dm-ipc1" && Math.Abs(e.Figures["distilled"].Mean - table.Row("dm", 1)!.Accuracy["distilled"].Mean) < 0.01);
    }

    [Fact]
    public void Seeds_together_tell_what_two_networks_each_cannot()
    {
        var difference = AccuracyDifference.OfSeeds([44.8, 45.3, 44.7], [35, 36.2, 35.3]);
        Assert.Equal(9.4333, difference.Value, 4);
        Assert.Equal(1.7437, difference.HalfWidth, 4); // 2.99 degrees of freedom count as two: 4.30·√(0.03444 + 0.13)
        Assert.False(difference.IsWithin);
        Assert.True(AccuracyDifference.OfSeeds([44.8, 45.3], [35, 46.2]).IsWithin);
        (AccuracySet, Verdict?)[] seeds = [Seed(20, 30, Verdict.Diverged), Seed(24, 31, Verdict.Within), Seed(23, 31.5, Verdict.Within)];
        Assert.Equal("worse, 1 of 3 diverged", BenchmarkResults.VerdictOf(seeds));
        Assert.Equal("no clear difference", BenchmarkResults.VerdictOf([seeds[1]]));
        Assert.Null(BenchmarkResults.VerdictOf([]));

        static (AccuracySet, Verdict?) Seed(double set, double beside, string kind) =>
            (new AccuracySet { Distilled = Accuracy.Of([set]), RandomRealSoftLabels = Accuracy.Of([beside]) }, new Verdict(kind, "of two networks"));
    }

    [Fact]
    public void Interrupted_and_resumed_or_run_two_at_a_time_a_benchmark_comes_to_the_same_sets()
    {
        using CommandRun whole = new(), cut = new() { InterruptAt = "Cell 3 of 4" }, two = new();
        Assert.Equal(0, whole.Run(Small()));
        Assert.Equal((int)ExitCode.Interrupted, cut.Run(Small()));
        Assert.Contains($"benchmark --resume {cut.RunPath}", cut.Errors, StringComparison.Ordinal);
        cut.InterruptAt = null;
        Assert.Equal(0, cut.RunAsGiven(Interruption.Silent(), "benchmark", "--resume", cut.RunPath));
        Assert.DoesNotContain("Cell 3", cut.Errors, StringComparison.Ordinal);
        Assert.Equal(0, two.Run(Small("--at-once", "2")));
        Assert.Equal(Hashes(whole), Hashes(cut));
        Assert.Equal(Hashes(whole), Hashes(two));
    }

    [Fact]
    public void A_cell_that_fails_is_left_with_its_reason_and_the_others_go_on()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(OfSeeds(["0"], "--set", "dm:lrImg=1e12")));
        BenchmarkTable table = BenchmarkTable.Read(run.RunPath);
        Assert.False(table.Complete);
        Assert.Contains("--lr-img", Assert.Single(table.Row("dm", 1)!.Missing).Reason, StringComparison.Ordinal);
        Assert.Empty(table.Row("influence", 1)!.Missing);
        Assert.Contains("missing", run.Output, StringComparison.Ordinal);
        // It would come to the same again.
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "benchmark", "--resume", run.RunPath));
        Assert.DoesNotContain("Cell 1 of", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_command_in_its_folder_adds_cells_and_refuses_other_settings()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(OfSeeds(["0"])));
        string folder = run.RunPath;
        string[] before = Hashes(run);
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), [.. OfSeeds(["2"]), "--out", folder]));
        Assert.Equal([0UL, 2UL], BenchmarkFile.Read(folder).Seeds);
        Assert.Subset(Hashes(run).ToHashSet(StringComparer.Ordinal), before.ToHashSet(StringComparer.Ordinal));
        foreach (string seed in (string[])["0", "5"]) // a cell that is there, and one that is not
        {
            Assert.Equal((int)ExitCode.Usage, run.RunAsGiven(Interruption.Silent(), [.. OfSeeds([seed], "--set", "epochs=4"), "--out", folder]));
            Assert.Contains("--epochs is 4, and was ", run.Errors, StringComparison.Ordinal);
            Assert.Contains("[IM2040]", run.Errors, StringComparison.Ordinal);
        }
        Assert.Equal([0UL, 2UL], BenchmarkFile.Read(folder).Seeds);
        Assert.Equal((int)ExitCode.Usage, run.RunAsGiven(Interruption.Silent(), ["plan", "resume", folder]));
        Assert.Contains("[IM2044]", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void What_experts_cannot_give_is_refused_before_they_are_trained()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(OfSeeds(["0"], "--methods", "mtt", "--set", "mtt:evalRate=0.1"))); // 2 epochs of the 1 that there is
        BenchmarkTable table = BenchmarkTable.Read(run.RunPath);
        Assert.Contains("No window of 8 checkpoints", Assert.Single(table.Row("mtt", 1)!.Missing).Reason, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Cell(run, "mtt-ipc1-s0")));
        using var none = new CommandRun();
        Assert.Equal((int)ExitCode.Usage, none.Run(OfSeeds(["0"], "--set", "influence:evalRate=learned", "--set", "dm:evalRate=learned")));
        Assert.Contains("[IM2041]", none.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_of_a_table_names_the_seed_of_its_experts_and_what_a_file_gave()
    {
        using var run = new CommandRun();
        string file = Path.Combine(run.Folder, "own settings.json");
        File.WriteAllText(file, """{"settings": {"evalRate": 0.02}}""");
        Assert.Equal(0, run.Run(OfSeeds(["2", "0"], "--config", file)));
        string command = BenchmarkTable.Read(run.RunPath).Command!;
        Assert.Contains(" --seeds 0 2 ", command, StringComparison.Ordinal);
        Assert.Contains(" --expert-seed 2", command, StringComparison.Ordinal);
        Assert.Contains(" --eval-rate 0.02", command, StringComparison.Ordinal);
        Assert.Contains($" --set {ShellWord.Of("influence:window=2")} ", command, StringComparison.Ordinal);
    }

    [Fact]
    public void Methods_with_experts_of_their_own_have_no_common_baselines()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(OfSeeds(["0"], "--own-experts")));
        BenchmarkTable table = BenchmarkTable.Read(run.RunPath);
        Assert.Empty(table.Baselines);
        Assert.Equal(2, table.Rows.Count);
        Assert.StartsWith("each method's own", table.Experts, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("20min", "1200s")]
    [InlineData("2h", "7200s")]
    [InlineData("1200s", "1200s")]
    [InlineData("2e6images", "2000000images")]
    [InlineData("2.5 images", "3images")]
    public void Budgets_have_one_text(string given, string text)
    {
        RunSettings settings = Presets.Standard.With("Budget", given);
        Assert.Equal(text, settings.Budget);
        Assert.NotEqual(ConfigFile.Hash(Presets.Standard), ConfigFile.Hash(settings), StringComparer.Ordinal);
        Assert.Equal(ConfigFile.Hash(Presets.Standard), ConfigFile.Hash(settings.With("Budget", "none")));
    }

    [Theory]
    [InlineData("20")]
    [InlineData("0s")]
    [InlineData("-3min")]
    [InlineData("images")]
    public void Other_budgets_are_refused(string given) =>
        Assert.Contains("20min", Assert.Throws<DistillException>(() => Presets.Standard.With("Budget", given)).Message, StringComparison.Ordinal);

    private static DistillationMethod Kinds() => InfMatch.Tensors.Kinds.Find<DistillationMethod>("dm")!;

    private static string Cell(CommandRun run, string name) => Path.Combine(run.RunPath, "cells", name);

    private static RunSettings Config(CommandRun run, string name) => ConfigFile.Read(Path.Combine(Cell(run, name), "config.json")).Resolved.Settings;

    private static string[] Hashes(CommandRun run) =>
    [
        .. Directory.GetDirectories(Path.Combine(run.RunPath, "cells")).Order(StringComparer.Ordinal)
            .Select(cell => $"{Path.GetFileName(cell)} {Summary.Read(Path.Combine(cell, "summary.json")).Results[0].SetHash}"),
    ];
}
