using System.Text.Json;
using System.Text.Json.Nodes;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>features.json: where real and synthetic images lie in the features of a network that learned the real ones.
/// It is kept so that a page can be written again when data and experts are no longer there.</summary>
/// <param name="Network">The network.</param>
/// <param name="Expert">Which of the recorded experts it is.</param>
/// <param name="Sets">One for each number of images per class.</param>
internal sealed record FeatureFile(string Network, int Expert, IReadOnlyList<SetFeatures> Sets)
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="DistillException">It is damaged.</exception>
    public static FeatureFile Read(string path)
    {
        try
        {
            (FeatureFile read, bool hasHash) = SealedJson.Read<FeatureFile>(path);
            return hasHash ? read : throw new JsonException("it does not state the hash of its content.");
        }
        catch (JsonException e)
        {
            throw new DistillException(
                ExitCode.Data, "IM3065", $"{path} is damaged: {e.Message} Delete it, and 'report' makes it again.", e);
        }
    }

    /// <summary>Writes the file.</summary>
    public void Save(string path) => AtomicFile.WriteAllText(
        path, SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject()) + "\n");
}

/// <summary>The features of a set's images beside real ones of each class.</summary>
/// <param name="Ipc">Images per class.</param>
/// <param name="SetSha256">The set's own hash.</param>
/// <param name="Classes">The classes, in their order; the first ones of many.</param>
internal sealed record SetFeatures(int Ipc, string SetSha256, IReadOnlyList<ClassFeatures> Classes);

/// <summary>Images of one class in the plane in which the real ones spread most.</summary>
/// <param name="Real">The real images, x y x y …</param>
/// <param name="Explained">The share of the variance of the real images that the plane shows.</param>
/// <param name="Before">The synthetic images as they start; null where they are not known.</param>
/// <param name="After">The synthetic images as they are.</param>
internal sealed record ClassFeatures(
    IReadOnlyList<double> Real, double Explained, PlacedImages? Before, PlacedImages After);

/// <summary>Synthetic images of a class among the real ones.</summary>
/// <param name="Points">Where they are, x y x y …</param>
/// <param name="Coverage">The share of real images that have one of them near; see <see
/// cref="ClassEmbedding"/>.</param>
/// <param name="Distance">The share of real images that lie nearer to the middle of the class, on average over
/// them.</param>
internal sealed record PlacedImages(IReadOnlyList<double> Points, double Coverage, double Distance);
