using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

/// <summary>Runs on image-text pairs, on the set that is built in.</summary>
public sealed class PairRunTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    internal static string[] SmallRun(params string[] more) =>
    [
        "distill", "--dataset", "pairs-demo", "--pairs", "20", "--iterations", "6", "--experts", "2", "--expert-epochs", "1",
        "--checkpoints", "4", "--window", "2", "--head-size", "16", "--epochs", "10", "--repeats", "2", "--full-epochs", "1",
        "--evaluate-every", "3", "--save-every", "2", "--threshold", "10", .. more,
    ];

    private string Set(int pairs) => Path.Combine(_run.RunPath, "synthetic", $"pairs{pairs}.safetensors");

    private RetrievalSummary Summary => RetrievalSummary.Read(Path.Combine(_run.RunPath, RetrievalSummary.FileName));

    private int Run(params string[] args) => _run.RunAsGiven(Interruption.Silent(), args);

    [Fact]
    public void The_data_set_decides_the_task_and_a_table_has_every_row_and_a_claim_that_holds()
    {
        Assert.Equal(0, _run.Run(SmallRun()));
        RetrievalSummary summary = Summary;
        RetrievalResult result = Assert.Single(summary.Results);
        Assert.True(summary.Complete && result.Complete);
        Assert.Equal(("dev", 300, 2), (summary.Split, summary.Images, summary.CaptionsEach));
        Assert.Equal(
            ["random", "forgetting", "herding", "k-center", "k-means", "distilled", "full data"], result.Rows.Select(r => r.Name), StringComparer.Ordinal);
        Assert.All(result.Rows, row => Assert.Equal(2, row.Runs.Count));
        foreach (string part in (string[])["IR@10", "full data", "--split test", "herding"])
            Assert.Contains(part, _run.Output);
        Assert.Equal(0, Run("verify", Set(20), "--json"));
        JsonElement found = JsonDocument.Parse(_run.Output).RootElement;
        Assert.True(found.GetProperty("sameBits").GetBoolean());
        Assert.Equal(0, _run.Run("runs", "list"));
        Assert.Contains("complete", _run.Output);
    }

    [Fact]
    public void A_similarity_is_learned_beside_a_row_of_it_alone_and_the_set_is_exported()
    {
        Assert.Equal(0, _run.Run(SmallRun("--pair-loss", "wbce", "--similarity-rank", "3", "--batch-syn", "10")));
        Assert.Contains("learning the similarity of random pairs: done", _run.Errors);
        Assert.Equal(0, _run.Run(["plan", .. SmallRun("--pair-loss", "wbce", "--similarity-rank", "3", "--batch-syn", "10")]));
        Assert.Contains("6 updates of the similarity of random pairs", _run.Output);
        Assert.Contains("random + similarity", Summary.Results[0].Rows.Select(r => r.Name), StringComparer.Ordinal);
        PairArtifact set = PairArtifact.Read(Set(20));
        Assert.Equal(5, set.Parts.Count);
        Assert.Equal([20, 3], set.Parts[3].Dimensions.ToArray());
        string folder = Path.Combine(_run.Folder, "export");
        Assert.Equal(0, Run("export", Set(20), "--to", "npz", "--out", folder));
        Assert.True(File.Exists(Path.Combine(folder, "set.npz")));
        Assert.Contains("similarity_left", File.ReadAllText(Path.Combine(folder, "README.md")));
        Assert.Equal((int)ExitCode.Usage, Run("export", Set(20), "--to", "png"));
        Assert.Contains("npz or safetensors", _run.Errors);
    }

    [Theory]
    [InlineData("20 pairs: distilling: done")]
    [InlineData("20 pairs: herding: done")]
    public void Interrupted_and_resumed_it_is_as_if_nothing_had_happened(string at)
    {
        using var whole = new CommandRun();
        Assert.Equal(0, whole.Run(SmallRun("--threads", "1")));
        _run.InterruptAt = at;
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(SmallRun("--threads", "2")));
        _run.InterruptAt = null;
        Assert.False(Summary.Complete);
        Assert.Equal(0, _run.Run("resume"));
        Assert.DoesNotContain("stopped at", _run.Errors);
        Assert.Equal(Described(whole.RunPath), Described(_run.RunPath));
    }

    [Fact]
    public void Learning_a_similarity_goes_on_from_where_it_was_interrupted()
    {
        string[] small = SmallRun("--pair-loss", "wbce", "--similarity-rank", "3", "--batch-syn", "10");
        using CommandRun whole = new(), cut = new() { InterruptAt = "learning the similarity of random pairs: 3/6", ShowsAll = true };
        Assert.Equal(0, whole.Run(small));
        Assert.Equal((int)ExitCode.Interrupted, cut.Run(small));
        cut.InterruptAt = null;
        Assert.Equal(0, cut.Run("resume"));
        Assert.DoesNotContain("random pairs: 2/6", cut.Errors);
        Assert.Contains("random pairs: done", cut.Errors);
        Assert.Equal(Described(whole.RunPath), Described(cut.RunPath));
        // The state of the set is none of this one, although both begin and look alike.
        string states = Path.Combine(cut.RunPath, "checkpoints"), file = Path.Combine(cut.RunPath, RetrievalSummary.FileName);
        File.Copy(Path.Combine(states, "pairs20.safetensors"), Path.Combine(states, "pairs20-similarity.safetensors"), overwrite: true);
        RetrievalSummary done = RetrievalSummary.Read(file);
        RetrievalRow[] rows = [.. done.Results[0].Rows.Where(row => row.Name != PairRows.WithSimilarity)];
        (done with { Complete = false, Results = [done.Results[0] with { Complete = false, Rows = rows }] }).Save(file);
        Assert.Equal((int)ExitCode.Usage, cut.Run("resume"));
        Assert.Contains("was saved under other settings", cut.Errors);
    }

    private static (string, string) Described(string run)
    {
        RetrievalResult result = Assert.Single(RetrievalSummary.Read(Path.Combine(run, RetrievalSummary.FileName)).Results);
        return (
            File.ReadAllText(Path.Combine(run, "metrics.jsonl")),
            $"{result.SetHash} {JsonSerializer.Serialize(result.Rows)}");
    }

    [Fact]
    public void A_set_is_evaluated_on_the_test_part_in_a_folder_of_its_own()
    {
        Assert.Equal(0, _run.Run(SmallRun("--pairs", "10", "20")));
        Assert.Equal([20, 10], Summary.Results.Select(r => r.Pairs));
        Assert.Equal(0, _run.Run("evaluate", Set(10), "--split", "test", "--repeats", "1"));
        RetrievalSummary found = RetrievalSummary.Read(Path.Combine(_run.EvaluationPath, RetrievalSummary.FileName));
        Assert.Equal("test", found.Split);
        Assert.Equal(10, Assert.Single(found.Results).Pairs);
        Assert.Single(found.Results[0].Row("distilled")!.Runs);
        Assert.Equal(0, _run.Run("evaluate", "--dataset", "pairs-demo", "--pairs", "5", "--epochs", "4", "--repeats", "1", "--full-epochs", "1"));
        Assert.DoesNotContain("distilled", _run.Output);
    }

    [Theory]
    [InlineData("distill --dataset pairs-demo --ipc 1", "--ipc is \"1\"; expected no value for --dataset pairs-demo: it is a setting of classified images")]
    [InlineData("distill --pairs 10", "it is a setting of image-text pairs")]
    [InlineData("distill --dataset pairs-demo --preset trajectory", "expected pairs, or no preset")]
    [InlineData("distill --preset pairs --dataset mnist", "this one is for image-text pairs")]
    [InlineData("distill --dataset pairs-demo --method dm", "influence, last-layer, mtt")]
    [InlineData("distill --dataset pairs-demo --pair-loss infonce --similarity-rank 3", "0 beside --pair-loss infonce")]
    [InlineData("distill --dataset pairs-demo --pairs 6000", "at most the 5000 images for training")]
    [InlineData("train --dataset pairs-demo", "image-text pairs, which this command does not take")]
    public void What_belongs_to_the_other_task_is_refused(string command, string expected)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(command.Split(' ')));
        Assert.Contains(expected, _run.Errors);
    }

    [Fact]
    public void A_configuration_of_pairs_has_their_settings_alone_and_reads_back_with_the_same_hash()
    {
        ResolvedSettings resolved = Settings.Resolve(
            null, setting => setting.Name switch { "--dataset" => "pairs-demo", "--pairs" => "10 20", "--head" => "linear", _ => null }, _ => null);
        Assert.Equal("preset pairs", resolved.Origins["FullRate"]);
        string decisive = ConfigFile.WriteDecisive(resolved.Settings);
        Assert.Contains("\"pairs\":[10,20]", decisive);
        Assert.DoesNotContain("ipc", decisive);
        Assert.DoesNotContain("pairs", ConfigFile.WriteDecisive(Presets.Demo));
        Assert.Equal(ConfigFile.Hash(resolved.Settings), ConfigFile.Hash(ConfigFile.ReadDecisive(decisive)));
        string path = Path.Combine(_run.Folder, "config.json");
        ConfigFile.Save(path, "distill", resolved);
        Assert.Equal(ConfigFile.Write("distill", resolved), ConfigFile.Write("distill", ConfigFile.Read(path).Resolved));
    }

    [Fact]
    public void A_changed_set_is_refused()
    {
        Assert.Equal(0, _run.Run(SmallRun()));
        byte[] bytes = File.ReadAllBytes(Set(20));
        bytes[^5] ^= 1;
        File.WriteAllBytes(Set(20), bytes);
        Assert.Equal((int)ExitCode.Data, Run("verify", Set(20), "--quick"));
        Assert.Contains("does not have the hash", _run.Errors);
    }

    [Fact]
    public void Features_are_standardised_by_the_training_part()
    {
        var table = new InfMatch.Datasets.FeatureTable(2, [1, 5, 3, 5, 5, 5]);
        FeatureStatistics by = FeatureStatistics.Of(table, [0, 1, 2]);
        Assert.Equal([3f, 5f], by.Mean);
        Assert.Equal(1f, by.Deviation[1]);
        using Tensor all = by.Standardise(table, [2, 0], new ReferenceBackend(), new Shape(2, 2));
        float[] values = all.ToArray<float>();
        Assert.Equal(Math.Sqrt(1.5), values[0], 5);
        Assert.Equal([0f, -values[0], 0f], values[1..]);
    }

    [Fact]
    public void A_plan_trains_no_expert_and_leaves_nothing_behind()
    {
        Assert.Equal(0, _run.Run(["plan", .. SmallRun()]));
        Assert.Contains("pairs20", _run.Output);
        Assert.Contains("2 × 40 steps of 128 pairs", _run.Output);
        Assert.False(Directory.Exists(_run.Runs) && Directory.GetDirectories(_run.Runs).Length > 0);
    }

    [Fact]
    public void The_memory_that_is_foreseen_is_that_of_the_run_and_a_line_of_the_plan_precedes_it()
    {
        Assert.Equal(0, _run.Run(SmallRun("--threads", "1")));
        Assert.Contains("Plan: ", _run.Errors);
        Assert.Contains("2 experts", _run.Errors);
        long held = StagesFile.Read(Path.Combine(_run.RunPath, StagesFile.FileName)).Max(stage => stage.PeakBytes);
        var backend = new CpuBackend(1);
        using PairData data = PairData.Load(InfMatch.Datasets.PairCatalog.Load("pairs-demo"), InfMatch.Datasets.PairSplit.Dev, backend);
        RunSettings settings = ConfigFile.Read(Path.Combine(_run.RunPath, "config.json")).Resolved.Settings;
        Assert.InRange(held, PairDryRun.Of(settings, data, trainsExperts: true) / 2, PairDryRun.Of(settings, data, trainsExperts: true));
    }

    [Fact]
    public void A_run_that_needs_more_memory_than_there_is_is_refused_before_it_has_a_folder()
    {
        Assert.Equal((int)ExitCode.Memory, _run.Run(SmallRun("--pairs", "4000", "--memory-limit", "64MiB")));
        Assert.Contains("the run needs about", _run.Errors);
        Assert.Contains("--pairs, --batch-syn", _run.Errors);
        Assert.False(Directory.Exists(_run.Runs) && Directory.GetDirectories(_run.Runs).Length > 0);
    }
}
