using System.Globalization;
using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// Checks every array and every text of a distilled set: types, shapes, numbers, and that they agree with each other
/// and with the hashes. What the format is stands in docs/artifact.md.
/// </summary>
internal sealed class ArtifactReader
{
    /// <summary>The names of the two versions of the format.</summary>
    public const string FirstFormat = "infmatch-synthetic-1", Format = "infmatch-synthetic-2";

    // Accuracies are counts of test images, rounded to six places; the mean is told with all its digits.
    private const double MeanTolerance = 1e-6, LabelTolerance = 1e-4;

    private const int MostNetworks = 1000, LargestFactor = 64, LargestDepth = 8, LongestShown = 100;

    private const string OlderWeight = "mass";

    private readonly ArraySet _arrays;
    private readonly int _version;

    private ArtifactReader(ArraySet arrays)
    {
        _arrays = arrays;
        string format = arrays.Metadata.GetValueOrDefault("format", "");
        _version = format switch
        {
            FirstFormat => 1,
            Format => 2,
            _ => throw Wrong($"its format is \"{PrintableText.Of(format, LongestShown)}\", expected {Format} or {FirstFormat}. Was it written by " +
                "'distill', or by a newer version of it?"),
        };
    }

    /// <summary>The set in a file's arrays and texts.</summary>
    /// <exception cref="DistillException">Something is missing, of another type or shape, out of range, in
    /// contradiction, or does not have its hash; the message says what.</exception>
    public static SyntheticArtifact Check(ArraySet arrays) => new ArtifactReader(arrays).Check();

    private SyntheticArtifact Check()
    {
        NamedArray images = Required("images", ArrayElement.Float32, null, null, null, null);
        int[] sizes = images.Dimensions.ToArray();
        int n = sizes[0];
        NamedArray logits = Logits(n, out int classes);
        if (classes < 1 || sizes.Any(s => s < 1))
            throw Wrong($"{images} and {logits} leave nothing to train on.");
        float[] soft = Softmax(logits.AsFloat32(), classes);
        CheckSoftLabels(logits.Dimensions, soft);
        int[] labels = ReadLabels(n, classes);
        NamedArray? pixels = Find("images_u8", ArrayElement.UInt8, sizes.Select(s => (int?)s).ToArray());
        NamedArray[] others = ReadOtherParts(n);
        Dictionary<string, double> numbers = ReadNumbers();

        Text("dataset");
        Whole("depth", 1, _version == 1 ? LargestDepth : int.MaxValue); // else the configuration has it, too
        Standardisation standardisation = ReadStandardisation(sizes[1]);
        ZcaWhitening? whitening = ReadWhitening(sizes[1] * (long)sizes[2] * sizes[3]);
        int factor = _version == 1 && !Has("factor") ? 1 : Whole("factor", 1, LargestFactor);
        if (logits.Dimensions is [_, int tiles, _] && (factor == 1 || tiles != factor * factor))
            throw Wrong($"it has {logits}, a label for each of {tiles} tiles of an image, but its factor is {factor}.");
        if (sizes[2] % factor != 0 || sizes[3] % factor != 0)
            throw Wrong($"factor {factor} does not divide images of {sizes[2]}×{sizes[3]}.");
        IReadOnlyList<string> names = ReadClassNames(classes);
        RunSettings? settings = _version == 1 ? null : ReadSettings();
        Claim? claim = _version == 1 ? null : ReadClaim(settings!);
        CheckHashes([images, logits, .. others]);
        if (whitening is null && pixels is not null)
            CheckPixels(images, pixels, standardisation);
        return new SyntheticArtifact
        {
            Source = _arrays.FileName,
            Version = _version,
            Images = images,
            LabelLogits = logits,
            SoftLabels = soft,
            Labels = labels,
            OtherParts = others,
            Numbers = numbers,
            Rate = ReadRate(),
            ClassNames = names,
            Standardisation = standardisation,
            Whitening = whitening,
            Factor = factor,
            Settings = settings,
            Claim = claim,
            Missing = _version == 1
                ? ["the configuration", "the accuracies of single networks", "the hashes of test images, experts and start"]
                : [],
            Metadata = _arrays.Metadata,
        };
    }

    // The pixels are what people look at. Undoing a whitening takes too long for a check; 1 is for another machine's rounding.
    private void CheckPixels(NamedArray images, NamedArray pixels, Standardisation standardisation)
    {
        byte[] expected = standardisation.ToPixels(images.AsFloat32(), new Shape(images.Dimensions[1..]));
        ReadOnlySpan<byte> stored = pixels.AsUInt8();
        for (int i = 0; i < expected.Length; i++)
        {
            if (Math.Abs(stored[i] - expected[i]) > 1)
                throw Wrong($"images_u8 has {stored[i]} at number {i}, but images have {expected[i]} there as a pixel.");
        }
    }

    // The parts behind those of every set; earlier versions had no others and did not name them.
    private NamedArray[] ReadOtherParts(int n)
    {
        if (!Has(SyntheticSetFile.PartsKey))
            return [];
        string[] names = Text(SyntheticSetFile.PartsKey).Split(' ');
        if (names is not [SyntheticSet.ImagesPart, SyntheticSet.LabelsPart, .. string[] others]
            || names.Distinct(StringComparer.Ordinal).Count() != names.Length)
        {
            throw Wrong($"parts is \"{Shown(SyntheticSetFile.PartsKey)}\", expected {SyntheticSet.ImagesPart} and " +
                $"{SyntheticSet.LabelsPart} first, and no name twice.");
        }
        return
        [
            .. others.Select(name => !_arrays.TryGet(name, out NamedArray? part)
                ? throw Wrong($"the array '{PrintableText.Of(name, LongestShown)}' is missing, which parts names.")
                : part.Element == ArrayElement.Float32 && part.Dimensions.Length > 0 && part.Dimensions[0] == n
                    ? part
                    : throw Wrong($"it has {part}, expected {ArrayElement.Float32} [{n}, …], a row for each image.")),
        ];
    }

    // Earlier versions had one, and called it mass.
    private Dictionary<string, double> ReadNumbers()
    {
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal);
        if (!Has(SyntheticSetFile.NumbersKey))
        {
            string older = _arrays.TryGet(OlderWeight, out _) ? OlderWeight : SyntheticSet.WeightNumber;
            numbers.Add(SyntheticSet.WeightNumber, NumberOf(older));
            return numbers;
        }
        foreach (string name in Text(SyntheticSetFile.NumbersKey).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!numbers.TryAdd(name, NumberOf(name)))
                throw Wrong($"numbers names '{PrintableText.Of(name, LongestShown)}' twice.");
        }
        return numbers;

        double NumberOf(string name)
        {
            double number = Required(name, ArrayElement.Float64, 1).AsFloat64()[0];
            bool isWeight = name is SyntheticSet.WeightNumber or OlderWeight, isRate = name == SyntheticSet.RateNumber;
            string expected = isWeight ? "a number from 0" : isRate ? "a number above 0" : "a finite number";
            return double.IsFinite(number) && !(isWeight && number < 0) && !(isRate && number <= 0)
                ? number
                : throw Wrong($"{name} is {number}, expected {expected}.");
        }
    }

    private double ReadRate()
    {
        double rate = Required(_version == 1 ? "rate" : "lr", ArrayElement.Float64, 1).AsFloat64()[0];
        return rate > 0 ? rate : throw Wrong($"the rate to train with is {rate}, expected a number above 0.");
    }

    // Of images, or of each of their tiles.
    private NamedArray Logits(int n, out int classes)
    {
        NamedArray logits = _arrays.TryGet("label_logits", out NamedArray? array) && array.Dimensions.Length == 3
            ? Required("label_logits", ArrayElement.Float32, n, null, null)
            : Required("label_logits", ArrayElement.Float32, n, null);
        classes = logits.Dimensions[^1];
        return logits;
    }

    private void CheckSoftLabels(ReadOnlySpan<int> sizes, float[] expected)
    {
        int classes = sizes[^1], each = expected.Length / sizes[0];
        if (Find("soft_labels", ArrayElement.Float32, [.. sizes.ToArray().Select(s => (int?)s)]) is not { } array)
            return;
        ReadOnlySpan<float> stored = array.AsFloat32();
        for (int i = 0; i < stored.Length; i++)
        {
            if (!(Math.Abs(stored[i] - expected[i]) <= LabelTolerance))
            {
                throw Wrong(
                    $"soft_labels has {stored[i]} for class {i % classes} of image {i / each}, but the softmax of " +
                    $"label_logits is {expected[i]}.");
            }
        }
    }

    private int[] ReadLabels(int n, int classes)
    {
        if (n % classes != 0)
            throw Wrong($"{n} images are no whole number for each of {classes} classes.");
        int each = n / classes;
        if ((_version > 1 || Has("ipc")) && Whole("ipc", 1, int.MaxValue) != each)
            throw Wrong($"ipc is {Shown("ipc")}, but {n} images of {classes} classes are {each} of each.");
        int[] labels = Find("labels", ArrayElement.Int32, n) is { } array
            ? array.AsInt32().ToArray()
            : [.. Enumerable.Range(0, n).Select(i => i / each)];
        var counts = new int[classes];
        for (int i = 0; i < n; i++)
        {
            if (labels[i] < 0 || labels[i] >= classes)
                throw Wrong($"label {i} is {labels[i]}, but there are {classes} classes, counted from 0.");
            counts[labels[i]]++;
        }
        return Array.FindIndex(counts, c => c != each) is >= 0 and int at
            ? throw Wrong($"class {at} has {counts[at]} images, expected {each} of each class.")
            : labels;
    }

    private Standardisation ReadStandardisation(int channels)
    {
        float[] mean = Numbers("mean", channels), std = Numbers("std", channels);
        return Array.Exists(std, s => !(s > 0))
            ? throw Wrong($"std is \"{Shown("std")}\", expected numbers above 0.")
            : new Standardisation(mean, std);
    }

    private ZcaWhitening? ReadWhitening(long size)
    {
        string text = _version == 1 ? _arrays.Metadata.GetValueOrDefault("zca", "none") : Text("zca");
        if (text == "none")
        {
            return _arrays.TryGet(ZcaWhitening.MeanName, out _) || _arrays.TryGet(ZcaWhitening.MatrixName, out _)
                ? throw Wrong("it has arrays of a ZCA whitening, but zca is \"none\".")
                : null;
        }
        if (!text.StartsWith("eps=", StringComparison.Ordinal) || !TryNumber(text[4..], out double eps) || !(eps > 0))
            throw Wrong($"zca is \"{PrintableText.Of(text, LongestShown)}\", expected \"none\" or \"eps=0.1\".");
        int d = (int)Math.Min(size, int.MaxValue);
        var whitening = ZcaWhitening.Of(
            eps, Required(ZcaWhitening.MeanName, ArrayElement.Float32, d),
            Required(ZcaWhitening.MatrixName, ArrayElement.Float32, d, d));
        return WhiteningInverse.Problem(whitening) is { } problem ? throw Wrong($"{problem}.") : whitening;
    }

    private IReadOnlyList<string> ReadClassNames(int classes)
    {
        string text = Text("classes");
        string[] names;
        try
        {
            if (_version == 1)
            {
                names = text.Split('|');
            }
            else
            {
                using JsonDocument document = JsonFile.Parse(text);
                names = JsonFile.Read<string[]>(document.RootElement);
            }
        }
        catch (JsonException e)
        {
            throw Wrong($"classes is no JSON list of names: {e.Message}", e);
        }
        return names.Length != classes || Array.Exists(names, string.IsNullOrEmpty)
            ? throw Wrong($"classes has {names.Length} names, expected {classes} that are not empty.")
            : names;
    }

    private RunSettings ReadSettings()
    {
        string text = Text("configuration");
        if (ArtifactHash.OfText(text) != Text("configuration_sha256"))
            throw WrongHash("configuration");
        RunSettings settings;
        try
        {
            settings = ConfigFile.ReadDecisive(text);
        }
        catch (Exception e) when (e is JsonException or DistillException)
        {
            throw Wrong($"its configuration cannot be used: {e.Message}", e);
        }
        int ipc = Whole("ipc", 1, int.MaxValue);
        if (!settings.Ipc.Contains(ipc))
            throw Wrong($"ipc is {Shown("ipc")}, but {string.Join(", ", settings.Ipc)} in its configuration.");
        foreach ((string key, string wanted) in SyntheticSetFile.TextsOf(settings, ipc))
        {
            if (!IsSame(key, wanted, settings))
                throw Wrong($"{key} is \"{Shown(key)}\", but \"{wanted}\" in its configuration.");
        }
        double rate = ReadRate();
        double expected = settings.RateIsLearned
            ? ReadNumbers().GetValueOrDefault(SyntheticSet.RateNumber, double.NaN)
            : settings.EvalRate;
        return rate == expected
            ? settings
            : throw Wrong(FormattableString.Invariant($"lr is {rate}, but {expected} in its configuration."));
    }

    // Earlier versions knew one method, whose estimators had other names, and wrote "1 networks".
    private bool IsSame(string key, string wanted, RunSettings settings) =>
        (key == "method" && !Has(key) && settings.Method is null) || Text(key) == wanted
        || (key == SyntheticSetFile.MatchingKey && Text(key) == OlderNames.WordOf("estimator", wanted))
        || (key == "protocol" && settings.Repeats == 1 && Text(key) == wanted + "s");

    private Claim? ReadClaim(RunSettings settings)
    {
        if (Text("claimed_accuracy") == "not measured")
            return null;
        int n = Whole("claimed_n", 1, MostNetworks);
        double mean = Number("claimed_mean"), std = Number("claimed_std");
        string[] parts = Text("claimed_runs").Split(' ');
        double[] runs = new double[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            if (!TryNumber(parts[i], out runs[i]) || runs[i] is < 0 or > 100)
                throw Wrong($"claimed_runs has \"{PrintableText.Of(parts[i], LongestShown)}\", expected numbers from 0 to 100.");
        }
        Accuracy accuracy = Accuracy.Of(runs);
        if (runs.Length != n || n != settings.Repeats
            || !(Math.Abs(accuracy.Mean - mean) <= MeanTolerance) || !(Math.Abs(accuracy.Std - std) <= MeanTolerance))
        {
            throw Wrong(
                FormattableString.Invariant($"it claims {mean} ± {std} over {n} networks, but its {runs.Length} runs have ") +
                FormattableString.Invariant($"{accuracy.Mean} ± {accuracy.Std}, and its configuration ") +
                FormattableString.Invariant($"{settings.Repeats} networks."));
        }
        return Text("claimed_accuracy") == accuracy.ToString()
            ? new Claim(accuracy, Text("claimed_on"), ReadBest(accuracy, settings))
            : throw Wrong($"claimed_accuracy is \"{Shown("claimed_accuracy")}\", but its runs have {accuracy}.");
    }

    private (double Mean, double Std)? ReadBest(Accuracy last, RunSettings settings)
    {
        bool wasLookedFor = (settings.BestEvery ?? Protocols.BestEvery(settings)) > 0;
        if (!wasLookedFor)
        {
            return Has(SyntheticSetFile.BestKey)
                ? throw Wrong($"it has {SyntheticSetFile.BestKey}, but its configuration looks for no best epoch.")
                : null;
        }
        string text = Text(SyntheticSetFile.BestKey);
        string[] parts = text.Split(" ± ");
        // Told with one digit; the best epoch cannot be below the last.
        return parts.Length == 2 && TryNumber(parts[0], out double mean) && TryNumber(parts[1], out double std)
            && mean >= last.Mean - 0.1 && mean <= 100 && std is >= 0 and <= 100
            ? (mean, std)
            : throw Wrong($"{SyntheticSetFile.BestKey} is \"{PrintableText.Of(text, LongestShown)}\", expected one such as \"{last}\" and no less.");
    }

    private void CheckHashes(NamedArray[] parts)
    {
        if (_version > 1)
        {
            foreach (string key in (string[])["dataset_sha256", "test_sha256", "start_sha256"])
                RequireHash(key, Text(key));
            foreach (string hash in Text("experts_sha256").Split(' '))
                RequireHash("experts_sha256", hash);
        }
        if (Text("set_sha256") != ArtifactHash.OfSet(parts))
            throw WrongHash("set");
        if (_version > 1 && Text(ContentHash.Key) != ContentHash.Of(_arrays.Arrays, _arrays.Metadata))
            throw WrongHash("content");

        void RequireHash(string key, string text)
        {
            if (!ArtifactHash.IsHash(text))
                throw Wrong($"{key} is \"{PrintableText.Of(text, LongestShown)}\", expected 64 hexadecimal digits.");
        }
    }

    // A size of null may be any.
    private NamedArray Required(string name, ArrayElement element, params ReadOnlySpan<int?> sizes) =>
        Find(name, element, sizes) ?? throw Wrong($"the array '{name}' is missing.");

    private NamedArray? Find(string name, ArrayElement element, params ReadOnlySpan<int?> sizes)
    {
        if (!_arrays.TryGet(name, out NamedArray? array))
            return null;
        bool fits = array.Element == element && array.Dimensions.Length == sizes.Length;
        for (int i = 0; fits && i < sizes.Length; i++)
            fits = sizes[i] is not { } size || size == array.Dimensions[i];
        if (fits)
            return array;
        string[] expected = [.. sizes.ToArray().Select(s => s?.ToString(CultureInfo.InvariantCulture) ?? "any")];
        throw Wrong($"it has {array}, expected {element} [{string.Join(", ", expected)}].");
    }

    private bool Has(string key) => _arrays.Metadata.ContainsKey(key);

    private string Text(string key) =>
        _arrays.Metadata.TryGetValue(key, out string? text) ? text : throw Wrong($"the text '{key}' is missing.");

    // A damaged text may be long and hold anything.
    private string Shown(string key) => PrintableText.Of(Text(key), LongestShown);

    private int Whole(string key, int low, int high) =>
        int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out int v) && v >= low && v <= high
            ? v
            : throw Wrong($"{key} is \"{Shown(key)}\", expected a whole number from {low} to {high}.");

    private double Number(string key) =>
        TryNumber(Text(key), out double v) ? v : throw Wrong($"{key} is \"{Shown(key)}\", expected a number.");

    private float[] Numbers(string key, int count)
    {
        string[] parts = Text(key).Split(' ');
        float[] numbers = new float[parts.Length];
        bool isFine = parts.Length == count;
        for (int i = 0; isFine && i < count; i++)
        {
            isFine = TryNumber(parts[i], out double v);
            numbers[i] = (float)v;
            isFine &= float.IsFinite(numbers[i]);
        }
        return isFine ? numbers : throw Wrong($"{key} is \"{Shown(key)}\", expected {count} numbers.");
    }

    private static bool TryNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);

    private static float[] Softmax(ReadOnlySpan<float> logits, int classes)
    {
        var soft = new float[logits.Length];
        for (int start = 0; start < logits.Length; start += classes)
            System.Numerics.Tensors.TensorPrimitives.SoftMax(logits.Slice(start, classes), soft.AsSpan(start, classes));
        return soft;
    }

    private DistillException Wrong(string what, Exception? inner = null) =>
        new(ExitCode.Data, "IM3022", $"{_arrays.FileName} is no distilled set that can be used: {what}", inner);

    private DistillException WrongHash(string what) => new(
        ExitCode.Data, "IM3041",
        $"{_arrays.FileName}: the {what} does not have the hash that the file states, so it was changed or damaged after it was " +
        "written. Fetch it again.");
}
