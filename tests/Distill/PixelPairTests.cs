using System.Text.Json;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Onnx;
using InfMatch.Tensors;
using InfMatch.Tests.Methods;
using InfMatch.Tests.Onnx;

namespace InfMatch.Tests.Distill;

/// <summary>Image-text pairs whose images are pixels that a frozen encoder sees; the encoder is small and random.</summary>
public sealed class PixelPairTests : IDisposable
{
    private const int Features = 128, Side = 8, Size = 12;

    private readonly CommandRun _run = new();

    public void Dispose() => _run.Dispose();

    private string Set => Path.Combine(_run.RunPath, "synthetic", "pairs20.safetensors");

    private int Run(params string[] args) => _run.RunAsGiven(Interruption.Silent(), args);

    private string[] PixelRun(params string[] more) => PairRunTests.SmallRun(
        ["--image-part", "pixels", "--pixel-size", $"{Side}", "--image-encoder", EncoderFile("encoder.onnx", 1), .. more]);

    [Fact]
    public void Features_of_pixels_have_the_gradient_of_central_differences()
    {
        const int Few = 5;
        var by = new FeatureStatistics(
            [.. Enumerable.Range(0, Few).Select(i => i / 4f)], [.. Enumerable.Range(1, Few).Select(i => i / 2f)]);
        var backend = new CpuBackend(1);
        using var encoder = new PixelEncoder(backend, [new ModelFile("m", Model(Few, 3))], by, 4, DType.Float64);
        using var scope = TensorScope.Begin();
        Tensor pixels = Tensor.From<double>(
            backend, [.. Enumerable.Range(0, 96).Select(i => (i * 37 % 96 + 0.5) / 96)], new Shape(2, 3, 4, 4));
        RecomputedRowsTests.RequireDifferences(encoder.Features, pixels, new Shape(2, Few));
    }

    [Fact]
    public void Enlarged_pixels_give_the_features_of_an_enlarged_file()
    {
        RandomKey key = RandomKey.FromSeed(8);
        byte[] rgb = [.. Enumerable.Range(0, 3 * Side * Side).Select(i => (byte)key.Below(256, i))], planes = new byte[3 * Size * Size];
        Resampling.ToSquare(rgb, Side, Side, Size, planes);
        double[] rows = Resampling.Matrix(Side, Size);
        for (int plane = 0; plane < 3; plane++)
        for (int y = 0; y < Size; y++)
        for (int x = 0; x < Size; x++)
        {
            double found = 0;
            for (int v = 0; v < Side; v++)
            for (int u = 0; u < Side; u++)
                found += rows[y * Side + v] * rows[x * Side + u] * rgb[3 * (v * Side + u) + plane];
            Assert.InRange(found, planes[(plane * Size + y) * Size + x] - 0.501, planes[(plane * Size + y) * Size + x] + 0.501);
        }
    }

    [Fact]
    public void Pixels_are_learned_through_the_encoder_and_the_set_is_verified_evaluated_drawn_and_exported()
    {
        Assert.Equal(0, _run.Run(PixelRun()));
        PairArtifact set = PairArtifact.Read(Set);
        Assert.Equal(("images", true), (set.Parts[0].Name, set.HasPixels));
        Assert.Equal([20, 3, Side, Side], set.Parts[0].Dimensions.ToArray());
        Assert.Equal(64, set.Metadata[PairArtifact.EncoderHashKey].Length);
        Assert.NotEqual(Start(set), set.Parts[0].AsFloat32().ToArray());
        Assert.Equal(0, Run("verify", Set, "--json"));
        Assert.True(JsonDocument.Parse(_run.Output).RootElement.GetProperty("sameBits").GetBoolean());
        SetNeighbours shown = Assert.Single(NeighbourFile.Read(Path.Combine(_run.RunPath, "neighbours.json")).Sets);
        Assert.True(shown.HasPixels);
        float[] fourth = set.Parts[0].AsFloat32().ToArray()[(3 * 3 * Side * Side)..(4 * 3 * Side * Side)];
        Assert.Equal(
            EmbeddedImage.Of(Array.ConvertAll(fourth, p => (byte)Math.Round(255 * Math.Clamp(p, 0, 1))), 3, Side, Side), shown.Shown[3].Image.Picture);
        string page = File.ReadAllText(ReportTests.PageOf(_run.RunPath));
        Assert.Contains("A synthetic pair is an image, of which a frozen encoder makes features", page, StringComparison.Ordinal);
        string folder = Path.Combine(_run.Folder, "export");
        Assert.Equal(0, Run("export", Set, "--to", "npz", "--out", folder));
        Assert.Contains("`images` [N, 3, H, H]", File.ReadAllText(Path.Combine(folder, "README.md")), StringComparison.Ordinal);
        Assert.Equal(0, _run.Run("evaluate", Set, "--repeats", "1"));
        Assert.Equal((int)ExitCode.Data, _run.Run("evaluate", Set, "--repeats", "1", "--image-encoder", EncoderFile("other.onnx", 2)));
        Assert.Contains("learned through another image encoder", _run.Errors, StringComparison.Ordinal);
        string moved = Path.Combine(_run.Folder, "moved.onnx");
        File.Move(Path.Combine(_run.Folder, "encoder.onnx"), moved);
        Assert.NotEqual(0, Run("verify", Set));
        Assert.Equal(0, Run("verify", Set, "--image-encoder", moved));
    }

    [Fact]
    public void Interrupted_and_resumed_on_other_threads_with_the_encoder_elsewhere_the_pixels_are_the_same()
    {
        using var whole = new CommandRun();
        Assert.Equal(0, whole.Run(PixelRun("--threads", "1")));
        _run.InterruptAt = "20 pairs: distilling: done";
        Assert.Equal((int)ExitCode.Interrupted, _run.Run(PixelRun("--threads", "2")));
        _run.InterruptAt = null;
        string moved = Path.Combine(_run.Folder, "moved.onnx");
        File.Move(Path.Combine(_run.Folder, "encoder.onnx"), moved);
        Assert.NotEqual(0, _run.Run("resume"));
        Assert.Equal(0, _run.Run("resume", "--image-encoder", moved));
        Assert.Equal(Described(whole.RunPath), Described(_run.RunPath));
    }

    [Fact]
    public void The_memory_that_is_foreseen_is_that_of_the_run()
    {
        Assert.Equal(0, _run.Run(PixelRun("--threads", "1")));
        long held = StagesFile.Read(Path.Combine(_run.RunPath, StagesFile.FileName)).Max(stage => stage.PeakBytes);
        RunSettings settings = ConfigFile.Read(Path.Combine(_run.RunPath, "config.json")).Resolved.Settings;
        using PairData data = PairData.Load(PairCatalog.Load("pairs-demo"), PairSplit.Dev, new CpuBackend(1)).WithEncoderOf(settings);
        long foreseen = PairDryRun.Of(settings, data, trainsExperts: true);
        Assert.InRange(held, foreseen / 2, foreseen);
    }

    [Theory]
    [InlineData("--pixel-size 8", "the standard value without --image-part pixels")]
    [InlineData("--lr-pixels 0.1", "the standard value without --image-part pixels")]
    [InlineData("--image-part words", "one of features, pixels")]
    public void What_belongs_to_pixels_alone_is_refused_beside_features(string options, string expected)
    {
        Assert.Equal((int)ExitCode.Usage, _run.Run(PairRunTests.SmallRun(options.Split(' '))));
        Assert.Contains(expected, _run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void An_encoder_of_other_features_is_refused_and_runs_on_features_keep_their_hash()
    {
        string file = Path.Combine(_run.Folder, "narrow.onnx");
        File.WriteAllBytes(file, Model(5, 1));
        Assert.Equal((int)ExitCode.Data, _run.Run(
            PairRunTests.SmallRun("--image-part", "pixels", "--pixel-size", "8", "--image-encoder", file)));
        Assert.Contains("the encoder makes 5 features of an image, and those of the data are 128", _run.Errors, StringComparison.Ordinal);
        RunSettings features = Presets.For(areOfPairs: true).Settings;
        Assert.DoesNotContain("ixel", ConfigFile.WriteDecisive(features), StringComparison.Ordinal);
        RunSettings pixels = features with { ImagePart = "pixels", ImageEncoder = file };
        Assert.NotEqual(ConfigFile.Hash(features), ConfigFile.Hash(pixels), StringComparer.Ordinal);
        Assert.Equal(ConfigFile.Hash(pixels with { ImageEncoder = null }), ConfigFile.Hash(pixels));
    }

    private static float[] Start(PairArtifact set)
    {
        using PairData data = PairData.Load(PairCatalog.Load("pairs-demo"), PairSplit.Dev, new CpuBackend(1));
        using var scope = TensorScope.Begin();
        RandomKey key = PairEvaluator.KeyOfReal(RandomKey.FromSeed(set.Settings.Seed), 20).Split("start");
        int[] chosen = new PairEvaluator(set.Settings, data, key, CancellationToken.None).Choose(
            Kinds.Find<PairSelection>("random")!, 20, key);
        return data.StartOf(set.Settings, chosen, key).Tensors[0].ToArray<float>();
    }

    private static (string, string) Described(string run)
    {
        RetrievalResult result = Assert.Single(RetrievalSummary.Read(Path.Combine(run, RetrievalSummary.FileName)).Results);
        return (File.ReadAllText(Path.Combine(run, "metrics.jsonl")), $"{result.SetHash} {JsonSerializer.Serialize(result.Rows)}");
    }

    private string EncoderFile(string name, ulong seed)
    {
        string file = Path.Combine(_run.Folder, name);
        File.WriteAllBytes(file, Model(Features, seed));
        return file;
    }

    private static byte[] Model(int features, ulong seed)
    {
        RandomKey key = RandomKey.FromSeed(seed);
        float[] Drawn(string name, int count, float scale)
        {
            var values = new float[count];
            key.Split(name).Uniform(values);
            return [.. values.Select(v => scale * (2 * v - 1))];
        }
        return new HandMadeModel().Input("x", false, 1, 3, Size, Size).Output("y")
            .Numbers("half", [1], 128).Numbers("unit", [1], 64)
            .Numbers("w", [6, 3, 3, 3], Drawn("w", 162, 0.4f)).Numbers("v", [features, 6, 3, 3], Drawn("v", features * 54, 0.4f))
            .Node("Sub", ["x", "half"], "a").Node("Div", ["a", "unit"], "b")
            .Node("Conv", ["b", "w"], "c", OnnxAttribute.Of("pads", 1L, 1, 1, 1)).Node("Relu", ["c"], "d")
            .Node(
                "MaxPool", ["d"], "e", OnnxAttribute.Of("kernel_shape", 3L, 3), OnnxAttribute.Of("strides", 2L, 2),
                OnnxAttribute.Of("pads", 1L, 1, 1, 1))
            .Node("Conv", ["e", "v"], "f", OnnxAttribute.Of("pads", 1L, 1, 1, 1)).Node("Tanh", ["f"], "g")
            .Node("GlobalAveragePool", ["g"], "y").ToBytes();
    }
}
