using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tests.Onnx;

namespace InfMatch.Tests.Distill;

/// <summary>'export --to onnx': networks of runs, which ONNX Runtime runs on the test images.</summary>
public sealed class NetworkExportTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Experts_and_the_network_of_a_set_reach_their_accuracies_in_onnx_runtime()
    {
        Assert.True(_run.Run([.. CommandRun.SmallRun(), "--device", "cpu"]) == 0, _run.Errors);
        string run = _run.RunPath, set = Path.Combine(run, "synthetic", "ipc2.safetensors");

        Require(Export(run, "--expert", "1", "--out", Path.Combine(_run.Folder, "second.onnx")), "second.onnx");
        Assert.Contains("trained_on", Texts(Path.Combine(_run.Folder, "second.onnx")).Keys, StringComparer.Ordinal);

        string expert = Path.Combine(run, "experts", "expert-001.safetensors");
        Require(Export(expert), Path.Combine(run, "experts", "expert-001.onnx"));
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(_run.Folder, "second.onnx")), File.ReadAllBytes(Path.ChangeExtension(expert, ".onnx")));

        double accuracy = Export(set);
        Require(accuracy, Path.ChangeExtension(set, ".onnx"));
        Assert.Equal(SyntheticArtifact.Read(set).Claim!.Accuracy.Runs[0], accuracy, 1e-6);
        IReadOnlyDictionary<string, string> texts = Texts(Path.ChangeExtension(set, ".onnx"));
        Assert.Contains(SyntheticArtifact.Read(set).Metadata["set_sha256"], texts["trained_on"]);
        Assert.Equal("tiny", texts["dataset"]);
        Assert.Equal(["left", "right", "top"], JsonSerializer.Deserialize<string[]>(texts["classes"])!);
    }

    [Fact]
    public void The_whitening_of_a_run_is_in_the_model()
    {
        Assert.True(_run.Run([.. CommandRun.SmallRunWith("--ipc 1 --iterations 2"), "--device", "cpu", "--zca", "0.1"]) == 0, _run.Errors);
        string set = Path.Combine(_run.RunPath, "synthetic", "ipc1.safetensors");
        Require(Export(set), Path.ChangeExtension(set, ".onnx"));
        string expert = Path.Combine(_run.RunPath, "experts", "expert-000.safetensors");
        Require(Export(expert), Path.ChangeExtension(expert, ".onnx"));
    }

    [Fact]
    public void What_cannot_be_exported_is_told()
    {
        Assert.Equal(0, _run.Run(
            "train", "--dataset", "tiny", "--experts", "1", "--expert-epochs", "1", "--expert-batch", "16", "--checkpoints", "4",
            "--width", "4", "--depth", "2", "--device", "cpu"));
        string expert = Path.Combine(_run.RunPath, "experts", "expert-000.safetensors"), run = _run.RunPath;
        Assert.Contains("has no expert 1", Refused(ExitCode.Usage, run, "--expert", "1"));
        Assert.Contains("--expert chooses one of a run folder", Refused(ExitCode.Usage, expert, "--expert", "0"));
        Assert.Contains("does not exist", Refused(ExitCode.Data, Path.Combine(run, "none")));
        Assert.Contains("--measure and --test-images", Refused(ExitCode.Usage, expert, "--measure"));
        string elsewhere = Path.Combine(_run.Folder, "expert-000.safetensors");
        File.Copy(expert, elsewhere);
        Assert.Contains("does not lie in a run folder", Refused(ExitCode.Usage, elsewhere));
        string renamed = Path.Combine(run, "experts", "mine.safetensors");
        File.Copy(expert, renamed);
        Assert.Contains("is not named as an expert is", Refused(ExitCode.Usage, renamed));
        string taken = Path.Combine(_run.Folder, "taken.onnx");
        File.WriteAllText(taken, "mine");
        Assert.Contains("exists already", Refused(ExitCode.FileSystem, expert, "--out", taken));
        Assert.Equal("mine", File.ReadAllText(taken));
        _run.Data = Others();
        Assert.Contains("was recorded with data", Refused(ExitCode.Usage, expert));
        Assert.False(File.Exists(Path.ChangeExtension(expert, ".onnx")));
    }

    private static DatasetPair Others()
    {
        DatasetPair pair = CommandRun.TinyData();
        ImageDataset train = pair.Train;
        byte[] pixels = train.Pixels.ToArray();
        pixels[0] ^= 1;
        return new DatasetPair("tiny", new ImageDataset(train.Traits, train.ImageShape, [.. pixels], [.. train.Labels]), pair.Test);
    }

    private double Export(params string[] args)
    {
        int code = _run.RunAsGiven(Interruption.Silent(), ["export", .. args, "--to", "onnx", "--device", "cpu", "--json"]);
        Assert.True(code == 0, _run.Errors);
        return JsonDocument.Parse(_run.Output[_run.Output.IndexOf('{', StringComparison.Ordinal)..]).RootElement
            .GetProperty("accuracy").GetDouble();
    }

    private string Refused(ExitCode expected, params string[] args)
    {
        int code = _run.RunAsGiven(Interruption.Silent(), ["export", .. args, "--to", "onnx", "--device", "cpu"]);
        Assert.True((int)expected == code, $"{code}: {_run.Errors}");
        return _run.Errors.ReplaceLineEndings(" ");
    }

    // The share of the test images that ONNX Runtime puts into their class, from the pixels.
    private void Require(double accuracy, string file)
    {
        ImageDataset test = _run.Data.Test;
        float[] pixels = [.. test.Pixels.ToArray().Select(p => p / 255f)];
        using var session = new OnnxSession(File.ReadAllBytes(Path.Combine(_run.Folder, file)));
        float[] logits = session.Run(pixels, test.ImageShape);
        int right = Enumerable.Range(0, test.Count).Count(i =>
            Array.IndexOf(logits, logits[(3 * i)..(3 * i + 3)].Max(), 3 * i) - 3 * i == test.Labels[i]);
        Assert.Equal(accuracy, 100.0 * right / test.Count, 1e-4);
    }

    private static IReadOnlyDictionary<string, string> Texts(string file)
    {
        using var session = new OnnxSession(File.ReadAllBytes(file));
        return session.Texts.ToDictionary(StringComparer.Ordinal);
    }
}
