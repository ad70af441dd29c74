using InfMatch.Datasets;
using InfMatch.Distill;

namespace InfMatch.Tests.Distill;

/// <summary>Training images that are held out to be chosen by, so that the test images are looked at once.</summary>
public sealed class ValidationTests : IDisposable
{
    private const string Share = "0.25";

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_share_of_each_class_is_held_out_by_the_seed()
    {
        DatasetPair whole = CommandRun.TinyData();
        DatasetPair Held(double share, ulong seed) => ValidationSplit.Of(
            Presets.Demo with { ValidationShare = share, Seed = seed }, whole);
        DatasetPair held = Held(0.25, 3);
        Assert.Equal((54, 18), (held.Train.Count, held.Test.Count));
        Assert.All(Enumerable.Range(0, 3), c => Assert.Equal((18, 6), (held.Train.CountOfClass(c), held.Test.CountOfClass(c))));
        Assert.Equal("validation images", held.EvaluationImages);
        string[] Images(ImageDataset set) => [.. Enumerable.Range(0, set.Count).Select(i => Convert.ToHexString(set.Image(i)))];
        Assert.Equal(
            Images(whole.Train).Order(StringComparer.Ordinal),
            Images(held.Train).Concat(Images(held.Test)).Order(StringComparer.Ordinal));
        Assert.Equal(held.Test.ContentHash(), Held(0.25, 3).Test.ContentHash());
        Assert.NotEqual(held.Test.ContentHash(), Held(0.25, 4).Test.ContentHash(), StringComparer.Ordinal);
        Assert.Equal(0.25, held.With(new Standardisation([0.4f], [0.2f])).HeldOutShare);
        // One image of a class is always left, and one always held out.
        Assert.Equal((3, 69), (Held(0.999, 3).Train.Count, Held(0.999, 3).Test.Count));
        Assert.Equal((69, 3), (Held(1e-6, 3).Train.Count, Held(1e-6, 3).Test.Count));
        Assert.Same(whole, ValidationSplit.Of(Presets.Demo, whole));
    }

    [Theory]
    [InlineData("1")]
    [InlineData("-0.1")]
    public void A_share_that_leaves_nothing_is_refused(string share)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(CommandRun.SmallRun("--validation-share", share)));
        Assert.Contains("--validation-share", _run.Errors);
    }

    [Fact]
    public void What_is_held_out_is_all_that_a_run_is_evaluated_on_and_every_output_says_so()
    {
        const string On = "validation (25 % of the training images held out)";
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--validation-share", Share)));
        Assert.Contains("Accuracy in percent, tiny, validation", _run.Output);
        Assert.Contains("The test images are not looked at.", _run.Errors);
        Assert.Contains("% on the validation images", _run.Errors);
        var summary = Summary.Read(Path.Combine(_run.RunPath, "summary.json"));
        Assert.Equal(On, summary.EvaluatedOn);
        Assert.EndsWith($", {On}, 2 networks", summary.Protocol);
        Assert.Contains(On, File.ReadAllText(Path.Combine(_run.RunPath, "report.html")));
        string path = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        SyntheticArtifact set = SyntheticArtifact.Read(path);
        DatasetPair held = ValidationSplit.Of(set.Settings!, CommandRun.TinyData());
        Assert.Equal(
            (held.Train.ContentHash(), held.Test.ContentHash(), On),
            (set.Metadata["dataset_sha256"], set.Metadata["test_sha256"], set.Metadata["evaluated_on"]));
        var counts = ConfusionFile.Read(Path.Combine(_run.RunPath, ConfusionFile.FileName));
        Assert.All(counts.Columns, c => Assert.Equal(18 * c.Matrix.Networks, c.Matrix.Counts.Sum(row => row.Sum())));

        // The claim is of the held-out images, and is tested on them.
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "verify", path));
        Assert.Contains("validation images: those of the file (18)", _run.Output + _run.Errors);
        Assert.Equal(0, _run.Run("runs"));
        Assert.Contains("(validation)", _run.Output);
    }

    [Fact]
    public void A_set_is_evaluated_on_the_test_images_unless_the_option_holds_the_same_out()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith($"--ipc 2 --validation-share {Share}")));
        string path = Path.Combine(_run.RunPath, "synthetic", "ipc2.safetensors");
        Summary own = Summary.Read(Path.Combine(_run.RunPath, "summary.json"));
        string[] evaluate = ["evaluate", path, "--epochs", "4", "--repeats", "2", "--eval-width", "4", "--augment", "none"];
        Assert.Equal(0, _run.Run([.. evaluate, "--validation-share", Share]));
        Summary again = Summary.Read(Path.Combine(_run.EvaluationPath, "summary.json"));
        Assert.Equal(own.EvaluatedOn, again.EvaluatedOn);
        foreach (ResultColumn column in ResultColumn.All)
            Assert.Equal(own.Results[0].Accuracy.Of(column)!.Runs, again.Results[0].Accuracy.Of(column)!.Runs);
        Directory.Delete(_run.EvaluationPath, recursive: true);

        Assert.Equal(0, _run.Run(evaluate));
        Summary tested = Summary.Read(Path.Combine(_run.EvaluationPath, "summary.json"));
        Assert.Null(tested.EvaluatedOn);
        Assert.Contains("these are the test images", tested.Note);
        var counts = ConfusionFile.Read(Path.Combine(_run.EvaluationPath, ConfusionFile.FileName));
        Assert.All(counts.Columns, c => Assert.Equal(30 * c.Matrix.Networks, c.Matrix.Counts.Sum(row => row.Sum())));
        // The experts recorded what they reach on the held-out images; here they are asked about the test images.
        Assert.Equal(counts.Of(2, "whole")!.Accuracy(), tested.Results[0].Accuracy.Whole!.Mean, 5);

        Assert.Equal((int)ExitCode.Usage, _run.Run([.. evaluate, "--validation-share", "0.5"]));
        Assert.Contains("0.25 with --seed 0, as the set held images out", _run.Errors);
    }

    [Fact]
    public void A_set_that_may_have_learned_what_is_held_out_is_no_start()
    {
        const string Few = "--ipc 1 --iterations 2 --epochs 1 --evaluate-every 0";
        string Of(string folder) => Path.Combine(folder, "synthetic", "ipc1.safetensors");
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith(Few)));
        string whole = Path.Combine(_run.Folder, "whole"), held = Path.Combine(_run.Folder, "held");
        Directory.Move(_run.RunPath, whole);
        string[] starting = [.. CommandRun.SmallRunWith($"{Few} --validation-share {Share}"), "--start-from"];
        Assert.Equal((int)ExitCode.Usage, _run.Run([.. starting, Of(whole)]));
        Assert.Contains("it may have learned images that --validation-share holds out here", _run.Errors.ReplaceLineEndings(" "));
        Assert.Contains("[IM2014]", _run.Errors);
        Assert.Equal(0, _run.Run(starting[..^1]));
        Directory.Move(_run.RunPath, held);
        Assert.Equal(0, _run.Run([.. starting, Of(held)]));
        // Of the same share, but by another seed.
        Assert.Equal((int)ExitCode.Usage, _run.Run([.. starting, Of(held), "--seed", "1"]));
        Assert.Contains("[IM2014]", _run.Errors);
    }

    [Fact]
    public void What_networks_reached_that_label_is_of_the_images_that_were_held_out_from_them()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith($"--ipc 1 --iterations 2 --epochs 1 --validation-share {Share}")));
        string run = _run.RunPath;
        Assert.Equal(0, _run.Run(
            "evaluate", Path.Combine(run, "synthetic", "ipc1.safetensors"), "--label-from", Path.Combine(run, "experts"), "--epochs", "1",
            "--repeats", "1", "--eval-width", "4", "--augment", "none"));
        Assert.Contains("% on the validation images", Summary.Read(Path.Combine(_run.EvaluationPath, "summary.json")).SoftLabels);
    }

    [Fact]
    public void Experts_that_saw_all_training_images_are_others()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith("--ipc 1")));
        string whole = _run.RunPath, path = Path.Combine(whole, "synthetic", "ipc1.safetensors");
        Assert.Equal(
            (int)ExitCode.Usage,
            _run.Run(CommandRun.SmallRun("--validation-share", Share, "--experts-from", Path.Combine(whole, "experts"))));
        Assert.Contains("IM2006", _run.Errors);
        Assert.Equal((int)ExitCode.Usage, _run.Run("evaluate", path, "--validation-share", Share));
        Assert.Contains("it has learned from all training images", _run.Errors);
    }

    [Fact]
    public void Without_it_files_are_as_before()
    {
        Assert.DoesNotContain("validation", ConfigFile.WriteDecisive(Presets.Demo), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("evalDecay", ConfigFile.WriteDecisive(Presets.Demo), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(ConfigFile.Hash(Presets.Demo), ConfigFile.Hash(Presets.Demo.With("ValidationShare", "0")));
        Assert.NotEqual(ConfigFile.Hash(Presets.Demo), ConfigFile.Hash(Presets.Demo.With("ValidationShare", Share)), StringComparer.Ordinal);
        Assert.Null(PlanFactory.EvaluatedOn(Presets.Demo));
    }
}
