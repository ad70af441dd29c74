using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>
/// Writes a set for users of other programs: as arrays or as pictures, always with its texts, a dataset card and a loader
/// for PyTorch.
/// </summary>
internal sealed class ArtifactExport(SyntheticArtifact artifact, PixelView pixels)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The forms.</summary>
    public static ImmutableArray<string> Targets { get; } = ["npz", "png", "imagefolder", "safetensors"];

    /// <summary>Whether a form keeps only the pixels of the images.</summary>
    public static bool IsPictures(string target) => target is "png" or "imagefolder";

    /// <summary>The accuracies with the images and with their pixels, where they were measured.</summary>
    public (Accuracy Exact, Accuracy Pixels)? Measured { get; init; }

    /// <summary>The test images that are to stand beside it in test.npz; null for none.</summary>
    public ImageDataset? TestImages { get; init; }

    /// <summary>Writes a form into a new folder.</summary>
    /// <exception cref="DistillException">The form cannot hold such images.</exception>
    /// <exception cref="FileWriteException">A file cannot be written.</exception>
    public void Write(string target, ExportFolder folder)
    {
        string metadata = Metadata(target);
        switch (target)
        {
            case "npz":
                folder.Write("set.npz", stream => Npz.Write(stream, [.. Arrays(), AsBytes("metadata", metadata)]));
                break;
            case "safetensors":
                using (FileStream source = File.OpenRead(artifact.Source))
                    folder.Write("set.safetensors", source.CopyTo);
                break;
            default:
                WritePictures(target, folder);
                break;
        }
        if (TestImages is { } test)
        {
            folder.Write("test.npz", stream => Npz.Write(stream,
            [
                NamedArray.From("images", [test.Count, test.Channels, test.Height, test.Width], test.Pixels.ToArray()),
                NamedArray.From("labels", [test.Count], test.Labels.ToArray()),
            ]));
        }
        folder.Write("metadata.json", metadata + "\n");
        var card = new DatasetCard(artifact, target, pixels, Measured) { HasTestImages = TestImages is not null };
        folder.Write("README.md", card.Text());
        folder.Write("load_infmatch.py", Loader());
    }

    /// <summary>The loader for PyTorch, which stands beside every export.</summary>
    public static string Loader()
    {
        using Stream stream = typeof(ArtifactExport).Assembly.GetManifestResourceStream("load_infmatch.py")
            ?? throw new InvalidOperationException("load_infmatch.py is not in this build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private void WritePictures(string target, ExportFolder folder)
    {
        string[] classFolders = ClassFolders.Of(Names());
        var counts = new int[artifact.Classes];
        var labels = new StringBuilder("file,label,class\n");
        var soft = new StringBuilder($"file,{string.Join(',', Names().Select(TableText.Cell))}\n");
        for (int i = 0; i < artifact.Count; i++)
        {
            int label = artifact.Labels[i];
            string file = target == "png"
                ? $"images/{Number(i, 5)}.png"
                : $"images/{classFolders[label]}/{Number(counts[label]++, 3)}.png";
            byte[] png = PngImage.Encode(pixels[i], artifact.Image[0], artifact.Image[1], artifact.Image[2]);
            folder.Write(file, stream => stream.Write(png));
            labels.Append(CultureInfo.InvariantCulture, $"{file},{label},{TableText.Cell(Names()[label])}\n");
            string[] row =
            [
                .. artifact.SoftLabels.AsSpan(i * artifact.Classes, artifact.Classes).ToArray()
                    .Select(v => v.ToString("R", CultureInfo.InvariantCulture)),
            ];
            soft.Append(CultureInfo.InvariantCulture, $"{file},{string.Join(',', row)}\n");
        }
        folder.Write("labels.csv", labels.ToString());
        folder.Write("soft_labels.csv", soft.ToString());
        folder.Write("classes.txt", string.Concat(Names().Select(name => $"{PrintableText.Of(name)}\n")));
        if (artifact.Whitening is { } zca)
            folder.Write("zca.npz", stream => Npz.Write(stream, zca.ToArrays()));
    }

    private IEnumerable<NamedArray> Arrays()
    {
        int n = artifact.Count;
        yield return artifact.Images;
        yield return NamedArray.From("images_u8", artifact.Images.Dimensions, pixels.Pixels);
        yield return NamedArray.From("labels", [n], artifact.Labels);
        yield return artifact.LabelLogits;
        yield return NamedArray.From("soft_labels", [n, artifact.Classes], artifact.SoftLabels);
        yield return NamedArray.From("lr", [1], (double[])[artifact.Rate]);
        foreach (NamedArray part in artifact.OtherParts)
            yield return part;
        foreach ((string name, double number) in artifact.Numbers)
            yield return NamedArray.From(name, [1], (double[])[number]);
        if (artifact.Whitening is { } zca)
        {
            foreach (NamedArray array in zca.ToArrays())
                yield return array;
        }
    }

    // Every text of the artifact, and what stands in arrays there.
    private string Metadata(string target)
    {
        var root = new JsonObject { ["export"] = target, ["lr"] = artifact.Rate };
        foreach ((string name, double number) in artifact.Numbers.OrderBy(p => p.Key, StringComparer.Ordinal))
            root.Add(name, number);
        foreach ((string key, string value) in artifact.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            root.TryAdd(key, value); // a text of that name does not stand in for the number
        return TableText.Json(root.ToJsonString(s_json));
    }

    private IReadOnlyList<string> Names() => artifact.ClassNames;

    private static NamedArray AsBytes(string name, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return NamedArray.From(name, [bytes.Length], bytes);
    }

    private static string Number(int i, int digits) => i.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
}
