using InfMatch.Distill;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

/// <summary>Runs whose stored images have a label for each of their tiles.</summary>
public sealed class TileLabelsTests : IDisposable
{
    private const int Tiles = 4, Classes = 3;

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Each_tile_learns_its_own_label_and_every_reader_of_the_file_finds_it()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRun("--factor", "2", "--labels-of", "tile")));
        foreach (int ipc in (int[])[1, 2])
        {
            string set = SetOf(ipc);
            ArraySet arrays = Safetensors.Read(set);
            int n = ipc * Classes;
            Assert.Equal([n, Tiles, Classes], arrays["label_logits"].Dimensions.ToArray());
            Assert.Equal([n, Tiles, Classes], arrays["soft_labels"].Dimensions.ToArray());
            float[] soft = arrays["soft_labels"].AsFloat32().ToArray();
            Assert.All(soft.Chunk(Classes), row => Assert.Equal(1, row.Sum(), 5));
            Assert.NotEqual(soft[..Classes], soft[Classes..(2 * Classes)]);
            SyntheticArtifact artifact = SyntheticArtifact.Read(set);
            Assert.Equal((Classes, Tiles), (artifact.Classes, artifact.LabelsEach));
            for (int c = 0; c < Classes; c++)
            {
                double mean = Enumerable.Range(0, Tiles).Average(tile => (double)soft[(Tiles + tile) * Classes + c]);
                Assert.Equal(mean, artifact.MeanLabel(1)[c], 1e-6);
            }
            Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "verify", set));
        }
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "report", _run.RunPath));
        // The file of the run stands for the same run.
        Assert.Equal(0, _run.Run("plan", "distill", "--config", Path.Combine(_run.RunPath, "config.json")));
    }

    [Theory]
    [InlineData("npz")]
    [InlineData("png")]
    [InlineData("huggingface")]
    public void An_export_holds_the_label_of_each_tile(string form)
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith("--ipc 1 --factor 2 --labels-of tile --repeats 1")));
        string folder = Path.Combine(_run.Folder, "exported");
        Assert.Equal(0, _run.RunAsGiven(Interruption.Silent(), "export", SetOf(1), "--to", form, "--out", folder));
        float[] expected = Safetensors.Read(SetOf(1))["soft_labels"].AsFloat32().ToArray();
        float[] found = ExportedSet.Read(folder).SoftLabels;
        Assert.Equal(Classes * Tiles * Classes, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        Assert.Contains("label of its own", File.ReadAllText(Path.Combine(folder, "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_of_tiles_go_on_from_those_of_images_and_not_the_other_way()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith("--ipc 1 --factor 2 --repeats 1")));
        string shared = SetOf(1);
        using var tiles = new CommandRun();
        string still = $"--ipc 1 --factor 2 --repeats 1 --iterations 1 --lr-img 1e-30 --lr-label 0 --start-from {shared}";
        Assert.Equal(0, tiles.Run(CommandRun.SmallRunWith($"{still} --labels-of tile")));
        string own = Path.Combine(tiles.RunPath, "synthetic", "ipc1.safetensors");
        float[] before = Safetensors.Read(shared)["label_logits"].AsFloat32().ToArray();
        float[] after = Safetensors.Read(own)["label_logits"].AsFloat32().ToArray();
        Assert.Equal(
            before.Chunk(Classes).SelectMany(row => Enumerable.Repeat(row, Tiles).SelectMany(r => r)), after);
        // Equal labels in either form make the same training set, so the same networks.
        Assert.Equal(
            SyntheticArtifact.Read(shared).Claim!.Accuracy.Runs, SyntheticArtifact.Read(own).Claim!.Accuracy.Runs);

        using var back = new CommandRun();
        Assert.Equal((int)ExitCode.Usage, back.Run(CommandRun.SmallRunWith($"--ipc 1 --factor 2 --start-from {own}")));
        Assert.Contains("each of its tiles has a label, which takes --labels-of tile", back.Errors);
    }

    [Theory]
    [InlineData("--labels-of tile", "beside --factor 1: there an image is one tile")]
    [InlineData("--batch-of tile --batch-syn 2", "beside --factor 1: there an image is one tile")]
    [InlineData("--batch-of tile --factor 2", "beside --batch-syn 0: there every step takes all tiles")]
    [InlineData("--factor 2 --labels hard --labels-of tile", "beside --labels hard: the tiles of an image are of one class")]
    public void Labels_of_tiles_need_tiles_that_can_differ(string options, string message)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(CommandRun.SmallRunWith(options)));
        Assert.Contains(message, _run.Errors);
    }

    [Fact]
    public void A_file_whose_labels_are_of_other_tiles_than_its_factor_says_is_refused()
    {
        Assert.Equal(0, _run.Run(CommandRun.SmallRunWith("--ipc 1 --factor 2 --labels-of tile --repeats 1")));
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = ArtifactSample.Parts(SetOf(1));
        foreach (string name in (string[])["label_logits", "soft_labels"])
        {
            float[] values = arrays[name].AsFloat32().ToArray();
            arrays[name] = NamedArray.From(name, [Classes, 2, Classes], [.. values.Chunk(Tiles * Classes).SelectMany(image => image[..(2 * Classes)])]);
        }
        ArtifactSample.Rehash(arrays, texts);
        string damaged = Path.Combine(_run.Folder, "damaged.safetensors");
        Safetensors.Write(damaged, arrays.Values, texts);
        DistillException e = Assert.Throws<DistillException>(() => SyntheticArtifact.Read(damaged));
        Assert.Equal("IM3022", e.Code);
        Assert.Contains("a label for each of 2 tiles of an image, but its factor is 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_layer_learns_labels_of_tiles_as_well()
    {
        Assert.True(_run.Run(LastLayer("--labels-of", "tile")) == 0, _run.Errors);
        float[] soft = Safetensors.Read(SetOf(1))["soft_labels"].AsFloat32().ToArray();
        Assert.NotEqual(soft[..Classes], soft[Classes..(2 * Classes)]);
    }

    [Theory]
    [InlineData("influence")]
    [InlineData("frepo")]
    public void A_method_that_takes_batches_takes_them_of_tiles(string method)
    {
        string[] options = method == "frepo"
            ? LastLayer("--batch-syn", "2")
            : CommandRun.SmallRunWith($"--method {method} --ipc 1 --factor 2 --batch-syn 2 --repeats 1");
        using var ofImages = new CommandRun();
        Assert.True(_run.Run([.. options, "--batch-of", "tile"]) == 0, _run.Errors);
        Assert.True(ofImages.Run(options) == 0, ofImages.Errors);
        string image = Path.Combine(ofImages.RunPath, "synthetic", "ipc1.safetensors");
        Assert.NotEqual(
            Safetensors.Read(image)["images"].AsFloat32().ToArray(), Safetensors.Read(SetOf(1))["images"].AsFloat32().ToArray());
    }

    private static string[] LastLayer(params string[] more) =>
    [
        "distill", "--dataset", "tiny", "--method", "frepo", "--zca", "none", "--ipc", "1", "--factor", "2", "--width", "4", "--depth", "2",
        "--eval-width", "4", "--experts", "1", "--expert-epochs", "1", "--iterations", "3", "--epochs", "2", "--repeats", "1", .. more,
    ];

    private string SetOf(int ipc) => Path.Combine(_run.RunPath, "synthetic", $"ipc{ipc}.safetensors");
}
