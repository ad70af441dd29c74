using System.Globalization;
using System.Text.Json;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What a file says of a set, beside the set.</summary>
/// <param name="Data">What it was made from.</param>
/// <param name="Settings">How it was made, and is to be used.</param>
/// <param name="Origin">Where it started, and what it was learned from.</param>
/// <param name="Claimed">Its accuracy; null where nothing is measured yet.</param>
internal sealed record SetRecord(PreparedData Data, RunSettings Settings, SetOrigin Origin, Accuracy? Claimed);

/// <summary>
/// Writes a distilled set as a safetensors file with everything that is needed to train on it: images standardised and
/// as bytes, every part of S, labels hard and soft, the numbers of S and the rate, and as text the data set, its standardisation, the
/// protocol, the configuration, the origin and the accuracy that it claims. <see cref="ArtifactReader"/> reads it.
/// </summary>
internal static class SyntheticSetFile
{
    /// <summary>The key of the accuracy of the best epochs.</summary>
    public const string BestKey = "claimed_best";

    /// <summary>The keys of the names of S's parts and numbers, each an array of the file.</summary>
    public const string PartsKey = "parts", NumbersKey = "numbers";

    /// <summary>The key of what was matched, of influence matching the estimator.</summary>
    public const string MatchingKey = "estimator";

    /// <summary>Writes S, all of class 0 first, in the format that docs/artifact.md describes.</summary>
    public static void Write(string path, SyntheticSet set, SetRecord record)
    {
        (PreparedData data, RunSettings settings, SetOrigin origin, Accuracy? claimed) = record;
        int[] image = set.Images.Shape.Sizes.ToArray();
        int n = set.Count, classes = data.Classes;
        using var scope = TensorScope.Begin();
        float[] soft = SoftLabelsOf(set);
        CultureInfo culture = CultureInfo.InvariantCulture;
        Standardisation standardisation = data.Pair.Standardisation;
        string configuration = ConfigFile.WriteDecisive(settings);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = ArtifactReader.Format,
            [PartsKey] = string.Join(' ', set.Parts.Select(part => part.Name)),
            [NumbersKey] = string.Join(' ', set.Numbers.Keys),
            ["software"] = $"InfMatch.Native {EnvironmentReport.Version} {EnvironmentReport.Commit}",
            ["dataset_sha256"] = data.Pair.Train.ContentHash(),
            ["test_sha256"] = data.Pair.Test.ContentHash(),
            ["experts_sha256"] = string.Join(' ', origin.Experts),
            ["start_sha256"] = origin.Start,
            ["classes"] = JsonSerializer.Serialize(data.Pair.Train.ClassNames),
            ["mean"] = string.Join(' ', standardisation.Mean.Select(v => v.ToString("R", culture))),
            ["std"] = string.Join(' ', standardisation.Std.Select(v => v.ToString("R", culture))),
            ["ipc"] = (n / classes).ToString(culture),
            ["configuration"] = configuration,
            ["configuration_sha256"] = ArtifactHash.OfText(configuration),
            ["config_hash"] = ConfigFile.Hash(settings),
            ["set_sha256"] = Hash(set),
            ["claimed_accuracy"] = claimed?.ToString() ?? "not measured",
        };
        foreach ((string key, string text) in TextsOf(settings, n / classes))
            metadata.Add(key, text);
        if (claimed is not null)
            AddClaim(metadata, claimed, data.Backend);
        NamedArray[] arrays =
        [
            .. set.Parts.Select(part => NamedArray.From(part.Name, part.Value.Shape.Sizes, part.Value.ToArray<float>())),
            NamedArray.From("images_u8", image, data.Pixels(set.Images)),
            NamedArray.From("labels", [n], (int[])[.. Enumerable.Range(0, n).Select(i => i / (n / classes))]),
            NamedArray.From("soft_labels", set.LabelLogits.Shape.Sizes, soft),
            .. set.Numbers.Select(number => NamedArray.From(number.Key, [1], (double[])[number.Value])),
            NamedArray.From("lr", [1], (double[])[LearnedRate.Of(settings, set.Numbers, "the set") ?? settings.EvalRate]),
            .. data.Whitening?.ToArrays() ?? [],
        ];
        metadata[ContentHash.Key] = ContentHash.Of(arrays, metadata);
        Safetensors.Write(path, arrays, metadata);
    }

    private static float[] SoftLabelsOf(SyntheticSet set)
    {
        using IDisposable off = Recording.Off();
        return Variable.Constant(set.LabelLogits).LabelRows().Value.ToArray<float>();
    }

    private static void AddClaim(Dictionary<string, string> metadata, Accuracy claimed, Backend backend)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        metadata["claimed_mean"] = claimed.Mean.ToString("R", culture);
        metadata["claimed_std"] = claimed.Std.ToString("R", culture);
        metadata["claimed_n"] = claimed.Runs.Count.ToString(culture);
        metadata["claimed_runs"] = string.Join(' ', claimed.Runs.Select(r => r.ToString("R", culture)));
        if (claimed.Best is { } best)
            metadata[BestKey] = best.ToString();
        metadata["claimed_on"] = Claim.EnvironmentOf(backend);
    }

    /// <summary>The texts of a file that follow from its configuration: whoever does not read that finds them, and the reader
    /// holds them to it.</summary>
    /// <param name="settings">The configuration of the run.</param>
    /// <param name="ipc">Images per class of the set.</param>
    public static IReadOnlyList<(string Key, string Text)> TextsOf(RunSettings settings, int ipc)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        TrainingPlan plan = Protocols.Plan(settings, settings.Dataset);
        return
        [
            ("dataset", settings.Dataset),
            ("zca", settings.Zca is { } eps ? string.Create(culture, $"eps={eps}") : "none"),
            ("factor", settings.FactorOf(ipc).ToString(culture)),
            ("depth", settings.Depth.ToString(culture)),
            ("network", PlanFactory.NameOf(settings, settings.EvalWidth)),
            ("distilled_with", PlanFactory.NameOf(settings, settings.Width)),
            ("method", settings.MethodName),
            (MatchingKey, settings.MethodLabel),
            ("protocol_name", Protocols.NameOf(settings)),
            ("protocol", PlanFactory.Describe(settings, settings.Dataset)),
            ("epochs", settings.Epochs.ToString(culture)),
            ("batch", plan.BatchSize.ToString(culture)),
            ("optimizer", plan.Optimiser == Optimiser.AdamW ? "adamw" : "sgd"),
            ("momentum", plan.Momentum.ToString("R", culture)),
            ("weight_decay", plan.WeightDecay.ToString("R", culture)),
            ("cutmix", plan.CutMix.ToString("R", culture)),
            ("augmentation", settings.Augment),
            ("augmentation_ops", plan.Augmentation.ToString()),
            ("seed", settings.Seed.ToString(culture)),
            ("lr_origin", "used"),
            .. PlanFactory.EvaluatedOn(settings) is { } held ? ((string, string)[])[("evaluated_on", held)] : [],
        ];
    }

    /// <summary>SHA-256 of all parts: equal hashes are equal sets, bit for bit. Numbers are not in it.</summary>
    public static string Hash(SyntheticSet set) => ArtifactHash.OfSet(
        [.. set.Parts.Select(part => NamedArray.From(part.Name, part.Value.Shape.Sizes, part.Value.ToArray<float>()))]);
}
