using System.Globalization;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Tests.Distill;

/// <summary>Distilled sets that nobody distilled: two images of each class of the small data, written by the program.</summary>
internal static class ArtifactSample
{
    public const string Name = "set.safetensors";

    public static RunSettings Settings { get; } = Presets.Of("first-order") with
    {
        Dataset = "tiny", Ipc = [2], Width = 4, EvalWidth = 4, Depth = 2, Epochs = 4, Repeats = 2, Seed = 3,
    };

    /// <summary>Writes one; with a pair of its own the class names can be chosen.</summary>
    public static string Write(
        string folder, double? zca = null, int factor = 1, Accuracy? claimed = null, DatasetPair? pair = null,
        RunSettings? settings = null, double spread = 3)
    {
        pair ??= CommandRun.TinyData();
        settings = (settings ?? Settings) with { Zca = zca, Factor = factor == 1 ? null : factor };
        var backend = new ReferenceBackend();
        ZcaWhitening? whitening = zca is { } eps ? ZcaWhitening.Fit(pair.Train, eps, backend) : null;
        using PreparedData data = PreparedData.Load(pair, backend, whitening);
        RandomKey key = RandomKey.FromSeed(settings.Seed);
        int n = 2 * data.Classes, classes = data.Classes;
        float[] images = [.. Draw(n * data.Image.Count, "images").Select(v => (float)v)];
        float[] logits = [.. Draw(n * classes, "labels").Select((v, i) => (float)v + (i % classes == i / classes / 2 ? 3 : 0))];
        using var scope = TensorScope.Begin();
        var set = new SyntheticSet(
            Tensor.From<float>(backend, images, new Shape([n, .. data.Image.Sizes])),
            Tensor.From<float>(backend, logits, new Shape(n, classes)), 0.75)
        {
            Factor = factor,
        };
        string path = Path.Combine(folder, Name);
        SyntheticSetFile.Write(
            path, set,
            new SetRecord(
                data, settings, new SetOrigin(new string('a', 64), [new string('b', 64), new string('c', 64)]),
                claimed ?? Accuracy.Of([60, 70])));
        return path;

        double[] Draw(int count, string stream)
        {
            var values = new double[count];
            key.Split(stream).Uniform(values);
            return [.. values.Select(v => spread * (v - 0.5))];
        }
    }

    /// <summary>Arrays and texts of a file, to be changed.</summary>
    public static (Dictionary<string, NamedArray> Arrays, Dictionary<string, string> Texts) Parts(string path)
    {
        ArraySet set = Safetensors.Read(path);
        return (set.Arrays.ToDictionary(a => a.Name, StringComparer.Ordinal), new(set.Metadata, StringComparer.Ordinal));
    }

    /// <summary>Makes every hash right again, as somebody would who changes a file on purpose.</summary>
    public static void Rehash(Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts)
    {
        if (texts.TryGetValue("configuration", out string? configuration))
            texts["configuration_sha256"] = ArtifactHash.OfText(configuration);
        if (arrays.GetValueOrDefault("images") is { Element: ArrayElement.Float32 } images
            && arrays.GetValueOrDefault("label_logits") is { Element: ArrayElement.Float32 } logits)
        {
            texts["set_sha256"] = ArtifactHash.OfSet(texts.GetValueOrDefault("parts", "images label_logits").Split(' ').Where(arrays.ContainsKey).Select(name => arrays[name]));
        }
        texts[ContentHash.Key] = ContentHash.Of(arrays.Values, texts);
    }

    /// <summary>The file as version 1 had it.</summary>
    public static void MakeFirstFormat(string path)
    {
        (Dictionary<string, NamedArray> arrays, Dictionary<string, string> texts) = Parts(path);
        arrays["rate"] = NamedArray.From("rate", [1], (double[])[arrays["lr"].AsFloat64()[0]]);
        arrays.Remove("lr");
        string[] kept =
        [
            "software", "dataset", "dataset_sha256", "mean", "std", "zca", "ipc", "network", "depth", "estimator", "protocol",
            "augmentation", "epochs", "seed", "config_hash", "set_sha256", "claimed_accuracy",
        ];
        Dictionary<string, string> old = kept.ToDictionary(k => k, k => texts[k], StringComparer.Ordinal);
        old["format"] = ArtifactReader.FirstFormat;
        old["classes"] = "left|right|top";
        Safetensors.Write(path, arrays.Values, old);
    }

    /// <summary>A number as texts of the file have it.</summary>
    public static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
