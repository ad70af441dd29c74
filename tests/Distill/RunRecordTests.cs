using System.Globalization;
using System.Text.Json.Nodes;
using CsvHelper;
using InfMatch.Distill;
using SkiaSharp;

namespace InfMatch.Tests.Distill;

public sealed class RunRecordTests
{
    [Fact]
    public void The_loss_in_fixed_places_changes_no_bit_of_a_run_and_stands_at_its_start_its_end_and_between()
    {
        using CommandRun with = new(), without = new();
        Assert.Equal(0, with.Run(CommandRun.SmallRun("--probe-every", "2")));
        Assert.Equal(0, without.Run(CommandRun.SmallRun("--probe-every", "0")));
        Assert.Equal(EndToEndTests.Hashes(without.RunPath), EndToEndTests.Hashes(with.RunPath));
        JsonObject[] lines = [.. MetricsFile.Read(In(with, "metrics.jsonl"))];
        Assert.Equal([0, 2, 4, 6], OfKind(lines, MetricsFile.Probe, 2).Select(l => l["iteration"]!.GetValue<int>()));
        Assert.All(OfKind(lines, MetricsFile.Probe, 2), l => Assert.InRange(l["j"]!.GetValue<double>(), 1e-6, 10));
        Assert.Equal(
            MetricsFile.Read(In(without, "metrics.jsonl")).Select(l => l.ToJsonString()),
            lines.Where(l => MetricsFile.KindOf(l) != MetricsFile.Probe).Select(l => l.ToJsonString()), StringComparer.Ordinal);
        Assert.Equal(HashOf(without), HashOf(with));
    }

    [Fact]
    public void Another_method_has_a_loss_in_fixed_places_too()
    {
        using var run = new CommandRun();
        string[] args =
        [
            "distill", "--dataset", "tiny", "--method", "dm", "--ipc", "2", "--iterations", "6", "--width", "4", "--depth", "2", "--experts",
            "1", "--expert-epochs", "1", "--expert-batch", "16", "--checkpoints", "4", "--lr-img", "1", "--epochs", "4", "--repeats", "2",
            "--eval-width", "4", "--augment", "none", "--probe-every", "3",
        ];
        Assert.Contains(run.Run(args), (int[])[0, (int)ExitCode.Diverged]);
        (int Iteration, double Value)[] curve = MetricsFile.Curve(In(run, "metrics.jsonl"), 2, MetricsFile.ProbeKey);
        Assert.Equal([0, 3, 6], curve.Select(p => p.Iteration));
        Assert.True(curve[^1].Value < curve[0].Value);
    }

    [Fact]
    public void An_interruption_between_an_update_and_what_follows_it_leaves_no_gap()
    {
        using CommandRun whole = new(), cut = new() { InterruptAt = "IPC 2: distilling: 3/6", ShowsAll = true };
        string[] args = CommandRun.SmallRun("--probe-every", "3");
        Assert.Equal(0, whole.Run(args));
        // The token is cancelled before the evaluation that is due after the third update, which then does not take place.
        Assert.Equal((int)ExitCode.Interrupted, cut.Run(args));
        JsonObject[] before = [.. MetricsFile.Read(In(cut, "metrics.jsonl"))];
        Assert.Equal(3, OfKind(before, MetricsFile.Update, 2).Count());
        Assert.Equal([0], OfKind(before, MetricsFile.Evaluation, 2).Select(l => l["iteration"]!.GetValue<int>()));
        cut.InterruptAt = null;
        Assert.Equal(0, cut.Run("resume"));
        Assert.Equal(File.ReadAllLines(In(whole, "metrics.jsonl")), File.ReadAllLines(In(cut, "metrics.jsonl")));
        Assert.Equal(File.ReadAllText(In(whole, "metrics.csv")), File.ReadAllText(In(cut, "metrics.csv")));
        Assert.Equal(File.ReadAllText(In(whole, "confusion.json")), File.ReadAllText(In(cut, "confusion.json")));
        string[] Pictures(CommandRun run) =>
            [.. Directory.GetFiles(In(run, "images")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        Assert.Equal(Pictures(whole), Pictures(cut));
        foreach (string picture in Pictures(whole).Where(p => !p.Contains("curves", StringComparison.Ordinal)))
            Assert.Equal(File.ReadAllBytes(In(whole, "images", picture)), File.ReadAllBytes(In(cut, "images", picture)));
    }

    [Fact]
    public void The_table_of_metrics_has_a_row_for_each_line_with_the_same_numbers()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRun()));
        JsonObject[] lines = [.. MetricsFile.Read(In(run, "metrics.jsonl"))];
        using var reader = new StreamReader(In(run, "metrics.csv"));
        using var csv = new CsvReader(reader, CultureInfo.InvariantCulture);
        csv.Read();
        csv.ReadHeader();
        foreach (JsonObject line in lines)
        {
            Assert.True(csv.Read());
            Assert.Equal(MetricsFile.KindOf(line), csv.GetField("kind"));
            foreach ((string key, JsonNode? value) in line.Where(entry => entry.Key is not ("kind" or "skipped")))
                Assert.Equal(value!.GetValue<double>(), csv.GetField<double>(key));
        }
        Assert.False(csv.Read());
    }

    [Fact]
    public void Stages_have_their_time_and_memory_and_a_resumed_run_a_second_sitting()
    {
        using var run = new CommandRun { InterruptAt = "IPC 1: distilling: done" };
        Assert.Equal((int)ExitCode.Interrupted, run.Run(CommandRun.SmallRun()));
        run.InterruptAt = null;
        Assert.Equal(0, run.Run("resume"));
        List<StageRecord> stages = StagesFile.Read(In(run, "stages.jsonl"));
        Assert.Equal(
            [("data", null, 1), ("experts", null, 1), ("distil", "ipc1", 1)], stages.Take(3).Select(s => (s.Stage, s.Set, s.Sitting)));
        Assert.Contains(stages, s => s is { Stage: "evaluate", Set: "ipc2", Sitting: 2, Seconds: > 0, PeakBytes: > 0 });
        Assert.All(stages, s => Assert.Equal(
            DateTimeKind.Utc, DateTime.Parse(s.Began, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal).Kind));
        string[] text = File.ReadAllLines(In(run, "stages.jsonl"));
        File.WriteAllLines(In(run, "stages.jsonl"), [text[0].Replace("data", "dada", StringComparison.Ordinal), .. text[1..]]);
        Assert.Contains("IM3055", Assert.Throws<DistillException>(() => StagesFile.Read(In(run, "stages.jsonl"))).Message);
    }

    [Fact]
    public void A_full_disk_hides_no_error_that_ended_a_stage_and_is_told_after_it()
    {
        Skip.IfNot(File.Exists("/dev/full"), "this system has no /dev/full");
        InvalidOperationException first = Assert.Throws<InvalidOperationException>(() => Work(fails: true));
        Assert.Equal("the first", first.Message);
        Assert.Throws<IOException>(() => Work(fails: false));

        static void Work(bool fails)
        {
            var lines = new CheckedLines(new FileStream("/dev/full", FileMode.Open, FileAccess.Write), "");
            using var stages = new StagesFile(lines, new InfMatch.Tensors.CpuBackend(threads: 1), sitting: 1);
            using (stages.Begin("distil"))
            {
                if (fails)
                    throw new InvalidOperationException("the first");
            }
            stages.RequireWritten();
        }
    }

    [Fact]
    public void The_peak_of_a_stage_is_its_own()
    {
        var backend = new InfMatch.Tensors.CpuBackend(threads: 1);
        using (var scope = InfMatch.Tensors.TensorScope.Begin())
            backend.Empty(new InfMatch.Tensors.Shape(1 << 16), InfMatch.Tensors.DType.Float32);
        backend.WatchPeak();
        using (var scope = InfMatch.Tensors.TensorScope.Begin())
            backend.Empty(new InfMatch.Tensors.Shape(1 << 10), InfMatch.Tensors.DType.Float32);
        Assert.InRange(backend.Memory.WatchedPeak, 4 << 10, 8 << 10);
        Assert.True(backend.Memory.PeakInUse >= 4 << 16);
    }

    [Fact]
    public void Confusion_counts_every_test_image_and_its_diagonal_is_the_accuracy()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRun()));
        Summary summary = Summary.Read(In(run, "summary.json"));
        ConfusionFile confusion = ConfusionFile.Read(In(run, "confusion.json"));
        Assert.Equal(["left", "right", "top"], confusion.Classes);
        Assert.Equal(10, confusion.Columns.Count);
        foreach (IpcResult result in summary.Results)
        {
            foreach ((ResultColumn column, Accuracy accuracy) in result.Accuracy.All())
            {
                ConfusionMatrix matrix = confusion.Of(result.Ipc, column.Name)!;
                Assert.Equal(accuracy.Runs.Count, matrix.Networks);
                Assert.All(matrix.Counts, row => Assert.Equal(2 * CommandRun.TestPerClass, row.Sum()));
                Assert.Equal(accuracy.Mean, matrix.Accuracy(), 5);
                Assert.Equal(accuracy.Mean, matrix.PerClass().Average(), 5);
            }
        }
    }

    [Fact]
    public void Confusion_of_a_resumed_evaluation_is_that_of_one_in_one_go()
    {
        using CommandRun run = new();
        Assert.Equal(0, run.Run(CommandRun.SmallRun()));
        string set = In(run, "synthetic", "ipc2.safetensors");
        string[] evaluate = ["evaluate", set, "--epochs", "3", "--repeats", "3", "--eval-width", "4", "--augment", "none"];
        Assert.Equal(0, run.Run(evaluate));
        string whole = run.EvaluationPath, text = File.ReadAllText(Path.Combine(whole, "confusion.json"));
        Assert.Contains("\"counts\":[[", File.ReadAllText(Path.Combine(whole, EvaluatedNetworksFile.FileName)), StringComparison.Ordinal);

        // Half of the networks are known, as after an interruption.
        string networks = Path.Combine(whole, EvaluatedNetworksFile.FileName);
        File.WriteAllLines(networks, File.ReadAllLines(networks).Take(4));
        File.Delete(Path.Combine(whole, "confusion.json"));
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "resume", whole));
        Assert.Equal(Columns(text), Columns(File.ReadAllText(Path.Combine(whole, "confusion.json"))));

        string damaged = text.Replace("[[", "[[1", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(whole, "confusion.json"), damaged);
        DistillException e = Assert.Throws<DistillException>(() => ConfusionFile.Read(Path.Combine(whole, "confusion.json")));
        Assert.Contains("IM3056", e.Message, StringComparison.Ordinal);

        static string[] Columns(string json) =>
            [.. JsonNode.Parse(json)!["columns"]!.AsArray().Select(c => c!.ToJsonString()).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Networks_of_an_earlier_version_have_no_counts_and_are_kept_all_the_same()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"infmatch-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        try
        {
            var column = new EvaluatedColumn("net", 1, "distilled");
            using (var file = new EvaluatedNetworksFile(folder, "what", 2))
            {
                file.Add(column, 0, new EvaluatedNetwork(50, 60));
                file.Add(column, 1, new EvaluatedNetwork(70, 70) { Confusion = ConfusionMatrix.Of([0, 1, 1], [0, 1, 0], 2) });
            }
            using var again = new EvaluatedNetworksFile(folder, "what", 2);
            Assert.Null(again.Of(column)[0].Confusion);
            Assert.Equal([1, 0, 1, 1], again.Of(column)[1].Confusion!.Counts.SelectMany(row => row));
            Assert.Null(ConfusionMatrix.Sum([.. again.Of(column).Values.Select(n => n.Confusion)]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Pictures_of_S_stand_at_steps_between_beside_each_other_and_as_it_is_now()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRunWith("--iterations 16")));
        string[] names = [.. Directory.GetFiles(In(run, "images"), "ipc2*").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];
        Assert.Equal(
            [
                "ipc2-after.png", "ipc2-before-after.png", "ipc2-before.png", "ipc2-curves.png", "ipc2-step000002.png", "ipc2-step000004.png",
                "ipc2-step000006.png", "ipc2-step000008.png", "ipc2-step000010.png", "ipc2-step000012.png", "ipc2-step000014.png", "ipc2.png",
            ],
            names);
        using SKBitmap after = SKBitmap.Decode(In(run, "images", "ipc2-after.png"));
        using SKBitmap both = SKBitmap.Decode(In(run, "images", "ipc2-before-after.png"));
        Assert.True(both.Width > 2 * after.Width);
    }

    private static string HashOf(CommandRun run) => ConfigFile.Hash(ConfigFile.Read(In(run, "config.json")).Resolved.Settings);

    private static IEnumerable<JsonObject> OfKind(IEnumerable<JsonObject> lines, string kind, int ipc) =>
        lines.Where(l => MetricsFile.KindOf(l) == kind && l["ipc"]!.GetValue<int>() == ipc);

    private static string In(CommandRun run, params string[] parts) => Path.Combine([run.RunPath, .. parts]);
}
