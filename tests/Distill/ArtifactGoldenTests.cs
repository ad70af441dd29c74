using System.Text.Json;
using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;
using InfMatch.Tests.Architecture;
using InfMatch.Tests.Golden;
using InfMatch.Tests.IO;

namespace InfMatch.Tests.Distill;

/// <summary>
/// Three exported sets that lie in tests/Golden/artifact, and what numpy and PyTorch made of them by the exported loader
/// (eng/golden-artifact.py): the same arrays, preprocessing, tiles, and networks after twenty steps of the recipe.
/// </summary>
public sealed class ArtifactGoldenTests : IDisposable
{
    private const int Epochs = 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("zca")]
    [InlineData("factor")]
    [InlineData("adamw")]
    public void The_export_of_today_is_the_one_that_was_checked(string name)
    {
        SyntheticArtifact artifact = Sample(name);
        using (var export = new ExportFolder(_folder.At("npz")))
        {
            new ArtifactExport(artifact, new PixelView(artifact)).Write("npz", export);
            export.Complete();
        }
        ArraySet now = Npz.Read(Path.Combine(_folder.At("npz"), "set.npz"));
        ArraySet then = Npz.Read(Path.Combine(Stored(name), "set.npz"));
        Assert.Equal(
            then.Arrays.Select(a => Today(a.ToString())).Where(NotText).Order(StringComparer.Ordinal),
            now.Arrays.Select(a => a.ToString()).Where(NotText).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        foreach (NamedArray array in then.Arrays.Where(a => a.Element == ArrayElement.Float32))
        {
            for (int i = 0; i < array.Count; i++)
                Assert.Equal(array.AsFloat32()[i], now[array.Name].AsFloat32()[i], 1e-4f);
        }
        JsonElement texts = JsonDocument.Parse(then["metadata"].AsUInt8().ToArray()).RootElement;
        Assert.Equal(
            texts.EnumerateObject().Select(p => Today(p.Name)).Concat(["method", "numbers", "parts"]).Order(StringComparer.Ordinal),
            JsonDocument.Parse(now["metadata"].AsUInt8().ToArray()).RootElement.EnumerateObject().Select(p => p.Name)
                .Order(StringComparer.Ordinal),
            StringComparer.Ordinal);

        // What was checked was exported before the weight of S was called so, and before there were methods.
        static string Today(string name) => name.Replace("mass", "weight", StringComparison.Ordinal);

        static bool NotText(string array) => !array.StartsWith("metadata", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zca")]
    [InlineData("factor")]
    [InlineData("adamw")]
    public void Numpy_and_PyTorch_saw_the_same(string name)
    {
        JsonElement golden = GoldenNumbers.Artifact.GetProperty(name);
        ArraySet stored = Npz.Read(Path.Combine(Stored(name), "set.npz"));
        foreach (JsonProperty array in golden.GetProperty("arrays").EnumerateObject())
        {
            NamedArray own = stored[array.Name];
            Assert.Equal(
                own.Dimensions.ToArray(), array.Value.GetProperty("shape").EnumerateArray().Select(v => v.GetInt32()));
            Assert.Equal(
                own.Element switch
                {
                    ArrayElement.Float32 => "float32",
                    ArrayElement.Float64 => "float64",
                    ArrayElement.Int32 => "int32",
                    _ => "uint8",
                },
                array.Value.GetProperty("dtype").GetString(), StringComparer.Ordinal);
            double sum = own.Element switch
            {
                ArrayElement.Float32 => own.AsFloat32().ToArray().Sum(v => (double)v),
                ArrayElement.Float64 => own.AsFloat64().ToArray().Sum(),
                ArrayElement.Int32 => own.AsInt32().ToArray().Sum(),
                _ => own.AsUInt8().ToArray().Sum(v => (double)v),
            };
            Assert.Equal(sum, array.Value.GetProperty("sum").GetDouble(), 1e-9);
        }

        SyntheticArtifact artifact = Sample(name);
        var backend = new CpuBackend(1);
        using var scope = TensorScope.Begin();
        var pixels = new byte[128];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i * 37 % 256);
        var values = new float[128];
        artifact.Standardisation.Apply(pixels, 64, values);
        Tensor test = Tensor.From<float>(backend, values, new Shape(2, 1, 8, 8));
        artifact.Whitening?.Apply(test);
        AssertClose(golden.Numbers("preprocessed"), test, 1e-4);
        LabelledImages set = artifact.ToSet(backend).AsTrainingSet();
        AssertClose(golden.Numbers("decoded"), set.Images, 1e-5);
        AssertClose(golden.Numbers("labels"), set.Labels, 1e-6);

        var network = new ConvNet(artifact.Image, artifact.Classes, 4, 2);
        Assert.Equal(golden.GetProperty("parameters").GetInt32(), network.Layout.Count);
        double[] start = [.. Enumerable.Range(1, network.Layout.Count).Select(i => 0.3 * Math.Sin(i))];
        TrainingPlan plan = Protocols.Plan(artifact.Settings! with { Epochs = Epochs }, artifact.Dataset);
        Tensor theta = new Trainer(network, set, plan, RandomKey.FromSeed(1))
            .Run(Tensor.From(backend, DType.Float32, start, new Shape(start.Length)));
        double[] logits = golden.Numbers("logits");
        float[] found = network.Logits(theta, test);
        for (int i = 0; i < logits.Length; i++)
            Assert.Equal(logits[i], found[i], 2e-3);
    }

    private static string Stored(string name) => Path.Combine(Repository.Root, "tests", "Golden", "artifact", name);

    private SyntheticArtifact Sample(string name) => SyntheticArtifact.Read(ArtifactSample.Write(
        _folder.Root, name == "zca" ? 0.1 : null, name == "factor" ? 2 : 1,
        settings: name == "adamw"
            ? ArtifactSample.Settings with { Protocol = "B", EvalRate = 0.005, Cutmix = 0, BestEvery = 0 }
            : null));

    private static void AssertClose(double[] expected, Tensor got, double tolerance)
    {
        float[] values = got.ToArray<float>();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], values[i], tolerance);
    }
}
