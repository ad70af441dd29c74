using System.Text;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>All arrays in one archive of numpy.</summary>
internal sealed class NpzForm : SetForm
{
    /// <inheritdoc/>
    public override string Name => "npz";

    /// <inheritdoc/>
    public override string Help => "arrays for numpy";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Write(SetContent set, ExportFolder folder)
    {
        byte[] metadata = Encoding.UTF8.GetBytes(set.Metadata);
        folder.Write(
            "set.npz",
            stream => Npz.Write(stream, [.. Arrays(set), NamedArray.From("metadata", [metadata.Length], metadata)]));
        return [];
    }

    /// <inheritdoc/>
    public override IEnumerable<string> Files(SetContent set) =>
        ["- `set.npz`: images (standardised float32), images_u8, labels, label_logits, soft_labels, lr, weight, metadata"];

    private static IEnumerable<NamedArray> Arrays(SetContent set)
    {
        SyntheticArtifact artifact = set.Artifact;
        int n = artifact.Count;
        yield return artifact.Images;
        yield return NamedArray.From("images_u8", artifact.Images.Dimensions, set.Pixels.Pixels);
        yield return NamedArray.From("labels", [n], artifact.Labels);
        yield return artifact.LabelLogits;
        yield return NamedArray.From("soft_labels", artifact.LabelLogits.Dimensions, artifact.SoftLabels);
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
}

/// <summary>The artifact itself, byte for byte.</summary>
internal sealed class SafetensorsForm : SetForm
{
    /// <inheritdoc/>
    public override string Name => "safetensors";

    /// <inheritdoc/>
    public override string Help => "the set's own file";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Write(SetContent set, ExportFolder folder)
    {
        using FileStream source = File.OpenRead(set.Artifact.Source);
        folder.Write("set.safetensors", source.CopyTo);
        return [];
    }

    /// <inheritdoc/>
    public override IEnumerable<string> Files(SetContent set) =>
        ["- `set.safetensors`: the artifact itself, byte for byte; 'verify' and 'evaluate' take it"];
}
