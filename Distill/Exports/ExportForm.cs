using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What 'export' can make, one type each, found by enumeration.</summary>
internal abstract class ExportForm : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>A few words for the help: what it is, and who reads it.</summary>
    public abstract string Help { get; }
}

/// <summary>A form of a distilled set.</summary>
internal abstract class SetForm : ExportForm
{
    /// <summary>Whether only the 8-bit pixels of the images are kept.</summary>
    public virtual bool IsLossy => false;

    /// <summary>Writes the set's own files; texts, card and loader are written for every form.</summary>
    /// <returns>Lines for the head of the card, in YAML; none for most.</returns>
    /// <exception cref="DistillException">The form cannot hold such images.</exception>
    /// <exception cref="Tensors.IO.FileWriteException">A file cannot be written.</exception>
    public abstract IReadOnlyList<string> Write(SetContent set, ExportFolder folder);

    /// <summary>The items of the card that say which files there are.</summary>
    public abstract IEnumerable<string> Files(SetContent set);
}

/// <summary>What is exported of a set.</summary>
/// <param name="Artifact">The set.</param>
/// <param name="Pixels">Its images as pixels.</param>
internal sealed record SetContent(SyntheticArtifact Artifact, PixelView Pixels)
{
    /// <summary>Every text of the artifact, and its numbers, as JSON.</summary>
    public required string Metadata { get; init; }

    /// <summary>The test images that are to stand beside it; null for none.</summary>
    public Datasets.ImageDataset? TestImages { get; init; }

    /// <summary>The name of each class.</summary>
    public IReadOnlyList<string> Classes => Artifact.ClassNames;

    /// <summary>An image of the set as a PNG file.</summary>
    /// <exception cref="DistillException">PNG has no form for such images.</exception>
    public byte[] Png(int image) =>
        PngImage.Encode(Pixels[image], Artifact.Image[0], Artifact.Image[1], Artifact.Image[2]);

    /// <summary>The soft labels of an image [M], or of its tiles, one behind the other [f²·M].</summary>
    public ReadOnlySpan<float> SoftLabels(int image) => Artifact.SoftLabelsOf(image);
}
