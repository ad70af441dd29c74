using System.Text;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>
/// README.md beside an export, in the form of Hugging Face's dataset cards: what the set is, where it comes from, what it
/// claims and under which conditions, how to load it and how to make it again.
/// </summary>
internal sealed class DatasetCard(
    SyntheticArtifact artifact, string target, PixelView pixels, (Accuracy Exact, Accuracy Pixels)? measured)
{
    private const string None = "not stated in the file";

    /// <summary>Whether test.npz stands beside it.</summary>
    public bool HasTestImages { get; init; }

    /// <summary>The card.</summary>
    public string Text()
    {
        string source = artifact.Metadata.GetValueOrDefault("dataset", None), dataset = TableText.Markdown(source);
        (string licence, string note) = DatasetCatalog.LicenceOf(source);
        string network = artifact.Metadata.GetValueOrDefault("network", None);
        int each = artifact.Count / artifact.Classes;
        var text = new StringBuilder();
        void Line(string line = "") => text.Append(line).Append('\n');
        Line("---");
        Line($"license: {licence}");
        Line("task_categories:");
        Line("- image-classification");
        Line("tags:");
        Line("- dataset-distillation");
        Line("- synthetic");
        Line($"pretty_name: {TableText.Yaml($"{source}, {each} per class, distilled")}");
        Line("size_categories:");
        Line($"- {SizeOf(artifact.Count)}");
        Line("---");
        Line();
        Line($"# {dataset}, distilled to {each} {(each == 1 ? "image" : "images")} per class");
        Line();
        Line(
            $"{artifact.Count} synthetic images {artifact.Image} of {artifact.Classes} classes with soft labels. A network that is " +
            "trained on them is to classify the real test images of the source nearly as well as one that saw all of it.");
        Line();
        Line("## Source");
        Line();
        Line($"- data set: {dataset}. {note}");
        Line($"- training images: SHA-256 {Value("dataset_sha256")}");
        Line($"- test images: SHA-256 {Value("test_sha256")}");
        Line($"- classes: {string.Join(", ", artifact.ClassNames.Select(TableText.Markdown))}");
        Line();
        Line("## Method");
        Line();
        Line(
            $"Influence matching ({Value("software")}, estimator {Value("estimator")}, network {Value("distilled_with")}, seed " +
            $"{Value("seed")}). All settings are in `metadata.json` under `configuration`.");
        Line();
        Line("## What it claims");
        Line();
        Line($"- test accuracy: **{Value("claimed_accuracy")}** % (mean ± standard deviation over {Value("claimed_n")} networks)");
        Line($"- {Value("protocol")}");
        Line($"- measured on: {Value("claimed_on")}");
        Line();
        Line("An accuracy holds for its protocol and network only; another network or another training gives another one.");
        Line();
        Line("## What is in this folder");
        Line();
        foreach (string line in Content())
            Line(line);
        Line();
        Line("## How to load it");
        Line();
        Line("    from load_infmatch import load, decode, preprocess_test");
        Line("    images, soft_labels, recipe = load()");
        Line("    images, soft_labels = decode(images, soft_labels, recipe)");
        Line("    x = preprocess_test(pixels, recipe)    # uint8 [N, C, H, W] of real images");
        Line();
        Line("Train on the soft labels, with the rate `recipe[\"lr\"]`, the augmentation and the epochs of the recipe. Test");
        Line($"images must pass through `preprocess_test`: {Preprocessing()}.");
        Line(HasTestImages
            ? "`python load_infmatch.py` trains as claimed and prints the accuracy on the test images in test.npz."
            : "`python load_infmatch.py --data DIR` trains as claimed and prints the accuracy on the test images in DIR.");
        if (!network.StartsWith("convnet-d", StringComparison.Ordinal) || network.Split('-').Length > 3)
            Line($"It has no {TableText.Markdown(network)}, so it loads this set and leaves the network and its training to you.");
        Line();
        Line("## How to check and to make it again");
        Line();
        Line("    dotnet run --project Distill -- verify set.safetensors        # the file that 'distill' wrote");
        Line();
        Line($"SHA-256 of images and label logits: {Value("set_sha256")}. The same settings, seed, machine and build make the same");
        Line("bits.");
        Line();
        Line("## Limits");
        Line();
        Line("- The images are made for training of networks like the one named; they are no samples of the source and show");
        Line("  nothing that could be measured from them.");
        Line("- What the source is biased in, the set is, too. Pixels of single source images may be recognisable in it.");
        foreach (string missing in artifact.Missing)
            Line($"- The file does not hold {missing}.");
        return text.ToString();
    }

    private IEnumerable<string> Content()
    {
        yield return target switch
        {
            "npz" => "- `set.npz`: images (standardised float32), images_u8, labels, label_logits, soft_labels, lr, mass, metadata",
            "safetensors" => "- `set.safetensors`: the artifact itself, byte for byte; 'verify' and 'evaluate' take it",
            "png" => "- `images/00000.png` …, `labels.csv`, `soft_labels.csv`, `classes.txt` (one name a line, in the order of labels)",
            _ => "- `images/00_class/000.png` … for torchvision's ImageFolder (`images/` is its root; the numbers keep the order " +
                "of labels), `labels.csv`, `soft_labels.csv`, `classes.txt` (the original names)",
        };
        if (ArtifactExport.IsPictures(target))
        {
            yield return $"- lossy: {pixels.Loss}.";
            yield return measured is { } m
                ? $"- measured again: {m.Exact} % with the images of the artifact, {m.Pixels} % with these pixels"
                : "- what that costs in accuracy was not measured (`export --measure`)";
            if (artifact.Whitening is not null)
                yield return "- `zca.npz`: the whitening; the pixels are unwhitened, `load` whitens them again";
        }
        if (HasTestImages)
            yield return "- `test.npz`: the test images of the claim (uint8) with their labels: they are the source's, not synthetic";
        yield return "- `metadata.json`: every text of the artifact; `load_infmatch.py`: loader and evaluation in PyTorch";
    }

    private string Preprocessing()
    {
        string zca = artifact.Whitening is null ? "" : ", then ZCA whitening with the set's matrix";
        return $"(pixel / 255 − mean) / std, mean {Value("mean")}, std {Value("std")}{zca}";
    }

    private string Value(string key) => TableText.Markdown(artifact.Metadata.GetValueOrDefault(key, None));

    private static string SizeOf(int n) => n < 1000 ? "n<1K" : n < 10_000 ? "1K<n<10K" : n < 100_000 ? "10K<n<100K" : "100K<n<1M";
}
