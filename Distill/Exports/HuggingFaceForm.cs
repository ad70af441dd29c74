using System.Globalization;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Tensors.IO;
using Parquet;
using Parquet.Schema;

namespace InfMatch.Distill;

/// <summary>
/// A folder that Hugging Face's <c>datasets.load_dataset</c> reads: parquet files with the pictures, labels and soft labels, whose
/// columns are described in the files and in the head of the card.
/// </summary>
internal sealed class HuggingFaceForm : SetForm
{
    private const string Image = "image", Label = "label", SoftLabel = "soft_label";

    /// <inheritdoc/>
    public override string Name => "huggingface";

    /// <inheritdoc/>
    public override string Help => "a folder for Hugging Face's datasets (parquet)";

    /// <inheritdoc/>
    public override bool IsLossy => true;

    /// <summary>The file of a split.</summary>
    public static string FileOf(string split) => $"data/{split}-00000-of-00001.parquet";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Write(SetContent set, ExportFolder folder)
    {
        SyntheticArtifact artifact = set.Artifact;
        var splits = new List<Split>
        {
            Split.Write(
                "train", folder, set.Classes,
                [.. Enumerable.Range(0, artifact.Count).Select(i =>
                    new Row(set.Png(i), artifact.Labels[i], set.SoftLabels(i).ToArray()))]),
        };
        if (set.TestImages is { } test)
            splits.Add(Split.Write("test", folder, set.Classes, [.. Enumerable.Range(0, test.Count).Select(i => RowOf(test, i))]));
        if (artifact.Whitening is { } zca)
            folder.Write("zca.npz", stream => Npz.Write(stream, zca.ToArrays()));
        return [.. Head(set.Classes, splits)];
    }

    /// <inheritdoc/>
    public override IEnumerable<string> Files(SetContent set)
    {
        yield return $"- `{FileOf("train")}`: image (PNG), label, soft_label; `datasets.load_dataset` takes this folder";
        if (set.TestImages is not null)
            yield return $"- `{FileOf("test")}`: the test images of the claim in the same form, with one-hot soft labels";
    }

    private static Row RowOf(ImageDataset set, int image)
    {
        var oneHot = new float[set.Classes];
        oneHot[set.Labels[image]] = 1;
        ReadOnlySpan<byte> pixels = set.Pixels.Slice(image * set.ImageSize, set.ImageSize);
        return new Row(PngImage.Encode(pixels, set.Channels, set.Height, set.Width), set.Labels[image], oneHot);
    }

    private static IEnumerable<string> Head(IReadOnlyList<string> classes, List<Split> splits)
    {
        yield return "configs:";
        yield return "- config_name: default";
        yield return "  data_files:";
        foreach (Split split in splits)
        {
            yield return $"  - split: {split.Name}";
            yield return $"    path: data/{split.Name}-*";
        }
        yield return "dataset_info:";
        yield return "  features:";
        yield return $"  - name: {Image}";
        yield return "    dtype: image";
        yield return $"  - name: {Label}";
        yield return "    dtype:";
        yield return "      class_label:";
        yield return "        names:";
        for (int c = 0; c < classes.Count; c++)
            yield return $"          '{c.ToString(CultureInfo.InvariantCulture)}': {TableText.Yaml(classes[c])}";
        yield return $"  - name: {SoftLabel}";
        yield return "    sequence: float32";
        yield return "  splits:";
        foreach (Split split in splits)
        {
            yield return $"  - name: {split.Name}";
            yield return FormattableString.Invariant($"    num_bytes: {split.Bytes}");
            yield return FormattableString.Invariant($"    num_examples: {split.Rows}");
        }
        yield return FormattableString.Invariant($"  download_size: {splits.Sum(s => s.FileBytes)}");
        yield return FormattableString.Invariant($"  dataset_size: {splits.Sum(s => s.Bytes)}");
    }

    private sealed record Row(byte[] Png, long Label, float[] Soft);

    /// <summary>A parquet file that was written.</summary>
    /// <param name="Name">train or test.</param>
    /// <param name="Rows">Its rows.</param>
    /// <param name="Bytes">The bytes of their cells.</param>
    /// <param name="FileBytes">The bytes of the file.</param>
    private sealed record Split(string Name, int Rows, long Bytes, long FileBytes)
    {
        private static readonly ParquetSchema s_schema = new(
            new StructField(Image, new DataField<byte[]>("bytes"), new DataField<string>("path")),
            new DataField<long>(Label),
            new ListField(SoftLabel, new DataField<float>("element")));

        public static Split Write(string name, ExportFolder folder, IReadOnlyList<string> classes, Row[] rows)
        {
            string[] paths = [.. rows.Select((_, i) => $"{i.ToString("00000", CultureInfo.InvariantCulture)}.png")];
            using var file = new MemoryStream();
            Fill(file, classes, rows, paths).GetAwaiter().GetResult();
            folder.Write(FileOf(name), stream => stream.Write(file.GetBuffer().AsSpan(0, (int)file.Length)));
            long bytes = rows.Sum(row => row.Png.Length + sizeof(long) + (long)row.Soft.Length * sizeof(float))
                + paths.Sum(path => (long)path.Length);
            return new Split(name, rows.Length, bytes, file.Length);
        }

        private static async Task Fill(Stream file, IReadOnlyList<string> classes, Row[] rows, string[] paths)
        {
            await using ParquetWriter writer = await ParquetWriter.CreateAsync(s_schema, file);
            writer.CustomMetadata = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["huggingface"] = TableText.Json(Description(classes)),
            };
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            DataField[] fields = s_schema.DataFields;
            await group.WriteAsync(fields[0], [.. rows.Select(row => row.Png)]);
            await group.WriteAsync(fields[1], paths);
            await group.WriteAsync<long>(fields[2], rows.Select(row => row.Label).ToArray());
            int[] repetitions = [.. rows.SelectMany(row => row.Soft.Select((_, i) => i == 0 ? 0 : 1))];
            int[] definitions = [.. repetitions.Select(_ => fields[3].MaxDefinitionLevel)]; // every number is there
            float[] soft = [.. rows.SelectMany(row => row.Soft)];
            await group.WriteAllPartsAsync<float>(fields[3], soft, definitions, repetitions, CancellationToken.None);
            group.CompleteValidate();
        }

        // What the reader takes for the types of the columns where there is no card.
        private static string Description(IReadOnlyList<string> classes) => new JsonObject
        {
            ["info"] = new JsonObject
            {
                ["features"] = new JsonObject
                {
                    [Image] = new JsonObject { ["_type"] = "Image" },
                    [Label] = new JsonObject
                    {
                        ["names"] = new JsonArray([.. classes.Select(name => (JsonNode)name)]), ["_type"] = "ClassLabel",
                    },
                    [SoftLabel] = new JsonObject
                    {
                        ["feature"] = new JsonObject { ["dtype"] = "float32", ["_type"] = "Value" }, ["_type"] = "Sequence",
                    },
                },
            },
        }.ToJsonString();
    }
}
