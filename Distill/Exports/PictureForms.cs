using System.Globalization;
using System.Text;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>PNG files, with the labels in tables.</summary>
internal abstract class PictureForm : SetForm
{
    /// <inheritdoc/>
    public override bool IsLossy => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Write(SetContent set, ExportFolder folder)
    {
        SyntheticArtifact artifact = set.Artifact;
        var counts = new int[artifact.Classes];
        var labels = new StringBuilder("file,label,class\n");
        var soft = new StringBuilder($"file,{string.Join(',', SoftLabelHeads(set).Select(TableText.Cell))}\n");
        string[] folders = ClassFolders.Of(set.Classes);
        for (int i = 0; i < artifact.Count; i++)
        {
            int label = artifact.Labels[i];
            string file = FileOf(i, counts[label]++, folders[label]);
            byte[] png = set.Png(i);
            folder.Write(file, stream => stream.Write(png));
            labels.Append(CultureInfo.InvariantCulture, $"{file},{label},{TableText.Cell(set.Classes[label])}\n");
            string[] row = [.. set.SoftLabels(i).ToArray().Select(v => v.ToString("R", CultureInfo.InvariantCulture))];
            soft.Append(CultureInfo.InvariantCulture, $"{file},{string.Join(',', row)}\n");
        }
        folder.Write("labels.csv", labels.ToString());
        folder.Write("soft_labels.csv", soft.ToString());
        folder.Write("classes.txt", string.Concat(set.Classes.Select(name => $"{PrintableText.Of(name)}\n")));
        if (artifact.Whitening is { } zca)
            folder.Write("zca.npz", stream => Npz.Write(stream, zca.ToArrays()));
        return [];
    }

    private static IEnumerable<string> SoftLabelHeads(SetContent set) => set.Artifact.LabelsEach == 1
        ? set.Classes
        : Enumerable.Range(1, set.Artifact.LabelsEach).SelectMany(tile => set.Classes.Select(name => $"{name} (tile {Number(tile, 1)})"));

    /// <summary>The file of an image.</summary>
    /// <param name="image">Its number in the set.</param>
    /// <param name="ofClass">Its number in its class.</param>
    /// <param name="classFolder">The name of its class as a folder.</param>
    protected abstract string FileOf(int image, int ofClass, string classFolder);

    /// <summary>A number with so many digits at least.</summary>
    protected static string Number(int number, int digits) =>
        number.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0');
}

/// <summary>Numbered pictures.</summary>
internal sealed class PngForm : PictureForm
{
    /// <inheritdoc/>
    public override string Name => "png";

    /// <inheritdoc/>
    public override string Help => "numbered pictures with tables";

    /// <inheritdoc/>
    public override IEnumerable<string> Files(SetContent set) =>
        ["- `images/00000.png` …, `labels.csv`, `soft_labels.csv`, `classes.txt` (one name a line, in the order of labels)"];

    /// <inheritdoc/>
    protected override string FileOf(int image, int ofClass, string classFolder) => $"images/{Number(image, 5)}.png";
}

/// <summary>A folder of pictures for each class, as torchvision's ImageFolder takes it.</summary>
internal sealed class ImageFolderForm : PictureForm
{
    /// <inheritdoc/>
    public override string Name => "imagefolder";

    /// <inheritdoc/>
    public override string Help => "a folder of pictures for each class";

    /// <inheritdoc/>
    public override IEnumerable<string> Files(SetContent set) =>
    [
        "- `images/00_class/000.png` … for torchvision's ImageFolder (`images/` is its root; the numbers keep the order " +
        "of labels), `labels.csv`, `soft_labels.csv`, `classes.txt` (the original names)",
    ];

    /// <inheritdoc/>
    protected override string FileOf(int image, int ofClass, string classFolder) =>
        $"images/{classFolder}/{Number(ofClass, 3)}.png";
}
