using System.Globalization;
using System.Security.Cryptography;
using System.Runtime.InteropServices;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// A distilled set as a safetensors file with everything that is needed to train on it: images standardised and as
/// bytes, labels hard, soft and as logits, the mass and the rate, and as text the data set, its standardisation, the
/// protocol and the origin.
/// </summary>
internal static class SyntheticSetFile
{
    private const string Format = "infmatch-synthetic-1";

    /// <summary>Writes S, all of class 0 first.</summary>
    public static void Write(
        string path, SyntheticSet set, PreparedData data, RunSettings settings, Accuracy? claimed)
    {
        int[] image = set.Images.Shape.Sizes.ToArray();
        int n = set.Count, classes = data.Classes;
        using var scope = TensorScope.Begin();
        float[] soft = set.AsTrainingSet().Labels.ToArray<float>();
        CultureInfo culture = CultureInfo.InvariantCulture;
        Standardisation standardisation = data.Pair.Standardisation;
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["software"] = $"InfMatch.Native {EnvironmentReport.Version} {EnvironmentReport.Commit}",
            ["dataset"] = data.Pair.Name,
            ["dataset_sha256"] = data.Pair.Train.ContentHash(),
            ["classes"] = string.Join('|', data.Pair.Train.ClassNames),
            ["mean"] = string.Join(' ', standardisation.Mean.Select(v => v.ToString("R", culture))),
            ["std"] = string.Join(' ', standardisation.Std.Select(v => v.ToString("R", culture))),
            ["zca"] = "none",
            ["ipc"] = (n / classes).ToString(culture),
            ["network"] = $"convnet-d{settings.Depth}-w{settings.Width}",
            ["depth"] = settings.Depth.ToString(culture),
            ["estimator"] = settings.Estimator,
            ["protocol"] = Translation.Describe(settings, data.Pair.Name),
            ["augmentation"] = settings.Augment,
            ["epochs"] = settings.Epochs.ToString(culture),
            ["seed"] = settings.Seed.ToString(culture),
            ["config_hash"] = ConfigFile.Hash(settings),
            ["set_sha256"] = Hash(set),
            ["claimed_accuracy"] = claimed?.ToString() ?? "not measured",
        };
        if (settings.ImageSize is { } side)
            metadata["image_size"] = side.ToString(culture);
        Safetensors.Write(
            path,
            [
                NamedArray.From("images", image, set.Images.ToArray<float>()),
                NamedArray.From("images_u8", image, Pixels(set.Images, standardisation)),
                NamedArray.From("labels", [n], (int[])[.. Enumerable.Range(0, n).Select(i => i / (n / classes))]),
                NamedArray.From("label_logits", [n, classes], set.LabelLogits.ToArray<float>()),
                NamedArray.From("soft_labels", [n, classes], soft),
                NamedArray.From("mass", [1], (double[])[set.Mass]),
                NamedArray.From("rate", [1], (double[])[settings.EvalRate]),
            ],
            metadata);
    }

    /// <summary>Reads S with its metadata.</summary>
    /// <exception cref="DistillException">The file is no set of this format.</exception>
    public static (SyntheticSet Set, IReadOnlyDictionary<string, string> Metadata) Read(string path, Backend backend)
    {
        if (!File.Exists(path))
        {
            throw new DistillException(
                ExitCode.Data, "IM3021",
                $"the set {path} does not exist. Name a file such as runs/…/synthetic/ipc10.safetensors.");
        }
        ArraySet arrays = Safetensors.Read(path);
        if (arrays.Metadata.GetValueOrDefault("format") != Format || !arrays.TryGet("images", out NamedArray? images)
            || !arrays.TryGet("label_logits", out NamedArray? logits) || !arrays.TryGet("mass", out NamedArray? mass)
            || images.Dimensions.Length != 4 || logits.Dimensions.Length != 2 || images.Dimensions[0] != logits.Dimensions[0]
            || images.Element != ArrayElement.Float32 || logits.Element != ArrayElement.Float32
            || mass.Element != ArrayElement.Float64 || mass.Count != 1 || !arrays.Metadata.ContainsKey("dataset")
            || !int.TryParse(
                arrays.Metadata.GetValueOrDefault("image_size", "1"), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            || !int.TryParse(arrays.Metadata.GetValueOrDefault("depth"), NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            throw new DistillException(
                ExitCode.Data, "IM3022", $"{path} is no distilled set of the format {Format}. Was it written by 'distill'?");
        }
        return (
            new SyntheticSet(
                Tensor.From(backend, images.AsFloat32(), new Shape(images.Dimensions)),
                Tensor.From(backend, logits.AsFloat32(), new Shape(logits.Dimensions)),
                mass.AsFloat64()[0]),
            arrays.Metadata);
    }

    /// <summary>SHA-256 of the images and label logits: equal hashes are equal sets, bit for bit.</summary>
    public static string Hash(SyntheticSet set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<float>(set.Images.ToArray<float>()));
        hash.AppendData(MemoryMarshal.AsBytes<float>(set.LabelLogits.ToArray<float>()));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Standardised images as bytes.</summary>
    public static byte[] Pixels(Tensor images, Standardisation standardisation)
    {
        var pixels = new byte[images.Count];
        standardisation.ToPixels(images.ToArray<float>(), images.Shape[2] * images.Shape[3], pixels);
        return pixels;
    }
}
