using System.Runtime.InteropServices;
using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

/// <summary>Options of how S is learned: each decides the set, stands in config.json and goes on after a crash to the bit.</summary>
public sealed class MethodOptionTests
{
    // Large steps, so that there is something to clamp and a plateau.
    private const string Base = "--ipc 1 --lr-img 300 --epochs 1 --repeats 2";

    private static readonly Lazy<string> s_plain = new(() => HashOf(Base));

    private static readonly Lazy<string> s_matched = new(() => HashOf($"{Base} {Matching}"));

    private const string Matching = "--estimator trajectory-matching";

    // At so high a rate a set may diverge, which is said when all is on disk.
    private static void RequireEnd(int code) => Assert.Contains(code, (int[])[(int)ExitCode.Done, (int)ExitCode.Diverged]);

    [Theory]
    [InlineData("optimiser", "adam")]
    [InlineData("optimiser", "adamw")]
    [InlineData("weightDecay", "0.01")]
    [InlineData("clamp", "pixels")]
    [InlineData("clipGradient", "0.0001")]
    [InlineData("batchSyn", "2")]
    [InlineData("batchSyn", "2", Matching)]
    [InlineData("rateSchedule", "plateau")]
    [InlineData("rateSchedule", "steps")]
    public void An_option_of_learning_decides_the_set_and_goes_on_after_a_crash_to_the_bit(string key, string value, string more = "")
    {
        string option = "--" + JsonNamingPolicy.KebabCaseLower.ConvertName(key);
        using CommandRun whole = new() { CopyAt = "IPC 1: distilling: 5/6" };
        RequireEnd(whole.Run(CommandRun.SmallRunWith($"{Base} {more} {option} {value}")));
        RequireResumed(whole);
        Assert.NotEqual((more == "" ? s_plain : s_matched).Value, EndToEndTests.Hashes(whole.RunPath)[0], StringComparer.Ordinal);
        JsonElement entry = Setting(whole.RunPath, key);
        Assert.Equal(value, entry.GetProperty("value").ToString());
        Assert.Equal($"command line ({option})", entry.GetProperty("origin").GetString());
        if (key == "clamp")
        {
            float[] images = Safetensors.Read(SetOf(whole))["images"].AsFloat32().ToArray();
            Assert.Equal((-2f, 2f), (images.Min(), images.Max())); // (0 − 0.5)/0.25 and (1 − 0.5)/0.25
        }
    }

    [Fact]
    public void Another_method_decides_the_set_and_goes_on_after_a_crash_to_the_bit()
    {
        using CommandRun whole = new() { CopyAt = "IPC 2: distilling: 5/6" };
        RequireEnd(whole.Run(Dm()));
        RequireResumed(whole);
        Assert.Equal("dm", Setting(whole.RunPath, "method").GetProperty("value").GetString());
        Assert.Equal(8, Setting(whole.RunPath, "realBatch").GetProperty("value").GetInt32());
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(whole.RunPath, "config.json")));
        Assert.False(config.RootElement.GetProperty("settings").TryGetProperty("window", out _));
        Summary summary = Summary.Read(Path.Combine(whole.RunPath, "summary.json"));
        Assert.All(summary.Results, result => Assert.Equal("dm", result.Method));
        using JsonDocument line = JsonDocument.Parse(File.ReadLines(Path.Combine(whole.RunPath, "metrics.jsonl")).First());
        Assert.False(line.RootElement.TryGetProperty("cosine", out _));
        string set = SetOf(whole);
        Assert.Equal("dm", Safetensors.Read(set).Metadata["method"]);
        Assert.Equal(0, whole.RunAsGiven(Interruption.Silent(), "verify", set));
        Assert.Equal(
            0, whole.RunAsGiven(Interruption.Silent(), "export", set, "--to", "npz", "--out", Path.Combine(whole.Folder, "exported")));
        using CommandRun other = new();
        RequireEnd(other.Run(Dm("--seed", "1")));
        Assert.NotEqual(EndToEndTests.Hashes(whole.RunPath)[0], EndToEndTests.Hashes(other.RunPath)[0], StringComparer.Ordinal);
    }

    [Fact]
    public void A_run_begins_with_the_bits_of_another_runs_set_of_another_width()
    {
        using CommandRun first = new();
        RequireEnd(first.Run(CommandRun.SmallRunWith(Base)));
        string start = SetOf(first);
        string still = $"{Base} --start-from {start} --width 6 --iterations 1 --lr-img 1e-30 --lr-label 0";
        using CommandRun same = new();
        RequireEnd(same.Run(CommandRun.SmallRunWith(still)));
        ArraySet before = Safetensors.Read(start), after = Safetensors.Read(SetOf(same));
        Assert.Equal(before["images"].AsFloat32().ToArray(), after["images"].AsFloat32().ToArray());
        Assert.Equal(before["label_logits"].AsFloat32().ToArray(), after["label_logits"].AsFloat32().ToArray());
        Assert.Equal(before.Metadata["set_sha256"], after.Metadata["start_sha256"]);
        Assert.Equal(before.Metadata["set_sha256"], after.Metadata["set_sha256"]);
        Assert.Equal("convnet-d2-w6", after.Metadata["distilled_with"]);
        Assert.DoesNotContain("--start-from:", same.Errors);

        using CommandRun whole = new() { CopyAt = "IPC 1: distilling: 5/6" };
        RequireEnd(whole.Run(CommandRun.SmallRunWith($"{Base} --start-from {start} --width 6")));
        RequireResumed(whole);
        Assert.NotEqual(before.Metadata["set_sha256"], EndToEndTests.Hashes(whole.RunPath)[0], StringComparer.Ordinal);
        Assert.Equal(start, Setting(whole.RunPath, "startFrom").GetProperty("value").GetString());
        string set = SetOf(whole);
        Assert.Equal(0, whole.RunAsGiven(Interruption.Silent(), "verify", set));
        Assert.Equal(
            0, whole.RunAsGiven(Interruption.Silent(), "export", set, "--to", "npz", "--out", Path.Combine(whole.Folder, "exported")));
        Assert.Equal(0, whole.Run("evaluate", set, "--epochs", "1", "--repeats", "1", "--eval-width", "4", "--augment", "none"));

        string moved = $"{start}.moved";
        File.Move(start, moved);
        Assert.Equal((int)ExitCode.Data, whole.RunAsGiven(Interruption.Silent(), "resume", Crashed(whole)));
        RequireEnd(whole.RunAsGiven(Interruption.Silent(), "resume", Crashed(whole), "--start-from", moved));

        // Of another start nothing goes on.
        File.Copy(SetOf(whole), start, overwrite: true);
        Assert.Equal((int)ExitCode.Data, whole.RunAsGiven(Interruption.Silent(), "resume", Crashed(whole)));
        Assert.Contains("from another start", whole.Errors);
    }

    [Fact]
    public void A_start_of_another_kind_is_refused_before_any_training()
    {
        using CommandRun first = new(), run = new();
        RequireEnd(first.Run(CommandRun.SmallRunWith(Base)));
        string start = $"--start-from {SetOf(first)}";
        void Refused(string options, string message, ExitCode code = ExitCode.Usage)
        {
            Assert.Equal((int)code, run.Run(CommandRun.SmallRunWith($"--ipc 1 {options}")));
            Assert.Contains(message, run.Errors);
            Assert.DoesNotContain("Experts", run.Errors);
            Assert.Empty(Directory.Exists(run.Runs) ? Directory.GetFileSystemEntries(run.Runs) : []);
        }
        Refused($"{start} --ipc 2", "it has 3 images, this run needs 6 (2 of each class)");
        Refused($"{start} --factor 2", "its factor is 1, that of this run 2");
        Refused($"{start} --zca 0.1", "its whitening is none, that of this run 0.1");
        Refused($"--start-from {Path.Combine(run.Folder, "none.safetensors")}", "none.safetensors does not exist", ExitCode.Data);
        run.Data = Relabelled(["left", "right", "bottom"]);
        Refused(start, "class 2 is \"top\" in the file and \"bottom\" here");
        run.Data = Relabelled(["left", "right", "top"]);
        RequireEnd(run.Run(CommandRun.SmallRunWith($"{Base} {start}"))); // other images of the same classes, with a note
        Assert.Contains("--start-from: training and test images are not those of", run.Errors);
    }

    [Theory]
    [InlineData("--clamp pixels --zca 0.1", "--clamp is \"pixels\"; expected off beside --zca: whitened images have no range")]
    [InlineData("--optimiser adm", "--optimiser is \"adm\"; expected one of adam, adamw, lamb, sgd (did you mean adam?)")]
    [InlineData("--clip-gradient -1", "--clip-gradient is \"-1\"; expected a number from 0")]
    [InlineData("--batch-syn -1", "--batch-syn is \"-1\"; expected a whole number from 0")]
    [InlineData("--rate-schedule platau", "(did you mean plateau?)")]
    [InlineData("--method dmm", "--method is \"dmm\"; expected one of")]
    [InlineData("--method dm", "--window is \"2\"; expected no value for --method dm: it is a setting of influence")]
    public void What_makes_no_sense_is_refused_with_the_reason(string options, string message)
    {
        using CommandRun run = new();
        Assert.Equal((int)ExitCode.Usage, run.Run(CommandRun.SmallRunWith(options)));
        Assert.Contains(message, run.Errors);
        Assert.False(Directory.Exists(run.Runs) && Directory.GetFileSystemEntries(run.Runs).Length > 0);
    }

    [Fact]
    public void Minibatches_of_the_set_are_refused_by_a_method_that_takes_none()
    {
        using CommandRun run = new();
        Assert.Equal((int)ExitCode.Usage, run.Run(Dm("--batch-syn", "2")));
        Assert.Contains("--batch-syn is \"2\"; expected 0 beside --method dm, which takes all of the synthetic set at once", run.Errors);
    }

    [Fact]
    public void Help_shows_the_methods_and_says_whose_a_setting_is()
    {
        using CommandRun run = new();
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "distill", "--help"));
        string help = string.Join(' ', run.Output.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("dm: distribution matching (Zhao and Bilen, WACV 2023)", help, StringComparison.Ordinal);
        Assert.Contains("Real images of each class that an update draws; 0 for all. (dm", help, StringComparison.Ordinal);
        Assert.Contains("Checkpoints over which influence is matched. (influence)", help, StringComparison.Ordinal);
        Assert.Equal("256", Presets.Standard.With("Method", "dm").Text("RealBatch"));
    }

    // Labels that are not learned are no matter of the optimiser.
    [Theory]
    [InlineData("--labels hard")]
    [InlineData("--labels soft")]
    [InlineData("--lr-label 0")]
    public void Fixed_labels_keep_their_bits_under_every_optimiser(string labels)
    {
        string[] logits = [.. Kinds.Names<SetOptimiser>().Select(optimiser =>
        {
            using CommandRun run = new();
            RequireEnd(run.Run(CommandRun.SmallRunWith(
                $"--ipc 1 --epochs 1 --repeats 1 --iterations 3 --lr-img 0.1 {labels} --optimiser {optimiser}")));
            return Convert.ToHexString(MemoryMarshal.AsBytes(
                Safetensors.Read(SetOf(run))["label_logits"].AsFloat32()));
        })];
        Assert.Equal(Kinds.Names<SetOptimiser>().Count, logits.Length);
        Assert.Single(logits.Distinct(StringComparer.Ordinal));
    }

    private static string[] Dm(params string[] more) =>
    [
        "distill", "--method", "dm", "--dataset", "tiny", "--ipc", "1", "2", "--iterations", "6", "--width", "4", "--depth", "2",
        "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16", "--checkpoints", "1", "--real-batch", "8", "--lr-img", "1",
        "--image-start", "real", "--labels", "hard", "--epochs", "2", "--repeats", "2", "--eval-width", "4", "--augment", "none",
        "--match-augment", "auto", "--save-every", "2", .. more,
    ];

    private static DatasetPair Relabelled(string[] classes)
    {
        DatasetPair tiny = CommandRun.TinyData([.. classes]);
        return new DatasetPair(tiny.Name, tiny.Test, tiny.Train);
    }

    private static void RequireResumed(CommandRun whole)
    {
        RequireEnd(whole.RunAsGiven(Interruption.Silent(), "resume", whole.CopiedRun));
        Assert.Equal(EndToEndTests.Hashes(whole.RunPath), EndToEndTests.Hashes(whole.CopiedRun));
        Assert.Equal(Lines(whole.RunPath), Lines(whole.CopiedRun));
    }

    // The run as if its summary had not been written yet.
    private static string Crashed(CommandRun run)
    {
        File.Delete(Path.Combine(run.CopiedRun, "summary.json"));
        return run.CopiedRun;
    }

    private static string[] Lines(string run) => File.ReadAllLines(Path.Combine(run, "metrics.jsonl"));

    private static string SetOf(CommandRun run) => Path.Combine(run.RunPath, "synthetic", "ipc1.safetensors");

    private static JsonElement Setting(string run, string key)
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "config.json")));
        return config.RootElement.GetProperty("settings").GetProperty(key).Clone();
    }

    private static string HashOf(string options)
    {
        using CommandRun run = new();
        RequireEnd(run.Run(CommandRun.SmallRunWith(options)));
        return EndToEndTests.Hashes(run.RunPath)[0];
    }
}
