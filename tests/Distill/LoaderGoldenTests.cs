using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Autograd;
using InfMatch.Distill;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tests.Architecture;
using InfMatch.Tests.Golden;

namespace InfMatch.Tests.Distill;

/// <summary>
/// The augmentations of load_infmatch.py in PyTorch are those of the program: from the same random numbers
/// (tests/Golden/artifact/draws.json, which is held to the program's own) they make the same pixels.
/// </summary>
public sealed class LoaderGoldenTests
{
    // Neither side is a multiple of four: half of one is odd.
    private static readonly Shape s_shape = new(3, 3, 10, 14);

    private static readonly RandomKey s_key = RandomKey.FromSeed(11);

    public static TheoryData<int> Cases() => [.. Enumerable.Range(0, Augmentations().Length)];

    [Theory, MemberData(nameof(Cases))]
    public void PyTorch_makes_the_same_pixels_of_the_same_random_numbers(int index)
    {
        JsonElement golden = GoldenNumbers.Artifact.GetProperty("augmented")[index];
        Augmentation augmentation = Augmentations()[index];
        Assert.Equal($"{augmentation}", golden.GetProperty("ops").GetString(), StringComparer.Ordinal);
        using var scope = TensorScope.Begin();
        double[] pixels = [.. Enumerable.Range(0, s_shape.Count).Select(i => Math.Sin(i))];
        Tensor images = Tensor.From(new CpuBackend(1), DType.Float32, pixels, s_shape);
        float[] found = augmentation.Apply(Variable.Constant(images), s_key.Split((ulong)index), siamese: false).Value.ToArray<float>();
        double[] expected = golden.Numbers("pixels");
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < found.Length; i++)
            Assert.Equal(expected[i], found[i], 2e-5);
        Assert.NotEqual(pixels.Select(v => (float)v), found);
    }

    [Fact]
    public void The_random_numbers_of_the_file_are_the_programs_own()
    {
        var cases = new JsonArray();
        for (int i = 0; i < Augmentations().Length; i++)
            cases.Add(Case(Augmentations()[i], s_key.Split((ulong)i)));
        string path = Path.Combine(Repository.Root, "tests", "Golden", "artifact", "draws.json");
        Assert.True(JsonNode.DeepEquals(cases, JsonNode.Parse(File.ReadAllText(path))), $"{path} is another one.");
    }

    [Theory]
    [InlineData("none", "None")]
    [InlineData("photographs", "Photographs")]
    [InlineData("digits", "Digits")]
    [InlineData("geometric", "Geometric, turns to 45°, one for each image")]
    [InlineData("diffaug", "Photographs, in turn")]
    public void The_loader_knows_what_every_augmentation_is_called(string name, string text)
    {
        Assert.Equal(text, $"{PlanFactory.AugmentationOf(name, "cifar-10")}", StringComparer.Ordinal);
        string loader = ArtifactExport.Loader();
        Assert.Contains($"\"{text.Split(", ")[0]}\": \"", loader);
        foreach (string part in text.Split(", ")[1..])
            Assert.Contains(part.Replace("45°", "(\\d+)°", StringComparison.Ordinal), loader);
    }

    private static Augmentation[] Augmentations() =>
    [
        .. Enum.GetValues<AugmentationOps>().Where(o => int.PopCount((int)o) == 1).Select(o => new Augmentation(o)),
        new Augmentation(AugmentationOps.Photographs), Augmentation.Geometric, Augmentation.Sequential(AugmentationOps.Photographs),
        Augmentation.Sequential(AugmentationOps.Digits),
    ];

    // One step for each operation that is drawn, with every number that it may ask for.
    private static JsonObject Case(Augmentation augmentation, RandomKey key)
    {
        AugmentationOps[] parts = augmentation.IsSequential
            ? [AugmentationOps.Flip, AugmentationOps.Color, AugmentationOps.Geometric, AugmentationOps.Cutout]
            : [AugmentationOps.Photographs];
        var steps = new JsonArray();
        for (int i = 0; i < parts.Length; i++)
        {
            AugmentationOps[] choices = [.. Enum.GetValues<AugmentationOps>()
                .Where(o => int.PopCount((int)o) == 1 && (augmentation.Ops & parts[i]).HasFlag(o))];
            if (choices.Length > 0)
                steps.Add(Step(choices, augmentation.IsSequential ? key.Split((ulong)i) : key));
        }
        return new JsonObject { ["ops"] = $"{augmentation}", ["steps"] = steps };
    }

    private static JsonObject Step(AugmentationOps[] choices, RandomKey key)
    {
        RandomKey parameters = key.Split("parameters");
        IEnumerable<int> images = Enumerable.Range(0, s_shape[0]);
        var whole = new JsonObject();
        // Crop's shifts of ±2 columns and ±1 row, cutout's corners: sides of 5 and 7 are odd.
        foreach ((int place, int bound) in ((int, int)[])[(0, 5), (1, 3), (0, 10), (1, 14)])
        {
            whole[string.Create(CultureInfo.InvariantCulture, $"{place},{bound}")] =
                Array(images.Select(i => (double)parameters.Split((ulong)place).Below(bound, i)));
        }
        return new JsonObject
        {
            ["chosen"] = new JsonArray([.. images.Select(i =>
                (JsonNode)$"{choices[key.Split("op").Below(choices.Length, i)]}")]),
            ["uniform"] = new JsonArray([.. Enumerable.Range(0, 3).Select(p =>
                (JsonNode)Array(images.Select(i => parameters.Split((ulong)p).UniformAt(i))))]),
            ["whole"] = whole,
        };
    }

    private static JsonArray Array(IEnumerable<double> values) => new([.. values.Select(v => (JsonNode)v)]);
}
