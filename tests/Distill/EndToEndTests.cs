using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Tensors.IO;
using SkiaSharp;

namespace InfMatch.Tests.Distill;

public sealed class EndToEndTests
{
    [Fact]
    public void A_run_writes_everything_and_its_summary_has_the_agreed_form()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRun("--json")));

        using JsonDocument summary = JsonDocument.Parse(run.Output);
        JsonElement root = summary.RootElement;
        Assert.True(root.GetProperty("seconds").GetDouble() > 0);
        Assert.Equal("tiny", root.GetProperty("dataset").GetString());
        Assert.NotEmpty(root.GetProperty("device").GetString()!);
        Assert.Equal(EnvironmentReport.Commit, root.GetProperty("commit").GetString());
        Assert.True(root.GetProperty("complete").GetBoolean());
        Assert.StartsWith("protocol A: convnet-d2-w4, 4 epochs", root.GetProperty("protocol").GetString());
        Assert.StartsWith(
            "the experts at their own plan, not protocol A: 2 × convnet-d2-w4", root.GetProperty("wholeSet").GetString());
        Assert.Equal([1, 2], root.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("ipc").GetInt32()));
        foreach (JsonElement result in root.GetProperty("results").EnumerateArray())
        {
            Assert.Equal("first-order", result.GetProperty("estimator").GetString());
            JsonElement accuracy = result.GetProperty("accuracy");
            Assert.Equal(
                ["distilled", "distilledHardLabels", "randomReal", "randomRealSoftLabels", "whole"],
                accuracy.EnumerateObject().Select(p => p.Name),
                StringComparer.Ordinal);
            foreach (JsonProperty entry in accuracy.EnumerateObject())
            {
                double[] runs = [.. entry.Value.GetProperty("runs").EnumerateArray().Select(v => v.GetDouble())];
                Assert.Equal(2, runs.Length);
                Assert.Equal(runs.Average(), entry.Value.GetProperty("mean").GetDouble(), 9);
                Assert.Equal(Math.Abs(runs[0] - runs[1]) / Math.Sqrt(2), entry.Value.GetProperty("std").GetDouble(), 9);
                Assert.All(runs, r => Assert.InRange(r, 0, 100));
            }
        }
        Assert.Equal(run.Output.Trim(), File.ReadAllText(Path.Combine(run.RunPath, "summary.json")).Trim());

        Assert.Equal(12 + 6 + 4, File.ReadLines(Path.Combine(run.RunPath, "metrics.jsonl")).Count());
        foreach (string picture in (string[])["ipc1-before", "ipc1-after", "ipc1-curves", "ipc2-before", "ipc2-after", "ipc2-curves"])
        {
            using SKBitmap bitmap = SKBitmap.Decode(Path.Combine(run.RunPath, "images", picture + ".png"));
            Assert.NotNull(bitmap);
        }
        ArraySet set = Safetensors.Read(Path.Combine(run.RunPath, "synthetic", "ipc2.safetensors"));
        Assert.Equal([6, 1, 8, 8], set["images"].Dimensions.ToArray());
        Assert.Equal([6, 1, 8, 8], set["images_u8"].Dimensions.ToArray());
        Assert.Equal([0, 0, 1, 1, 2, 2], set["labels"].AsInt32().ToArray());
        for (int i = 0; i < 6; i++)
            Assert.Equal(1, set["soft_labels"].AsFloat32().Slice(3 * i, 3).ToArray().Sum(), 5);
        Assert.Equal("tiny", set.Metadata["dataset"]);
        Assert.Matches(@"^\d+\.\d ± \d+\.\d$", set.Metadata["claimed_accuracy"]);
        Assert.Equal(Path.GetFileName(run.RunPath), File.ReadAllText(Path.Combine(run.Runs, "latest")).Trim());
        Assert.False(File.Exists(Path.Combine(run.RunPath, "run.lock")));
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others()
    {
        using CommandRun first = new(), second = new(), other = new();
        Assert.Equal(0, first.Run(CommandRun.SmallRun()));
        Assert.Equal(0, second.Run(CommandRun.SmallRun()));
        Assert.Equal(0, other.Run(CommandRun.SmallRun("--seed", "1")));
        Assert.Equal(Hashes(first), Hashes(second));
        Assert.NotEqual(Hashes(first), Hashes(other));
    }

    [Theory]
    [InlineData("IPC 1: distilling: done")]
    [InlineData("IPC 1: distilled: done")]
    [InlineData("Experts (convnet-d2-w4): done")]
    public void Interrupted_between_stages_and_resumed_is_as_if_nothing_had_happened(string at)
    {
        using CommandRun whole = new(), cut = new() { InterruptAt = at };
        Assert.Equal(0, whole.Run(CommandRun.SmallRun()));
        Assert.Equal((int)ExitCode.Interrupted, cut.Run(CommandRun.SmallRun()));
        Assert.Contains("resume", cut.Errors);
        cut.InterruptAt = null;
        Assert.False(Summary.Read(Path.Combine(cut.RunPath, "summary.json")).Complete);
        Assert.Equal(0, cut.Run("resume"));
        Assert.DoesNotContain("stopped at", cut.Errors);
        Assert.Equal(Hashes(whole), Hashes(cut));
        Assert.Equal(Lines(whole), Lines(cut));
    }

    [Fact]
    public void A_run_that_began_on_one_device_goes_on_on_another_and_says_so()
    {
        using CommandRun run = new() { InterruptAt = "IPC 1: distilling: done" };
        Assert.Equal((int)ExitCode.Interrupted, run.Run(CommandRun.SmallRun("--device", "cpu")));
        run.InterruptAt = null;
        Assert.Equal(0, run.Run("resume", "--device", "reference"));
        Assert.Contains("bits may differ from here on", run.Errors);
        Assert.Contains("recorded on cpu", run.Errors);
        Assert.True(Summary.Read(Path.Combine(run.RunPath, "summary.json")).Complete);
    }

    [Theory]
    [InlineData("constant")]
    [InlineData("cosine")]
    [InlineData("step")]
    public void A_crash_in_the_middle_of_distilling_and_resume_give_the_same_bits(string schedule)
    {
        using CommandRun whole = new() { CopyAt = "IPC 2: distilling: 5/6" };
        string[] args = CommandRun.SmallRun();
        args[Array.IndexOf(args, "--rate-schedule") + 1] = schedule;
        Assert.Equal(0, whole.Run(args));

        // What a power cut leaves after step 5: the state after step 4, and a line of metrics that is cut off.
        string copy = whole.CopiedRun;
        Assert.Equal(
            [4, 0],
            Safetensors.Read(Path.Combine(copy, "checkpoints", "ipc2.safetensors"))["progress"].AsInt32());
        File.AppendAllText(Path.Combine(copy, "metrics.jsonl"), "{\"ipc\":2,\"iter");
        Assert.Equal(0, whole.RunAsGiven(Interruption.Silent(), "resume", copy));
        Assert.Equal(Hashes(whole.RunPath), Hashes(copy));
        Assert.Equal(Lines(whole.RunPath), Lines(copy));
    }

    [Fact]
    public void A_state_of_other_settings_or_without_a_part_is_refused()
    {
        using var run = new CommandRun() { CopyAt = "IPC 2: distilling: 5/6" };
        Assert.Equal(0, run.Run(CommandRun.SmallRun()));
        string config = Path.Combine(run.CopiedRun, "config.json"), text = File.ReadAllText(config);
        string state = Path.Combine(run.CopiedRun, "checkpoints", "ipc2.safetensors");
        File.WriteAllText(config, text.Replace("\"lrImg\": {\n      \"value\": 1", "\"lrImg\": {\n      \"value\": 2"));
        Assert.NotEqual(text, File.ReadAllText(config), StringComparer.Ordinal);
        byte[] before = File.ReadAllBytes(state);
        Assert.Equal((int)ExitCode.Usage, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun));
        Assert.Contains($"{config} is not as the run wrote it", run.Errors);
        Assert.Contains("[IM2009]", run.Errors);
        SealedJsonTests.RemoveHash(config); // as an earlier version wrote it
        Assert.Equal((int)ExitCode.Usage, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun));
        Assert.Contains($"{config} states no hash", run.Errors);
        Assert.Contains($"{state} was saved under other settings (hash ", run.Errors);
        Assert.Contains("[IM2008]", run.Errors);
        Assert.Equal(before, File.ReadAllBytes(state));

        File.WriteAllText(config, text);
        ArraySet arrays = Safetensors.Read(state);
        NamedArray[] others = [.. arrays.Arrays.Where(a => a.Name != "images.velocity")];
        Safetensors.Write(state, others, arrays.Metadata);
        Assert.Equal((int)ExitCode.Data, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun));
        Assert.Contains($"{state}: the content does not have the hash", run.Errors);
        ContentHash.Write(state, others, arrays.Metadata);
        Assert.Equal((int)ExitCode.Data, run.RunAsGiven(Interruption.Silent(), "resume", run.CopiedRun));
        Assert.Contains("[IM3025]", run.Errors);
    }

    [Fact]
    public void A_rate_that_destroys_the_set_ends_with_the_last_good_state_on_disk()
    {
        using var run = new CommandRun();
        string[] args = CommandRun.SmallRun();
        args[Array.IndexOf(args, "--lr-img") + 1] = "1e40";
        Assert.Equal((int)ExitCode.Numerical, run.Run(args));
        Assert.Matches(@"distill: Step \d+: the synthetic set became .* Lower --lr-img \(now 1E\+40\)", run.Errors);
        Assert.DoesNotContain("   at ", run.Errors);
        ArraySet state = Safetensors.Read(Path.Combine(run.RunPath, "checkpoints", "ipc1.safetensors"));
        Assert.All(state["images"].AsFloat32().ToArray(), v => Assert.True(float.IsFinite(v)));
        Assert.True(File.Exists(Path.Combine(run.RunPath, "synthetic", "ipc1.safetensors")));

        // It cannot go on, so it is not what a resume without a name means; a new run is, and its command works.
        string config = Path.Combine(run.RunPath, "config.json");
        Assert.Contains($"distill --config {config} OPTIONS", run.Errors, StringComparison.Ordinal);
        Assert.Equal(RunEntry.Stopped, RunEntry.Of(run.RunPath).Status);
        Assert.Equal(0, run.Run("runs"));
        Assert.Contains("stopped: numbers too large", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Next:", run.Output, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, run.Run("resume"));
        Assert.Contains("[IM2032]", run.Errors, StringComparison.Ordinal);
        string stopped = run.RunPath;
        Assert.Equal((int)ExitCode.Numerical, run.Run("resume", stopped));
        Assert.Contains("Begin a new run", run.Errors, StringComparison.Ordinal);
        Assert.Equal(0, run.Run("distill", "--config", config, "--lr-img", "1"));
        Assert.Equal(RunEntry.Stopped, RunEntry.Of(stopped).Status);
    }

    [Theory]
    [InlineData("--eval-rate", true)]
    [InlineData("--expert-rate", false)]
    public void A_training_that_diverges_ends_with_what_was_reached(string option, bool distilled)
    {
        using var run = new CommandRun();
        Assert.Equal((int)ExitCode.Numerical, run.Run(CommandRun.SmallRun(option, "1e40")));
        Assert.Contains("the training loss of convnet-d2-w4 became NaN", run.Errors);
        Summary summary = Summary.Read(Path.Combine(run.RunPath, "summary.json"));
        Assert.False(summary.Complete);
        Assert.Equal(RunEntry.Stopped, RunEntry.Of(run.RunPath).Status);
        Assert.Equal(distilled ? 1 : 0, summary.Results.Count);
        Assert.Equal(distilled, File.Exists(Path.Combine(run.RunPath, "synthetic", "ipc1.safetensors")));
    }

    [Fact]
    public void Recorded_experts_serve_another_run_and_refuse_other_settings()
    {
        using var run = new CommandRun();
        string experts = Path.Combine(run.Folder, "experts");
        string[] train =
        [
            "train", "--dataset", "tiny", "--width", "4", "--depth", "2", "--experts", "2", "--expert-epochs", "2", "--expert-batch",
            "16", "--checkpoints", "4", "--experts-from", experts, "--json",
        ];
        Assert.Equal(0, run.Run(train));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.Equal(2, json.RootElement.GetProperty("whole").GetProperty("runs").GetArrayLength());
        DateTime written = File.GetLastWriteTimeUtc(ExpertLibrary.FileOf(experts, 1));
        Directory.Delete(run.Runs, recursive: true);
        Assert.Equal(0, run.Run(CommandRun.SmallRun("--experts-from", experts)));
        Assert.Equal(written, File.GetLastWriteTimeUtc(ExpertLibrary.FileOf(experts, 1)));

        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--experts-from", experts, "--expert-rate", "0.5")));
        Assert.Contains("rate = 0.05, but 0.5 is asked for", run.Errors);
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--experts-from", experts, "--norm", "layer")));
        Assert.Contains("network = convnet-d2-w4, but convnet-d2-w4-layernorm is asked for", run.Errors);
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--experts-from", experts, "--model", "mlp")));
        Assert.Contains("network = convnet-d2-w4, but mlp-64-128-128-3 is asked for", run.Errors);
    }

    [Fact]
    public void The_network_can_be_chosen_and_is_named_with_the_accuracy()
    {
        using var run = new CommandRun();
        string[] given = ["--model", "convnet", "--norm", "group", "--pooling", "max", "--ipc", "1"];
        Assert.Equal(0, run.Run(CommandRun.SmallRun(given)));
        Summary summary = Summary.Read(Path.Combine(run.RunPath, "summary.json"));
        Assert.Contains("convnet-d2-w4-groupnorm-maxpool", summary.Protocol, StringComparison.Ordinal);
        Assert.Contains("2 × convnet-d2-w4-groupnorm-maxpool", summary.WholeSet!, StringComparison.Ordinal);
        RunSettings settings = ConfigFile.Read(Path.Combine(run.RunPath, "config.json")).Resolved.Settings;
        Assert.Equal((null, "group", "max"), (settings.Model, settings.Norm, settings.Pooling));
        Directory.Delete(run.Runs, recursive: true);
        Assert.Equal(0, run.Run(CommandRun.SmallRun("--model", "mlp", "--ipc", "1")));
        Assert.Contains("protocol A: mlp", Summary.Read(Path.Combine(run.RunPath, "summary.json")).Protocol);
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--model", "vgg11")));
        Assert.Contains("vgg11: images [1, 8, 8] leave 0×0 positions", run.Errors);
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRun("--norm", "batch")));
        Assert.Contains("batch norm keeps running statistics", run.Errors);
    }

    [Fact]
    public void A_set_is_evaluated_again_to_the_same_accuracy()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRun()));
        Accuracy claimed = Summary.Read(Path.Combine(run.RunPath, "summary.json")).Results[1].Accuracy.Distilled!;
        string set = Path.Combine(run.RunPath, "synthetic", "ipc2.safetensors");
        Assert.Equal(
            0,
            run.Run("evaluate", set, "--epochs", "4", "--repeats", "2", "--eval-width", "4", "--augment", "none", "--json"));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement distilled = json.RootElement.GetProperty("results")[0].GetProperty("accuracy").GetProperty("distilled");
        Assert.Equal(claimed.Runs, distilled.GetProperty("runs").EnumerateArray().Select(v => v.GetDouble()));

        // The experts of the set's own run give the other two columns, as they did in the run.
        AccuracySet own = Summary.Read(Path.Combine(run.RunPath, "summary.json")).Results[1].Accuracy;
        Summary again = JsonSerializer.Deserialize<Summary>(run.Output, JsonText.Options)!;
        Assert.Equal(own.RandomRealSoftLabels!.Runs, again.Results[0].Accuracy.RandomRealSoftLabels!.Runs);
        Assert.Equal(own.Whole!.Runs, again.Results[0].Accuracy.Whole!.Runs);
        Assert.StartsWith("the experts at their own plan, not protocol A: 2 × convnet-d2-w4, 2 epochs", again.WholeSet);

        // Elsewhere the set stands alone, unless experts are named.
        string elsewhere = Path.Combine(run.Folder, "set.safetensors");
        File.Copy(set, elsewhere);
        string[] evaluate =
            ["evaluate", elsewhere, "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none", "--json"];
        Assert.Equal(0, run.Run(evaluate));
        again = JsonSerializer.Deserialize<Summary>(run.Output, JsonText.Options)!;
        Assert.Null(again.Results[0].Accuracy.Whole);
        Assert.Null(again.WholeSet);
        Assert.Contains("Soft labels and the whole set are not evaluated", run.Errors);
        string[] named =
        [
            .. evaluate, "--experts-from", Path.Combine(run.RunPath, "experts"), "--width", "4", "--experts", "2",
            "--expert-epochs", "2", "--expert-batch", "16", "--checkpoints", "4",
        ];
        Assert.Equal(0, run.Run(named));
        again = JsonSerializer.Deserialize<Summary>(run.Output, JsonText.Options)!;
        Assert.Equal(own.Whole!.Runs, again.Results[0].Accuracy.Whole!.Runs);
        named[Array.IndexOf(named, "--experts") + 1] = "3";
        Assert.Equal((int)ExitCode.Data, run.Run(named));
        Assert.Contains("expert-002.safetensors does not exist. Correct --experts-from or --experts, or record it: dotnet run --project Distill -- train --experts-from ", run.Errors);
    }

    [Fact]
    public void Without_a_set_evaluate_evaluates_random_real_images()
    {
        using var run = new CommandRun();
        Assert.Equal(
            0,
            run.Run(
                "evaluate", "--dataset", "tiny", "--ipc", "1", "3", "--depth", "2", "--eval-width", "4", "--epochs", "3", "--repeats",
                "3", "--augment", "none", "--json"));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement accuracy = json.RootElement.GetProperty("results")[1].GetProperty("accuracy");
        Assert.Equal(JsonValueKind.Null, accuracy.GetProperty("distilled").ValueKind);
        Assert.Equal(3, accuracy.GetProperty("randomReal").GetProperty("runs").GetArrayLength());
    }

    private static string[] Hashes(CommandRun run) => Hashes(run.RunPath);

    internal static string[] Hashes(string run)
    {
        Summary summary = Summary.Read(Path.Combine(run, "summary.json"));
        Assert.True(summary.Complete);
        return
        [
            .. summary.Results.Select(r => r.SetHash!),
            .. summary.Results.Select(r => string.Join(' ', r.Accuracy.Distilled!.Runs)),
        ];
    }

    // Nothing is known yet that JSON could tell.
    [Fact]
    public void An_interruption_before_the_data_are_prepared_ends_as_one()
    {
        using CommandRun run = new() { InterruptAt = "Device:" };
        Assert.Equal((int)ExitCode.Interrupted, run.Run(CommandRun.SmallRun("--zca", "0.1", "--json")));
        Assert.Equal("", run.Output);
        Assert.DoesNotContain("Saved", run.Errors);
        Assert.Empty(Directory.GetFileSystemEntries(run.Runs));
    }

    private static string[] Lines(CommandRun run) => Lines(run.RunPath);

    private static string[] Lines(string run) => File.ReadAllLines(Path.Combine(run, "metrics.jsonl"));
}
