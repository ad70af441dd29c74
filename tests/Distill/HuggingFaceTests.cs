using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Distill;
using InfMatch.Tests.IO;
using YamlDotNet.Serialization;

namespace InfMatch.Tests.Distill;

/// <summary>What Hugging Face's datasets library finds in an exported folder.</summary>
public sealed class HuggingFaceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Another_parquet_reader_finds_pictures_labels_and_soft_labels(bool hasTestImages)
    {
        (SyntheticArtifact artifact, string folder) = Export(hasTestImages);
        string file = Path.Combine(folder, "data", "train-00000-of-00001.parquet");
        (IReadOnlyList<ParquetRow> rows, IReadOnlyDictionary<string, string> texts) = ParquetRow.ReadByArrow(file);
        IReadOnlyList<ParquetRow> own = ParquetRow.Read(file);
        Assert.Equal(artifact.Count, rows.Count);
        var pixels = new PixelView(artifact);
        for (int i = 0; i < rows.Count; i++)
        {
            Assert.Equal(PngImage.Encode(pixels[i], 1, 8, 8), rows[i].Png);
            Assert.Equal($"0000{i}.png", rows[i].Path);
            Assert.Equal(artifact.Labels[i], rows[i].Label);
            Assert.Equal(artifact.SoftLabels[(3 * i)..(3 * i + 3)], rows[i].Soft);
            Assert.Equal((own[i].Path, own[i].Label), (rows[i].Path, rows[i].Label));
            Assert.Equal(own[i].Png, rows[i].Png);
        }
        JsonElement features = JsonDocument.Parse(texts["huggingface"]).RootElement.GetProperty("info").GetProperty("features");
        Assert.Equal("Image", features.GetProperty("image").GetProperty("_type").GetString());
        Assert.Equal("ClassLabel", features.GetProperty("label").GetProperty("_type").GetString());
        Assert.Equal(
            artifact.ClassNames, features.GetProperty("label").GetProperty("names").EnumerateArray().Select(n => n.GetString()!),
            StringComparer.Ordinal);
        Assert.Equal("float32", features.GetProperty("soft_label").GetProperty("feature").GetProperty("dtype").GetString());

        string test = Path.Combine(folder, "data", "test-00000-of-00001.parquet");
        Assert.Equal(hasTestImages, File.Exists(test));
        if (!hasTestImages)
            return;
        ImageDataset images = CommandRun.TinyData().Test;
        (rows, _) = ParquetRow.ReadByArrow(test);
        Assert.Equal(images.Count, rows.Count);
        Assert.Equal(images.Labels.ToArray().Select(l => (long)l), rows.Select(r => r.Label));
        Assert.All(rows, row => Assert.Equal(1, row.Soft[row.Label]));
        Assert.Equal(PngImage.Encode(images.Pixels.Slice(2 * 64, 64), 1, 8, 8), rows[2].Png);
    }

    [Fact]
    public void The_head_of_the_card_is_yaml_that_describes_the_columns()
    {
        (SyntheticArtifact artifact, string folder) = Export(hasTestImages: true);
        Dictionary<object, object> head = Head(folder);
        var info = (Dictionary<object, object>)head["dataset_info"];
        var features = (List<object>)info["features"];
        Assert.Equal(["image", "label", "soft_label"], features.Select(f => (string)((Dictionary<object, object>)f)["name"]), StringComparer.Ordinal);
        var names = (Dictionary<object, object>)At(((Dictionary<object, object>)features[1])["dtype"], "class_label", "names");
        Assert.Equal(artifact.ClassNames, names.OrderBy(n => int.Parse((string)n.Key)).Select(n => (string)n.Value), StringComparer.Ordinal);
        Assert.Equal("float32", ((Dictionary<object, object>)features[2])["sequence"]);
        var splits = (List<object>)info["splits"];
        Assert.Equal(["train", "test"], splits.Select(s => (string)((Dictionary<object, object>)s)["name"]), StringComparer.Ordinal);
        Assert.Equal(["6", "30"], splits.Select(s => (string)((Dictionary<object, object>)s)["num_examples"]), StringComparer.Ordinal);
        long bytes = ParquetRow.ReadByArrow(Path.Combine(folder, "data", "train-00000-of-00001.parquet")).Rows
            .Sum(r => r.Png.Length + r.Path.Length + 8 + 4 * r.Soft.Length);
        Assert.Equal($"{bytes}", ((Dictionary<object, object>)splits[0])["num_bytes"]);
        Assert.Equal(
            $"{Directory.GetFiles(Path.Combine(folder, "data")).Sum(f => new FileInfo(f).Length)}", info["download_size"]);
        var files = (List<object>)((Dictionary<object, object>)((List<object>)head["configs"])[0])["data_files"];
        Assert.Equal("data/train-*", ((Dictionary<object, object>)files[0])["path"]);
    }

    public static TheoryData<string> Targets() => [.. ArtifactExport.Targets];

    // Names with quotes, colons and what else means something in YAML.
    [Theory, MemberData(nameof(Targets))]
    public void The_head_of_every_card_is_yaml(string target)
    {
        string[] classes = ["a: b", "\"c\" # d", "- 'e' \\ {f}"];
        DatasetPair pair = CommandRun.TinyData([.. classes]);
        (_, string folder) = Export(hasTestImages: false, target, pair);
        Dictionary<object, object> head = Head(folder);
        Assert.Equal("unknown", head["license"]);
        Assert.Equal("tiny, 2 per class, distilled", head["pretty_name"]);
        Assert.Contains("dataset-distillation", (List<object>)head["tags"]);
        if (target != "huggingface")
            return;
        var label = (Dictionary<object, object>)((List<object>)At(head["dataset_info"], "features"))[1];
        var names = (Dictionary<object, object>)At(label["dtype"], "class_label", "names");
        Assert.Equal(classes, names.Values.Select(v => (string)v), StringComparer.Ordinal);
    }

    private static object At(object value, params string[] keys) =>
        keys.Aggregate(value, (at, key) => ((Dictionary<object, object>)at)[key]);

    private static Dictionary<object, object> Head(string folder)
    {
        string[] parts = File.ReadAllText(Path.Combine(folder, "README.md")).Split("---\n", 3);
        Assert.Equal("", parts[0]);
        return new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(parts[1]);
    }

    private (SyntheticArtifact Artifact, string Folder) Export(
        bool hasTestImages, string target = "huggingface", DatasetPair? pair = null)
    {
        SyntheticArtifact artifact = SyntheticArtifact.Read(ArtifactSample.Write(_folder.Root, pair: pair));
        string folder = _folder.At("out");
        using var export = new ExportFolder(folder);
        new ArtifactExport(artifact, new PixelView(artifact)) { TestImages = hasTestImages ? CommandRun.TinyData().Test : null }
            .Write(target, export);
        export.Complete();
        return (artifact, folder);
    }
}
