using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What a file says of a set of pairs, beside the set.</summary>
/// <param name="Data">What it was made from and evaluated on.</param>
/// <param name="Settings">How it was made, and is to be used.</param>
/// <param name="Origin">Where it started, and what it was learned from.</param>
/// <param name="Claimed">What heads retrieve that were trained on it; null where nothing is measured yet.</param>
internal sealed record PairSetRecord(PairData Data, RunSettings Settings, SetOrigin Origin, RetrievalRow? Claimed);

/// <summary>
/// A distilled set of image-text pairs as a safetensors file, with all that its file says: the parts of S, the statistics by which
/// features are standardised, the configuration, the origin and the recall that it claims. What is read was checked.
/// </summary>
internal sealed record PairArtifact
{
    /// <summary>The name of the format.</summary>
    public const string Format = "infmatch-pairs-1";

    /// <summary>Keys of texts that others read.</summary>
    public const string SetHashKey = "set_sha256", TrainHashKey = "dataset_sha256", EvaluatedHashKey = "evaluated_sha256";

    private const string ClaimKey = "claimed_recall", NotMeasured = "not measured", ClaimTextKey = "claimed_mean";

    private static readonly string[] s_statistics = ["image_mean", "image_deviation", "text_mean", "text_deviation"];

    /// <summary>The file.</summary>
    public required string Source { get; init; }

    /// <summary>The parts of S: image_features [N, F], text_features [N, G] and, where it is learned, the similarity.</summary>
    public required IReadOnlyList<NamedArray> Parts { get; init; }

    /// <summary>The numbers of S by name.</summary>
    public required IReadOnlyDictionary<string, double> Numbers { get; init; }

    /// <summary>How features of images are standardised for it.</summary>
    public required FeatureStatistics Images { get; init; }

    /// <summary>How features of texts are standardised for it.</summary>
    public required FeatureStatistics Texts { get; init; }

    /// <summary>What it was made and evaluated with.</summary>
    public required RunSettings Settings { get; init; }

    /// <summary>What heads retrieve that were trained on it; null where nothing was measured.</summary>
    public required RetrievalRow? Claim { get; init; }

    /// <summary>All texts of the file.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>N.</summary>
    public int Count => Parts[0].Dimensions[0];

    /// <summary>Whether a file says that it is such a set; one that cannot be read does not.</summary>
    public static bool IsIn(string path)
    {
        try
        {
            return File.Exists(path) && Safetensors.Read(path).Metadata.GetValueOrDefault("format") == Format;
        }
        catch (ArrayFileException)
        {
            return false;
        }
    }

    /// <summary>S on a backend, as it was learned.</summary>
    public SyntheticSet ToSet(Backend backend) => new([.. Parts.Select(part =>
        new SyntheticPart(part.Name, Tensor.From(backend, part.AsFloat32(), new Shape(part.Dimensions))))])
    {
        Numbers = Numbers.ToImmutableSortedDictionary(StringComparer.Ordinal),
    };

    /// <summary>Writes S.</summary>
    public static void Write(string path, SyntheticSet set, PairSetRecord record)
    {
        (PairData data, RunSettings settings, SetOrigin origin, RetrievalRow? claimed) = record;
        string configuration = ConfigFile.WriteDecisive(settings);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            [SyntheticSetFile.PartsKey] = string.Join(' ', set.Parts.Select(part => part.Name)),
            [SyntheticSetFile.NumbersKey] = string.Join(' ', set.Numbers.Keys),
            ["software"] = $"InfMatch.Native {EnvironmentReport.Version} {EnvironmentReport.Commit}",
            ["dataset"] = data.Dataset,
            ["pairs"] = set.Count.ToString(CultureInfo.InvariantCulture),
            ["split"] = PairData.WordOf(data.Part),
            ["method"] = settings.MethodName,
            ["protocol"] = PairPlans.Describe(settings),
            [TrainHashKey] = data.Splits.Train.ContentHash(),
            [EvaluatedHashKey] = data.Splits.Of(data.Part).ContentHash(),
            ["experts_sha256"] = string.Join(' ', origin.Experts),
            ["start_sha256"] = origin.Start,
            ["configuration"] = configuration,
            ["configuration_sha256"] = ArtifactHash.OfText(configuration),
            ["config_hash"] = ConfigFile.Hash(settings),
            [SetHashKey] = SyntheticSetFile.Hash(set),
            [ClaimTextKey] = claimed is null ? NotMeasured : RetrievalRow.Cell(claimed.Mean),
        };
        var arrays = new List<NamedArray>(
            set.Parts.Select(part => NamedArray.From(part.Name, part.Value.Shape.Sizes, part.Value.ToArray<float>())));
        float[][] statistics = [data.Images.Mean, data.Images.Deviation, data.Texts.Mean, data.Texts.Deviation];
        arrays.AddRange(s_statistics.Zip(statistics, (name, values) => NamedArray.From(name, [values.Length], values)));
        arrays.AddRange(set.Numbers.Select(number => NamedArray.From(number.Key, [1], (double[])[number.Value])));
        if (claimed is not null)
        {
            metadata["claimed_on"] = Distill.Claim.EnvironmentOf(data.Backend);
            arrays.Add(NamedArray.From(
                ClaimKey, [claimed.Runs.Count, RetrievalRow.Measures.Length], (double[])[.. claimed.Runs.SelectMany(run => run)]));
        }
        metadata[ContentHash.Key] = ContentHash.Of(arrays, metadata);
        Safetensors.Write(path, arrays, metadata);
    }

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="DistillException">It is missing, or no distilled set of pairs, or not what it says.</exception>
    /// <exception cref="SafetensorsException">It is damaged.</exception>
    public static PairArtifact Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new DistillException(
                ExitCode.Data, "IM3021", $"the set {path} does not exist. Name a file such as runs/…/synthetic/pairs100.safetensors.");
        }
        ArraySet arrays = Safetensors.Read(path);
        string Text(string key) => arrays.Metadata.TryGetValue(key, out string? text) ? text : throw Wrong(path, $"the text '{key}' is missing.");
        if (Text("format") != Format)
            throw Wrong(path, $"its format is \"{Text("format")}\", expected {Format}.");
        if (Text(ContentHash.Key) != ContentHash.Of(arrays.Arrays, arrays.Metadata))
            throw WrongHash(path, "content");
        NamedArray[] parts = PartsOf(arrays, path, Text(SyntheticSetFile.PartsKey).Split(' '));
        if (Text(SetHashKey) != ArtifactHash.OfSet(parts))
            throw WrongHash(path, "set");
        int[] widths = [parts[0].Dimensions[1], parts[0].Dimensions[1], parts[1].Dimensions[1], parts[1].Dimensions[1]];
        var statistics = new float[s_statistics.Length][];
        for (int i = 0; i < s_statistics.Length; i++)
        {
            NamedArray found = Required(arrays, path, s_statistics[i], ArrayElement.Float32, widths[i]);
            if (i % 2 == 1 && found.AsFloat32().IndexOfAnyInRange(float.NegativeInfinity, 0f) >= 0)
                throw Wrong(path, $"{s_statistics[i]} has a number that is not above 0.");
            statistics[i] = found.AsFloat32().ToArray();
        }
        RunSettings settings = SettingsOf(path, Text("configuration"), Text("configuration_sha256"));
        if (settings.Dataset != Text("dataset") || settings.Pairs?.Contains(parts[0].Dimensions[0]) != true)
            throw Wrong(path, $"it has {parts[0].Dimensions[0]} pairs of {Text("dataset")}, which its configuration does not make.");
        return new PairArtifact
        {
            Source = path, Parts = parts, Settings = settings, Metadata = arrays.Metadata,
            Images = new FeatureStatistics(statistics[0], statistics[1]), Texts = new FeatureStatistics(statistics[2], statistics[3]),
            Numbers = Text(SyntheticSetFile.NumbersKey).Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(
                name => name, name => Required(arrays, path, name, ArrayElement.Float64, 1).AsFloat64()[0], StringComparer.Ordinal),
            Claim = Text(ClaimTextKey) == NotMeasured ? null : ClaimOf(arrays, path, settings, Text(ClaimTextKey)),
        };
    }

    private static NamedArray[] PartsOf(ArraySet arrays, string path, string[] names)
    {
        bool isPlain = names is [SyntheticPairs.ImagesPart, SyntheticPairs.TextsPart];
        if (!isPlain && names is not
            [SyntheticPairs.ImagesPart, SyntheticPairs.TextsPart, SyntheticPairs.DiagonalPart, SyntheticPairs.LeftPart, SyntheticPairs.RightPart])
        {
            throw Wrong(path, $"parts is \"{PrintableText.Of(string.Join(' ', names), 100)}\", expected those of image-text pairs.");
        }
        NamedArray images = Required(arrays, path, names[0], ArrayElement.Float32, null, null);
        int n = images.Dimensions[0];
        NamedArray[] parts = [images, .. names.Skip(1).Select(name => Required(arrays, path, name, ArrayElement.Float32, n, null))];
        return n < 1 || Array.Exists(parts, part => part.Dimensions[1] < 1) ? throw Wrong(path, "it has no pairs.")
            : !isPlain && (parts[2].Dimensions[1] != 1 || parts[3].Dimensions[1] != parts[4].Dimensions[1])
                ? throw Wrong(path, $"it has {parts[2]}, {parts[3]} and {parts[4]}, which are no similarity.")
                : parts;
    }

    private static RunSettings SettingsOf(string path, string configuration, string hash)
    {
        if (ArtifactHash.OfText(configuration) != hash)
            throw WrongHash(path, "configuration");
        try
        {
            return ConfigFile.ReadDecisive(configuration);
        }
        catch (Exception e) when (e is JsonException or DistillException)
        {
            throw Wrong(path, $"its configuration cannot be used: {e.Message}", e);
        }
    }

    private static RetrievalRow ClaimOf(ArraySet arrays, string path, RunSettings settings, string text)
    {
        NamedArray array = Required(arrays, path, ClaimKey, ArrayElement.Float64, settings.Repeats, RetrievalRow.Measures.Length);
        var claim = new RetrievalRow(PairRows.Distilled, [.. array.AsFloat64().ToArray().Chunk(RetrievalRow.Measures.Length)]);
        try
        {
            claim.RequireAcceptable(ClaimKey);
        }
        catch (JsonException e)
        {
            throw Wrong(path, e.Message, e);
        }
        return RetrievalRow.Cell(claim.Mean) == text
            ? claim
            : throw Wrong(path, $"{ClaimTextKey} is \"{PrintableText.Of(text, 100)}\", but its runs have {RetrievalRow.Cell(claim.Mean)}.");
    }

    // A size of null may be any.
    private static NamedArray Required(ArraySet arrays, string path, string name, ArrayElement element, params int?[] sizes)
    {
        if (!arrays.TryGet(name, out NamedArray? array))
            throw Wrong(path, $"the array '{PrintableText.Of(name, 100)}' is missing.");
        bool fits = array.Element == element && array.Dimensions.Length == sizes.Length;
        for (int i = 0; fits && i < sizes.Length; i++)
            fits = sizes[i] is not { } size || size == array.Dimensions[i];
        return fits
            ? array
            : throw Wrong(path, $"it has {array}, expected {element} [{string.Join(", ", sizes.Select(s => s?.ToString(CultureInfo.InvariantCulture) ?? "any"))}].");
    }

    private static DistillException Wrong(string path, string what, Exception? inner = null) =>
        new(ExitCode.Data, "IM3022", $"{path} is no distilled set that can be used: {what}", inner);

    private static DistillException WrongHash(string path, string what) => new(
        ExitCode.Data, "IM3041",
        $"{path}: the {what} does not have the hash that the file states, so it was changed or damaged after it was written. Fetch " +
        "it again.");
}
