using System.Globalization;
using System.Text;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Datasets;

namespace InfMatch.Tests.Distill;

/// <summary>What commands say of image-text pairs that they do not take, and pairs that are not as those that are published.</summary>
public sealed class PairInputTests : IDisposable
{
    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("distill --dataset pairs-demo --class-wise on", 2, "--class-wise is \"on\"; expected off beside image-text pairs")]
    [InlineData("distill --dataset pairs-demo --class-wise both", 2, "--class-wise is \"both\"; expected off beside image-text pairs")]
    [InlineData("benchmark --dataset pairs-demo", 2, "pairs-demo is a set of image-text pairs")]
    [InlineData("ablate --dataset pairs-demo", 2, "pairs-demo is a set of image-text pairs")]
    [InlineData("datasets prepare flickr8k", 2, "flickr8k is a set of image-text pairs")]
    [InlineData("distill --dataset pairs-demo --lr-similarity 3", 2,
        "--lr-similarity is \"3\"; expected the standard value beside --pair-loss infonce, which reads no similarity")]
    [InlineData("distill --dataset pairs-demo --estimator unrolled", 2, "experts store so many with --dense-steps 10")]
    public void A_command_that_does_not_fit_pairs_says_so(string command, int code, string told)
    {
        Assert.Equal(code, Do(command.Split(' ')));
        Assert.Contains(told, _run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_no_set_has_may_be_meant_for_either_kind()
    {
        var loading = new DatasetLoading(new Terminal(TextWriter.Null, TextWriter.Null, isInteractive: false), CancellationToken.None);
        DatasetException e = Assert.Throws<DatasetException>(() => loading.Load(Presets.Standard with { Dataset = "flickr8K" }));
        Assert.Equal(DatasetFault.UnknownName, e.Fault);
        Assert.Contains("Did you mean \"flickr8k\"? Known: fashion-mnist-small, ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_method_for_pairs_starts_from_its_own_values()
    {
        foreach (string method in (string[])["influence", "mtt", "datm", "last-layer"])
            Assert.True(Do("plan", "distill", "--dataset", "pairs-demo", "--method", method) == 0, $"{method}: {_run.Errors}");
    }

    [Fact]
    public void No_network_is_exported_of_a_set_of_pairs()
    {
        Assert.Equal(0, _run.Run(PairRunTests.SmallRun()));
        string set = Path.Combine(_run.RunPath, "synthetic", "pairs20.safetensors");
        Assert.Equal(2, Do("export", set, "--to", "onnx"));
        Assert.Contains("is a set of image-text pairs, and no heads for pairs can be written as ONNX", _run.Errors, StringComparison.Ordinal);
    }

    // 40 training, 12 development and 12 test images, whose captions are 1 to 3.
    [Fact]
    public void Images_with_fewer_captions_keep_all_of_theirs()
    {
        using TempFolder folder = Uneven();
        string[] args = [.. PairRunTests.SmallRun("--data", folder.Path, "--expert-batch", "8").Select(word => word == "pairs-demo" ? "flickr8k" : word)];
        Assert.True(_run.Run(args) == 0, _run.Errors);
        RetrievalSummary summary = RetrievalSummary.Read(Path.Combine(_run.RunPath, RetrievalSummary.FileName));
        Assert.Equal((12, 3, 24), (summary.Images, summary.CaptionsEach, summary.Captions));
        Assert.Contains("12 images with 24 captions, 3 at most", _run.Output, StringComparison.Ordinal);
        string set = Path.Combine(_run.RunPath, "synthetic", "pairs20.safetensors");
        Assert.Equal(0, Do("verify", set, "--data", folder.Path));
    }

    private int Do(params string[] args) => _run.RunAsGiven(Interruption.Silent(), args);

    private static TempFolder Uneven()
    {
        var folder = new TempFolder();
        string[] names = [.. Enumerable.Range(0, 64).Select(i => string.Create(CultureInfo.InvariantCulture, $"image{i:D2}.jpg"))];
        string[] captions = [.. names.SelectMany((name, i) => Enumerable.Range(0, i % 3 + 1).Select(k => $"{name}#{k}\tcaption {k} of {i}.\n"))];
        void Text(string file, IEnumerable<string> lines) => folder.Put(file, Encoding.UTF8.GetBytes(string.Concat(lines)));
        Text("Flickr8k.token.txt", captions);
        Text("images.txt", names.Select(n => n + "\n"));
        Text("Flickr_8k.trainImages.txt", names[..40].Select(n => n + "\n"));
        Text("Flickr_8k.devImages.txt", names[40..52].Select(n => n + "\n"));
        Text("Flickr_8k.testImages.txt", names[52..].Select(n => n + "\n"));
        float[] Numbers(string name, int count)
        {
            var values = new float[count];
            RandomKey.FromSeed(9).Split(name).Normal(values);
            return values;
        }
        Safetensors.Write(
            folder["flickr8k-features.safetensors"],
            [
                NamedArray.From("image_features", [64, 6], Numbers("images", 64 * 6)),
                NamedArray.From("caption_features", [captions.Length, 5], Numbers("captions", captions.Length * 5)),
            ]);
        return folder;
    }
}
