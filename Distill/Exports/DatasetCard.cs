using InfMatch.Datasets;
using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>
/// README.md beside an export, in the form of Hugging Face's dataset cards: what the set is, where it comes from, what it
/// claims and under which conditions, how to load it and how to make it again.
/// </summary>
internal sealed class DatasetCard(SetContent set, SetForm form, (Accuracy Exact, Accuracy Pixels)? measured)
{
    private const string None = "not stated in the file";

    private readonly SyntheticArtifact _artifact = set.Artifact;

    /// <summary>What the form has to say in the head, as lines of YAML.</summary>
    public IReadOnlyList<string> MoreHead { get; init; } = [];

    private bool IsValidated => _artifact.Settings?.ValidationShare is not null;

    private string Images => IsValidated ? "validation images, held out of the training images" : "test images";

    private bool HasTestImages => set.TestImages is not null;

    /// <summary>The card.</summary>
    public string Text() => string.Concat(Head().Concat(Origin()).Concat(Use()).Concat(Limits()).Select(line => line + "\n"));

    private IEnumerable<string> Head()
    {
        string source = _artifact.Metadata.GetValueOrDefault("dataset", None), dataset = TableText.Markdown(source);
        (string licence, _) = LicenceOf(source);
        int each = _artifact.Count / _artifact.Classes;
        yield return "---";
        yield return $"license: {licence}";
        yield return "task_categories:";
        yield return "- image-classification";
        yield return "tags:";
        yield return "- dataset-distillation";
        yield return "- synthetic";
        yield return $"pretty_name: {TableText.Yaml($"{source}, {each} per class, distilled")}";
        yield return "size_categories:";
        yield return $"- {SizeOf(_artifact.Count)}";
        foreach (string line in MoreHead)
            yield return line;
        yield return "---";
        yield return "";
        yield return $"# {dataset}, distilled to {each} {(each == 1 ? "image" : "images")} per class";
        yield return "";
        yield return $"{_artifact.Count} synthetic images {_artifact.Image} of {_artifact.Classes} classes with soft labels. A network that is " +
            "trained on them is to classify the real test images of the source nearly as well as one that saw all of it.";
        yield return "";
    }

    private IEnumerable<string> Origin()
    {
        string source = _artifact.Metadata.GetValueOrDefault("dataset", None), dataset = TableText.Markdown(source);
        (_, string note) = LicenceOf(source);
        yield return "## Source";
        yield return "";
        yield return $"- data set: {dataset}. {note}";
        yield return $"- training images: SHA-256 {Value("dataset_sha256")}";
        yield return $"- {Images}: SHA-256 {Value("test_sha256")}";
        yield return $"- classes: {string.Join(", ", _artifact.ClassNames.Select(TableText.Markdown))}";
        yield return "";
        yield return "## Method";
        yield return "";
        yield return $"{Method()}, network {Value("distilled_with")}, seed {Value("seed")} ({Value("software")}). All settings are in " +
            "`metadata.json` under `configuration`.";
        yield return "";
        yield return "## What it claims";
        yield return "";
        yield return $"- {(IsValidated ? "validation" : "test")} accuracy: **{Value("claimed_accuracy")}** % (mean ± standard deviation over {Value("claimed_n")} networks)";
        yield return $"- {Value("protocol")}";
        yield return $"- measured on: {Value("claimed_on")}";
        yield return "";
        yield return "An accuracy holds for its protocol and network only; another network or another training gives another one.";
        yield return "";
    }

    private IEnumerable<string> Use()
    {
        string network = _artifact.Metadata.GetValueOrDefault("network", None);
        yield return "## What is in this folder";
        yield return "";
        foreach (string line in Content())
            yield return line;
        if (_artifact.LabelsEach > 1)
        {
            yield return $"- each image holds {_artifact.LabelsEach} tiles, row by row, and each tile has a soft label of its own: " +
                $"{_artifact.LabelsEach} × {_artifact.Classes} numbers for an image; `decode` cuts both";
        }
        yield return "";
        yield return "## How to load it";
        yield return "";
        yield return "    from load_infmatch import load, decode, preprocess_test";
        yield return "    images, soft_labels, recipe = load()";
        yield return "    images, soft_labels = decode(images, soft_labels, recipe)";
        yield return "    x = preprocess_test(pixels, recipe)    # uint8 [N, C, H, W] of real images";
        yield return "";
        yield return "Train on the soft labels, with the rate `recipe[\"lr\"]`, the augmentation and the epochs of the recipe. Test";
        yield return $"images must pass through `preprocess_test`: {Preprocessing()}.";
        yield return HasTestImages
            ? $"`python load_infmatch.py` trains as claimed and prints the accuracy on the {Images} in test.npz."
            : $"`python load_infmatch.py --data DIR` trains as claimed and prints the accuracy on the {Images} in DIR.";
        if (!network.StartsWith("convnet-d", StringComparison.Ordinal) || network.Split('-').Length > 3)
            yield return $"It has no {TableText.Markdown(network)}, so it loads this set and leaves the network and its training to you.";
        yield return "";
        yield return "## How to check and to make it again";
        yield return "";
        yield return "    infmatch verify set.safetensors        # the file that 'distill' wrote";
        yield return "";
        yield return $"SHA-256 of images and label logits: {Value("set_sha256")}. The same settings, seed, machine and build make the same";
        yield return "bits.";
        yield return "";
    }

    private IEnumerable<string> Limits()
    {
        yield return "## Limits";
        yield return "";
        yield return "- The images are made for training of networks like the one named; they are no samples of the source and show";
        yield return "  nothing that could be measured from them.";
        yield return "- What the source is biased in, the set is, too. Pixels of single source images may be recognisable in it.";
        foreach (string missing in _artifact.Missing)
            yield return $"- The file does not hold {missing}.";
    }

    private IEnumerable<string> Content()
    {
        foreach (string line in form.Files(set))
            yield return line;
        if (form.IsLossy)
        {
            yield return $"- lossy: {set.Pixels.Loss}.";
            yield return measured is { } m
                ? $"- measured again: {m.Exact} % with the images of the artifact, {m.Pixels} % with these pixels"
                : "- what that costs in accuracy was not measured (`export --measure`)";
            if (_artifact.Whitening is not null)
                yield return "- `zca.npz`: the whitening; the pixels are unwhitened, `load` whitens them again";
        }
        if (HasTestImages)
            yield return $"- `test.npz`: the {Images} of the claim (uint8) with their labels: they are the source's, not synthetic";
        yield return "- `metadata.json`: every text of the artifact; `load_infmatch.py`: loader and evaluation in PyTorch";
    }

    private string Preprocessing()
    {
        string zca = _artifact.Whitening is null ? "" : ", then ZCA whitening with the set's matrix";
        return $"(pixel / 255 − mean) / std, mean {Value("mean")}, std {Value("std")}{zca}";
    }

    // Sets of earlier versions name no method: there was one. The estimator of another one is only its name again.
    private string Method()
    {
        string name = _artifact.Metadata.GetValueOrDefault("method", DistillationMethod.Default);
        return name == DistillationMethod.Default
            ? $"Influence matching, estimator {Value("estimator")}"
            : $"Method {TableText.Markdown(name)}";
    }

    private string Value(string key) => TableText.Markdown(_artifact.Metadata.GetValueOrDefault(key, None));

    private static string SizeOf(int n) => n < 1000 ? "n<1K" : n < 10_000 ? "1K<n<10K" : n < 100_000 ? "10K<n<100K" : "100K<n<1M";

    // Names of sets of both kinds differ.
    private static DatasetLicence LicenceOf(string source) =>
        PairCatalog.Named(source)?.Licence ?? DatasetCatalog.LicenceOf(source);
}
