using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Datasets;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>A set of image-text pairs for other programs: its arrays, its texts as JSON, and a page that says what they are.</summary>
/// <param name="artifact">The set.</param>
internal sealed class PairExport(PairArtifact artifact)
{
    private const string Npz = "npz", Safetensors = "safetensors";

    /// <summary>The forms that such a set has; others are of images.</summary>
    public static IReadOnlyList<string> Targets { get; } = [Npz, Safetensors];

    /// <summary>Writes the set into a folder.</summary>
    public void Write(string target, ExportFolder folder)
    {
        if (target == Safetensors)
        {
            using FileStream source = File.OpenRead(artifact.Source);
            folder.Write("set.safetensors", source.CopyTo);
        }
        else
        {
            ArraySet arrays = Tensors.IO.Safetensors.Read(artifact.Source);
            folder.Write("set.npz", stream => Tensors.IO.Npz.Write(stream, arrays.Arrays));
        }
        var texts = new JsonObject { ["export"] = target };
        foreach ((string key, string value) in artifact.Metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            texts.TryAdd(key, value);
        folder.Write("metadata.json", TableText.Json(texts.ToJsonString(JsonText.Options)) + "\n");
        folder.Write("README.md", string.Concat(Page(target).Select(line => line + "\n")));
    }

    private IEnumerable<string> Page(string target)
    {
        RunSettings settings = artifact.Settings;
        yield return $"# {settings.Dataset}, distilled to {artifact.Count} image-text pairs";
        yield return "";
        string learned = artifact.HasPixels ? "images and features of texts" : "features of images and texts";
        yield return $"Synthetic {learned}. Two small heads that are trained on them are to retrieve nearly as well as heads " +
            "that saw all pairs of the source.";
        yield return "";
        yield return $"- source: {settings.Dataset}. {PairCatalog.Named(settings.Dataset)?.Licence.Note}".TrimEnd();
        yield return $"- method: {settings.MethodName}, {settings.MethodLabel}";
        yield return $"- training on it: {artifact.Metadata["protocol"]}";
        yield return artifact.Claim is { } claim
            ? $"- mean of the recalls at 1, 5 and 10 in both directions, on {artifact.Metadata["split"]}: {RetrievalRow.Cell(claim.Mean)} %"
            : "- its recall is not measured";
        yield return "";
        yield return $"## Arrays of set.{target}";
        yield return "";
        yield return artifact.HasPixels
            ? "- `images` [N, 3, H, H], float32, red, green and blue from 0 to 1, and `text_features` [N, G], float32, standardised"
            : "- `image_features` [N, F] and `text_features` [N, G], float32, standardised";
        if (artifact.HasPixels)
        {
            yield return $"- features of an image are those of the frozen encoder {artifact.Metadata[PairArtifact.EncoderHashKey]} (SHA-256), " +
                "which takes 255 times the pixels, enlarged linearly to its size";
        }
        yield return "- `image_mean`, `image_deviation` [F], `text_mean`, `text_deviation` [G]: a feature x of an encoder is (x - mean) / deviation here";
        if (artifact.Parts.Count > 2)
            yield return "- `similarity_diagonal` a [N, 1], `similarity_left` L and `similarity_right` R [N, r]: A = diag(a) + (scale/r) L Rᵀ, " +
                FormattableString.Invariant($"scale {PairSettings.ScaleOf(settings)}");
        yield return "- `claimed_recall` [heads, 6], float64: R@1, R@5, R@10 of images for texts, then of texts for images, in percent";
        yield return "";
        yield return "metadata.json has every text of the set: its configuration, its origin and the hashes of data and experts.";
    }
}
