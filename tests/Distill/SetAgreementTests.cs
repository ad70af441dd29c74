using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

/// <summary>A set meets only data of its own classes, in its own order, unless somebody says otherwise.</summary>
public sealed class SetAgreementTests : IDisposable
{
    private static readonly string[] s_own = ["left", "right", "top"];
    private static readonly string[] s_few = ["--epochs", "2", "--repeats", "1", "--eval-width", "4", "--augment", "none"];

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("right left top", "class 0 is \"left\" in the file and \"right\" here; class 1 is \"right\" in the file and \"left\" here (the same names in another order)")]
    [InlineData("left right bottom", "class 2 is \"top\" in the file and \"bottom\" here")]
    [InlineData("a b c", "class 0 is \"left\" in the file and \"a\" here")]
    [InlineData("left top right", "(the same names in another order)")]
    public void Evaluate_refuses_other_classes_of_other_images_by_name_and_evaluates_them_when_told_to(string names, string difference)
    {
        string set = ArtifactSample.Write(_run.Folder);
        _run.Data = Data(names.Split(' '), relabel: 1);
        Assert.Equal((int)ExitCode.Data, _run.Run(["evaluate", set, .. s_few, "--json"]));
        Assert.Contains(difference, _run.Errors);
        Assert.Contains("[IM3047]", _run.Errors);
        Assert.Contains("--allow-other-data", _run.Errors);
        Assert.Empty(_run.Output);
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few, "--json", "--allow-other-data"]));
        Assert.Contains("evaluated on other data, as --allow-other-data asks", _run.Errors);
        Assert.Contains(
            difference, JsonDocument.Parse(_run.Output).RootElement.GetProperty("note").GetString()!, StringComparison.Ordinal);
    }

    [Fact]
    public void The_right_data_are_evaluated_without_a_word()
    {
        string set = ArtifactSample.Write(_run.Folder);
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few, "--json"]));
        Assert.DoesNotContain("Note:", _run.Errors, StringComparison.Ordinal);
        Assert.False(JsonDocument.Parse(_run.Output).RootElement.TryGetProperty("note", out _));
    }

    [Fact]
    public void Names_alone_may_change_where_the_images_are_the_same_and_capitals_where_they_are_not()
    {
        string set = ArtifactSample.Write(_run.Folder);
        _run.Data = Data(["left", "right", "above"], relabel: 0);
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few]));
        Assert.Contains("class 2 is \"top\" in the file and \"above\" here. Images and labels are the set's own", _run.Errors);
        _run.Data = Data(["Left", "RIGHT", "top"], relabel: 1);
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few]));
        Assert.Contains("training and test images are not those of", _run.Errors);
        Assert.Contains("class 0 is \"left\" in the file and \"Left\" here", _run.Errors);
        // Two classes that only capitals tell apart are not exchanged for each other.
        Assert.False(ClassNames.AreSame(["a", "A"], ["A", "a"]));
        Assert.True(ClassNames.AreSame(["é", "b"], ["é", "B"]));
        Assert.False(ClassNames.AreSame(["a", "b"], ["a"]));
    }

    [Theory]
    [InlineData("0 1 2")]
    [InlineData("1 2 3")]
    [InlineData("00 01 02")]
    public void Numbers_for_names_do_not_show_that_other_images_are_of_the_same_classes(string names)
    {
        string[] numbered = names.Split(' ');
        _run.Data = Data(numbered, relabel: 0);
        string set = ArtifactSample.Write(_run.Folder, pair: _run.Data);
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few]));
        _run.Data = Data(numbered, relabel: 1);
        Assert.Equal((int)ExitCode.Data, _run.Run(["evaluate", set, .. s_few]));
        Assert.Contains("classes that are only numbered do not show that they mean the same", _run.Errors);
    }

    [Fact]
    public void The_images_of_the_set_decide_how_other_images_are_standardised()
    {
        string set = ArtifactSample.Write(_run.Folder);
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few, "--json"]));
        double[] own = Runs();
        // The same images under other numbers are prepared as the set says, and so are learned as before.
        DatasetPair pair = CommandRun.TinyData();
        _run.Data = pair.With(new Standardisation([0.1f], [0.9f]));
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few, "--json"]));
        Assert.Equal(own, Runs());
        Assert.Same(pair, pair.With(new Standardisation([0.5f], [0.25f])));

        double[] Runs() =>
        [
            .. JsonDocument.Parse(_run.Output).RootElement.GetProperty("results")[0].GetProperty("accuracy")
                .GetProperty("distilled").GetProperty("runs").EnumerateArray().Select(r => r.GetDouble()),
        ];
    }

    [Fact]
    public void Sets_of_the_first_format_are_held_to_their_names_and_training_images()
    {
        string set = ArtifactSample.Write(_run.Folder);
        ArtifactSample.MakeFirstFormat(set);
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few]));
        _run.Data = Data(["right", "left", "top"], relabel: 1);
        Assert.Equal((int)ExitCode.Data, _run.Run(["evaluate", set, .. s_few]));
        Assert.Contains("the same names in another order", _run.Errors);
        string folder = Path.Combine(_run.Folder, "exported");
        Assert.Equal((int)ExitCode.Data, Run("export", set, "--to", "npz", "--test-images", "--out", folder));
        Assert.Contains("[IM3046]", _run.Errors);
        Assert.False(Directory.Exists(folder));
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(set);
        texts.Remove("dataset_sha256");
        Safetensors.Write(set, arrays.Values, texts);
        _run.Data = CommandRun.TinyData();
        Assert.Equal(0, _run.Run(["evaluate", set, .. s_few]));
        Assert.Contains("nobody can tell whether the images are those of", _run.Errors);
    }

    [Fact]
    public void Verify_and_export_name_the_classes_that_are_others()
    {
        string set = ArtifactSample.Write(_run.Folder);
        _run.Data = Data(["right", "left", "top"], relabel: 1);
        Assert.Equal((int)ExitCode.Data, Run("verify", set));
        Assert.Contains("classes: class 0 is \"left\" in the file and \"right\" here", _run.Errors);
        Assert.Contains("[IM3046]", _run.Errors);
        foreach (string option in (string[])["--measure", "--test-images"])
        {
            string folder = Path.Combine(_run.Folder, "exported");
            Assert.Equal((int)ExitCode.Data, Run("export", set, "--to", "npz", option, "--out", folder));
            Assert.Contains("class 0 is \"left\" in the file and \"right\" here", _run.Errors);
            Assert.Contains($"or leave {option} out", _run.Errors);
            Assert.False(Directory.Exists(folder));
        }
        _run.Data = Data(["left", "right", "above"], relabel: 0);
        Run("verify", set);
        Assert.Contains("class 2 is \"top\" in the file and \"above\" here; the images and labels are the same", _run.Output);
        Assert.DoesNotContain("[IM3046]", _run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("names", "class 0 is \"left\" in the file and \"right\" here")]
    [InlineData("name", "class 2 is \"top\" in the file and \"above\" here")]
    [InlineData("train", "it began on other training images")]
    [InlineData("test", "it began on other test images")]
    public void A_run_goes_on_with_the_data_that_it_began_on_and_no_others(string what, string why)
    {
        _run.InterruptAt = "IPC 1: distilling: done";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(CommandRun.SmallRun("--threads", "1")));
        _run.InterruptAt = null;
        DatasetPair own = CommandRun.TinyData();
        _run.Data = what switch
        {
            "names" => Data(["right", "left", "top"], relabel: 1),
            "name" => Data(["left", "right", "above"], relabel: 0),
            "train" => new DatasetPair("tiny", own.Train.Subset([1, 0, .. Enumerable.Range(2, own.Train.Count - 2)]), own.Test),
            _ => new DatasetPair("tiny", own.Train, own.Test.Subset([1, 0, .. Enumerable.Range(2, own.Test.Count - 2)])),
        };
        Assert.Equal((int)ExitCode.Data, Run("resume", _run.RunPath));
        Assert.Contains(why, _run.Errors);
        Assert.Contains("[IM3048]", _run.Errors);
        _run.Data = own;
        Assert.Equal(0, Run("resume", _run.RunPath));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("{\"dataset\":null,\"classes\":[],\"trainSha256\":\"\",\"testSha256\":\"\"}")]
    [InlineData("{\"dataset\":\"tiny\",\"classes\":[null],\"trainSha256\":\"\",\"testSha256\":\"\"}")]
    [InlineData("{\"dataset\":\"tiny\",\"classes\":7,\"trainSha256\":\"\",\"testSha256\":\"\"}")]
    public void What_a_run_began_on_is_read_with_care_and_may_be_missing_in_older_runs(string text)
    {
        DatasetPair pair = CommandRun.TinyData();
        Assert.False(RunData.Require(_run.Folder, pair));
        RunData.Save(_run.Folder, pair);
        Assert.True(RunData.Require(_run.Folder, pair));
        File.WriteAllText(Path.Combine(_run.Folder, RunData.FileName), text);
        DistillException e = Assert.Throws<DistillException>(() => RunData.Require(_run.Folder, pair));
        Assert.Equal((ExitCode.Data, "IM3049"), (e.ExitCode, e.Code));
    }

    [Fact]
    public void Many_and_long_names_are_shortened()
    {
        string[] own = [.. Enumerable.Range(0, 200).Select(i => $"n{i:D8}")], here = [.. own.Reverse()];
        Assert.EndsWith("; and 197 more of 200 (the same names in another order)", ClassNames.Difference(own, here), StringComparison.Ordinal);
        Assert.Equal(
            $"class 0 is \"{new string('x', 40)}…\" in the file and none here", ClassNames.Difference([new string('x', 300)], []));
    }

    private int Run(params string[] args) => _run.RunAsGiven(Interruption.Silent(), args);

    // The tiny data under other names; each label moved up by a number.
    private static DatasetPair Data(string[] names, int relabel)
    {
        DatasetPair own = CommandRun.TinyData();
        ImageDataset Of(ImageDataset set) => new(
            set.Traits with { ClassNames = [.. names] }, set.ImageShape, [.. set.Pixels],
            [.. set.Labels.ToArray().Select(l => (byte)((l + relabel) % s_own.Length))]);
        return new DatasetPair("tiny", Of(own.Train), Of(own.Test));
    }
}
