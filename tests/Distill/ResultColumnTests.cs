using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Tests.Distill;

/// <summary>The columns of a result: what they are trained on, and how they stand in files and tables.</summary>
public sealed class ResultColumnTests
{
    private static readonly ColumnCase s_learned = new(HasSet: true, HasTeacher: true, HasHardLabels: false);

    [Fact]
    public void Each_has_its_key_heading_and_place()
    {
        Assert.Equal(
            [
                ("randomReal", "random real"), ("randomRealSoftLabels", "random real + soft labels"), ("distilled", "distilled"),
                ("distilledHardLabels", "distilled, hard labels"), ("whole", "whole set"),
            ],
            ResultColumn.All.Select(column => (column.Name, column.Title)));
        Assert.Equal(
            ["distilled", "distilledHardLabels", "randomReal", "randomRealSoftLabels"],
            ResultColumn.Trained(s_learned).Select(column => column.Name), StringComparer.Ordinal);
        Assert.Equal(["randomReal"], ResultColumn.Trained(new(false, false, false)).Select(column => column.Name), StringComparer.Ordinal);
    }

    [Fact]
    public void Hard_labels_are_the_classes_of_the_images_also_of_tiles()
    {
        var backend = new ReferenceBackend();
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        var real = new InfMatch.Distill.RealImages(data, [], 1, RandomKey.FromSeed(1));
        SyntheticSet set = real.Start(2, new SetStart(ImageStart.Real, LabelStart.NearlyHard), factor: 2);
        var sources = new ColumnSources(2, real, hasTeacher: false, set);
        Assert.False(sources.Case.HasHardLabels);
        using var scope = TensorScope.Begin();
        LabelledImages hard = ResultColumn.Of<DistilledHardLabelsColumn>().TrainingSet(sources, 0), own = set.AsTrainingSet();
        Assert.Equal(own.Images.ToArray<float>(), hard.Images.ToArray<float>());
        Assert.Equal(new Shape(24, 3), hard.Labels.Shape);
        float[] labels = hard.Labels.ToArray<float>();
        for (int i = 0; i < 24; i++)
        {
            for (int c = 0; c < 3; c++)
                Assert.Equal(i / 8 == c ? 1 : 0, labels[3 * i + c]);
        }
        Assert.Throws<ShapeException>(() => set.AsTrainingSet([0, 1]));
    }

    [Fact]
    public void Hard_labels_of_a_set_are_not_trained_on_twice()
    {
        var backend = new ReferenceBackend();
        using PreparedData data = PreparedData.Load(CommandRun.TinyData(), backend);
        var real = new InfMatch.Distill.RealImages(data, [], 1, RandomKey.FromSeed(1));
        var sources = new ColumnSources(2, real, true, real.Start(2, new SetStart(ImageStart.Real, LabelStart.Hard)));
        Assert.Equal(ColumnCase.OfRun(Presets.Demo with { Labels = "hard" }), sources.Case);
        ResultColumn distilled = ResultColumn.Of<DistilledColumn>(), hard = ResultColumn.Of<DistilledHardLabelsColumn>();
        Assert.DoesNotContain(hard, ResultColumn.Trained(sources.Case));
        AccuracySet row = new AccuracySet().WithMeasured(distilled, Accuracy.Of([50, 52]), sources.Case);
        Assert.Equal((row.Distilled!.Mean, "distilled"), (row.Of(hard)!.Mean, row.Of(hard)!.SameAs));
        Assert.Equal("= 51.0 ± 1.4", Accuracy.Cell(row.Of(hard)));
        Assert.Contains("these are the networks of 'distilled'", ResultColumn.NoteOfSame([row]));
        Assert.Null(new AccuracySet().WithMeasured(distilled, Accuracy.Of([50]), s_learned).Of(hard));
        // Labels that are hard and of another class make another set.
        Assert.False(ColumnSources.AreHard(sources.Set!, [1, 1, 0, 0, 2, 2]));
    }

    [Fact]
    public void A_run_of_hard_labels_says_that_both_columns_are_the_same()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRunWith("--labels hard --ipc 1")));
        Assert.Contains("'= ' under 'distilled, hard labels'", run.Output.ReplaceLineEndings(" "));
        AccuracySet found = Summary.Read(Path.Combine(run.RunPath, "summary.json")).Results[0].Accuracy;
        Assert.Equal(found.Distilled!.Runs, found.Of(ResultColumn.Of<DistilledHardLabelsColumn>())!.Runs);
        Assert.DoesNotContain("IPC 1: distilled, hard labels", run.Errors);
        var counts = ConfusionFile.Read(Path.Combine(run.RunPath, ConfusionFile.FileName));
        Assert.Equal(
            counts.Of(1, "distilled")!.Counts.SelectMany(r => r), counts.Of(1, "distilledHardLabels")!.Counts.SelectMany(r => r));
    }

    [Fact]
    public void Files_keep_their_keys_and_those_of_earlier_versions_are_read()
    {
        const string Older = """{"distilled":{"mean":50,"std":0,"runs":[50]},"randomReal":null,"randomRealSoftLabels":null,"whole":null}""";
        using JsonDocument older = JsonDocument.Parse(Older), other = JsonDocument.Parse("""{"toy":null}""");
        AccuracySet read = JsonFile.Read<AccuracySet>(older.RootElement);
        Assert.Equal(50, read.Distilled!.Mean);
        Assert.Equal(Older, JsonNode.Parse(JsonSerializer.Serialize(read, JsonText.Options))!.ToJsonString());
        Assert.False(read.IsComplete);
        Assert.Equal(4, ResultColumn.Shown([read]).Count);
        AccuracySet all = ResultColumn.All.Aggregate(read, (set, column) => set.With(column, Accuracy.Of([40])));
        Assert.True(all.IsComplete);
        Assert.Equal(5, ResultColumn.Shown([read, all]).Count);
        Assert.Contains(
            "toy is not known", Assert.Throws<JsonException>(() => JsonFile.Read<AccuracySet>(other.RootElement)).Message);
    }

    [Fact]
    public void A_complete_run_of_an_earlier_version_is_not_evaluated_again_for_a_younger_column()
    {
        using var run = new CommandRun();
        Assert.Equal(0, run.Run(CommandRun.SmallRunWith("--ipc 1")));
        Assert.Contains("Soft labels: mean logits of the experts (2 × convnet-d2-w4", run.Output);
        string path = Path.Combine(run.RunPath, "summary.json");
        Summary summary = Summary.Read(path);
        ResultColumn hard = ResultColumn.Of<DistilledHardLabelsColumn>();
        Assert.NotNull(summary.Results[0].Accuracy.Of(hard));
        (summary with { Results = [summary.Results[0] with { Accuracy = summary.Results[0].Accuracy.With(hard, null) }] }).Save(path);
        Assert.Equal(0, run.RunAsGiven(Interruption.Silent(), "resume", run.RunPath));
        Assert.DoesNotContain("IPC 1: distilled", run.Errors);
        Assert.Null(Summary.Read(path).Results[0].Accuracy.Of(hard));
    }

    [Fact]
    public void The_best_epoch_is_shown_as_such_and_decides_nothing()
    {
        Accuracy With(double[] last, double[] best) => Accuracy.Of(last) with { Best = Accuracy.Of(best) };
        Assert.Equal("50.0 ± 1.4 (best 90.0 ± 1.4)", Accuracy.Cell(With([49, 51], [89, 91])));
        Verdict? Of(AccuracySet accuracy) => new RowEvidence
        {
            Accuracy = accuracy, Settings = Presets.Demo, Classes = 10, TestImages = 10_000,
            Pixels = default, Loss = new LossCourse(1, 0.5, FallsAtEnd: false, IsFixed: true),
        }.Decide();
        AccuracySet last = new()
        {
            Distilled = Accuracy.Of([60, 61, 60]), RandomRealSoftLabels = Accuracy.Of([50, 51, 50]), RandomReal = Accuracy.Of([45, 46, 45]),
        };
        AccuracySet mixed = last with
        {
            RandomRealSoftLabels = With([50, 51, 50], [70, 71, 70]), RandomReal = With([45, 46, 45], [80, 81, 80]),
        };
        Assert.Equal(Verdict.Better, Of(last)!.Kind);
        Assert.Equal(Of(last), Of(mixed));
    }
}
