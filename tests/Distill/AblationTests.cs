using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

public sealed class AblationTests
{
    private static string[] Small(params string[] more) =>
        ["ablate", .. CommandRun.SmallRun()[1..], "--start-growth", "3", .. more];

    [Fact]
    public void Every_row_of_the_papers_grid_is_a_run_of_its_own_on_the_same_experts()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(Small("--json")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement[] rows = [.. json.RootElement.GetProperty("rows").EnumerateArray()];
        Assert.True(json.RootElement.GetProperty("complete").GetBoolean());
        Assert.Equal(
            [("base", 52.2), ("real-start", 53.7), ("schedule", 55.0), ("labels", 54.6), ("all", 57.4)],
            rows.Select(r => r.GetProperty("row")).Select(r =>
                (r.GetProperty("name").GetString()!, r.GetProperty("published").GetDouble())));
        string[] hashes =
        [
            .. rows.SelectMany(r => r.GetProperty("results").EnumerateArray())
                .Select(r => r.GetProperty("setHash").GetString()!),
        ];
        Assert.Equal(2 * rows.Length, hashes.Distinct(StringComparer.Ordinal).Count());
        // What does not depend on the row is the same in all.
        Assert.Single(rows.Select(r =>
            r.GetProperty("results")[0].GetProperty("accuracy").GetProperty("randomReal").GetRawText()).Distinct(StringComparer.Ordinal));
        Assert.Equal(2, Directory.GetFiles(Path.Combine(run.RunPath, "experts")).Length);

        string all = Path.Combine(run.RunPath, "rows", "all"), basis = Path.Combine(run.RunPath, "rows", "base");
        Assert.Equal("3", ConfigFile.Read(Path.Combine(all, "config.json")).Resolved.Settings.Text("StartGrowth"));
        RunSettings settings = ConfigFile.Read(Path.Combine(basis, "config.json")).Resolved.Settings;
        Assert.Equal(("0", "noise", "hard"), (settings.Text("StartGrowth"), settings.ImageStart, settings.Labels));
        // One-hot to a unit in the last place, which is what the exponential of 0 is off by.
        float[] labels = [.. Safetensors.Read(Path.Combine(basis, "synthetic", "ipc1.safetensors"))["soft_labels"].AsFloat32()];
        for (int i = 0; i < 9; i++)
            Assert.Equal(i % 4 == 0 ? 1 : 0, labels[i], 2e-7);

        // The paper's figures are of CIFAR-100 with 50 images per class: beside another set they do not stand.
        Directory.Delete(run.Runs, recursive: true);
        Assert.Equal(0, run.Run(Small()));
        Assert.Contains("real-start", run.Output);
        Assert.DoesNotContain("57.4", run.Output);
        Assert.DoesNotContain("paper", run.Output);
        Assert.Contains($"compare {run.RunPath}/rows/*", run.Output);
    }

    [Theory]
    [InlineData("Row 2 of 5")]
    [InlineData("IPC 2: distilling: done")]
    public void Interrupted_and_resumed_an_ablation_is_as_if_nothing_had_happened(string at)
    {
        using CommandRun whole = new(), cut = new() { InterruptAt = at };
        Assert.Equal(0, whole.Run(Small()));
        Assert.Equal((int)ExitCode.Interrupted, cut.Run(Small()));
        Assert.Contains($"resume {cut.RunPath}", cut.Errors);
        cut.InterruptAt = null;
        Assert.Equal(0, cut.Run("resume"));
        Assert.Equal(Hashes(whole), Hashes(cut));
    }

    [Theory]
    [InlineData("--image-start", "noise", "'ablate' varies it")]
    [InlineData("--labels", "hard", "'ablate' varies it")]
    [InlineData("--start-from", "set.safetensors", "'ablate' varies it")]
    [InlineData("--start-growth", "0", "a number from 1")]
    [InlineData("--lr-label", "0", "a number above 0: else learned labels would be kept")]
    [InlineData("--grid", "papper", "did you mean paper?")]
    public void What_it_varies_cannot_be_given(string option, string value, string message)
    {
        using var run = new CommandRun();
        string[] args = Small();
        if (Array.IndexOf(args, option) is >= 0 and int at)
            args[at + 1] = value;
        else
            args = [.. args, option, value];
        Assert.Equal((int)ExitCode.Usage, run.Run(args));
        Assert.Contains(message, run.Errors);
    }

    [Fact]
    public void A_damaged_ablation_file_is_refused()
    {
        using CommandRun run = new() { InterruptAt = "Row 2 of 5" };
        Assert.Equal((int)ExitCode.Interrupted, run.Run(Small()));
        File.WriteAllText(Path.Combine(run.RunPath, AblationSummary.FileName), "{\"grid\": \"other\"}");
        run.InterruptAt = null;
        Assert.Equal((int)ExitCode.Data, run.Run("resume"));
        Assert.Contains("[IM3026]", run.Errors);
    }

    [Fact]
    public void The_full_grid_holds_the_papers_rows_and_every_other_combination_once()
    {
        AblationRow[] full = [.. AblationGrid.Of("full")];
        Assert.Equal(18, full.Select(r => (r.ImageStart, r.Schedule, r.Labels)).Distinct().Count());
        Assert.Equal(18, full.Select(r => r.Name).Distinct(StringComparer.Ordinal).Count());
        Assert.All(AblationGrid.Of("paper"), row => Assert.Contains(row, full));
    }

    // Without experts all logits are 0, and the first class is found in every image.
    [Fact]
    public void Classes_that_lack_correctly_classified_images_are_named_and_completed()
    {
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), new CpuBackend(1));
        using var scope = TensorScope.Begin();
        var notes = new List<string>();
        var real = new RealImages(data, [], 1, RandomKey.FromSeed(3));
        Assert.Equal(6, real.Start(2, new SetStart(ImageStart.Correct, LabelStart.NearlyHard), note: notes.Add).Count);
        Assert.Equal(
            [
                "Of class 'right' the experts classify 0 of 24 images correctly: 2 others complete the 2 that S starts from.",
                "Of class 'top' the experts classify 0 of 24 images correctly: 2 others complete the 2 that S starts from.",
            ],
            notes);
    }

    [Fact]
    public void A_set_starts_from_what_is_asked_for()
    {
        DatasetPair pair = CommandRun.TinyData();
        using PreparedData data = PreparedData.Load(pair, new CpuBackend(1));
        using var scope = TensorScope.Begin();
        var real = new RealImages(data, [], 1, RandomKey.FromSeed(3));
        InfMatch.Methods.SyntheticSet noise = real.Start(40 / 4, new SetStart(ImageStart.Noise, LabelStart.NearlyHard));
        float[] values = noise.Images.ToArray<float>();
        Assert.InRange(values.Average(), -0.1, 0.1);
        Assert.InRange(values.Average(v => v * v), 0.9, 1.1);

        InfMatch.Methods.SyntheticSet images = real.Start(2, new SetStart(ImageStart.Real, LabelStart.NearlyHard));
        float[] all = data.Train.Images.ToArray<float>(), chosen = images.Images.ToArray<float>();
        int size = data.Image.Count;
        for (int i = 0; i < 6; i++)
        {
            int at = Enumerable.Range(0, data.Train.Count).Single(k =>
                all.AsSpan(k * size, size).SequenceEqual(chosen.AsSpan(i * size, size)));
            Assert.Equal(i / 2, data.TrainLabels[at]);
        }
        // q = 0.943 of the class whatever the number of classes: e⁵/(e⁵ + 9).
        float[] soft = images.AsTrainingSet().Labels.ToArray<float>();
        Assert.Equal(Math.Exp(5) / (Math.Exp(5) + 9), soft[0], 1e-6);
    }

    private static string Hashes(CommandRun run) => string.Join('\n', AblationSummary.Read(run.RunPath).Rows
        .SelectMany(r => r.Results.Select(one => $"{r.Row.Name} {one.Ipc} {one.SetHash} {one.Accuracy.Distilled}")));
}
