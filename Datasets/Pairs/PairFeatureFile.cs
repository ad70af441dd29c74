using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Tensors.IO;

namespace InfMatch.Datasets;

/// <summary>
/// Feature vectors of images and captions as a safetensors file: arrays <see cref="ImageArray"/> [I, F] and
/// <see cref="CaptionArray"/> [C, G] of 32 or 16 bits; their rows are those of the list of images and of the file of captions next to it.
/// A file that states hashes of itself, of that list and of those captions is held to them; one from elsewhere need not state any.
/// </summary>
public static class PairFeatureFile
{
    /// <summary>The name of the array of the images.</summary>
    public const string ImageArray = "image_features";

    /// <summary>The name of the array of the captions.</summary>
    public const string CaptionArray = "caption_features";

    private const string ImagesKey = "images", CaptionsKey = "captions";

    private const int HashLength = 64;

    /// <summary>The texts of a file that hold it to its images and captions, in their order.</summary>
    internal static IEnumerable<KeyValuePair<string, string>> TextsOf(IReadOnlyList<string> images, IReadOnlyList<NamedCaption> captions) =>
    [
        new(ImagesKey, Hash(images.Select(name => $"{name}\n"))), new(CaptionsKey, Hash(captions.Select(c => $"{c.Image}\t{c.Text}\n"))),
    ];

    /// <summary>The features of images and captions.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">The names of the images, in the order of the list.</param>
    /// <param name="captions">The captions, in the order of their file.</param>
    /// <exception cref="DatasetException">The file is missing or damaged, or is of other images or captions.</exception>
    internal static (FeatureTable Images, FeatureTable Captions) Read(
        string path, IReadOnlyList<string> images, IReadOnlyList<NamedCaption> captions)
    {
        ArraySet set;
        try
        {
            set = Safetensors.Read(path);
        }
        catch (ArrayFileException e)
        {
            throw new DatasetException(
                DatasetFault.Damaged, path, $"the feature file is damaged ({e.Message.TrimEnd('.')})", "Copy it again, or take it away.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DatasetFile.Unreadable(path, e);
        }
        if (set.Metadata.TryGetValue(ContentHash.Key, out string? stated) && stated != ContentHash.Of(set.Arrays, set.Metadata))
        {
            throw new DatasetException(
                DatasetFault.Damaged, path, "the feature file does not have the hash that it states, so it was changed or damaged",
                fix: "Copy it again, or make it again with 'features make'.");
        }
        (FeatureTable, FeatureTable) tables =
            (Table(set, ImageArray, images.Count, "images"), Table(set, CaptionArray, captions.Count, "captions"));
        foreach ((string key, string hash) in TextsOf(images, captions))
        {
            // Files from elsewhere may say in words what their rows are.
            if (set.Metadata.TryGetValue(key, out string? of) && of.Length == HashLength && of.All(char.IsAsciiHexDigitLower) && of != hash)
            {
                throw new DatasetException(
                    DatasetFault.Mismatch, path, $"its rows are those of other {key}, or of these in another order", $"SHA-256 {hash}", of,
                    $"Put back the {key} with which the features were made, or make the features again with 'features make'.");
            }
        }
        return tables;
    }

    private static string Hash(IEnumerable<string> lines) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));

    private static FeatureTable Table(ArraySet set, string name, int rows, string of)
    {
        if (!set.TryGet(name, out NamedArray? array))
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, set.FileName, $"there is no array {name}", string.Join(", ", set.Arrays.Select(a => a.Name)),
                $"{ImageArray} and {CaptionArray}", "Make the file with 'features make'.");
        }
        string sizes = $"[{string.Join(", ", array.Dimensions.ToArray())}] in {array.Element}";
        if (array.Dimensions.Length != 2 || array.Element != ArrayElement.Float32 || array.Dimensions[1] == 0)
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, set.FileName, $"{name} is no table of feature vectors", sizes,
                "[rows, width] in 16 or 32 bits", "Make the file with 'features make'.");
        }
        return array.Dimensions[0] == rows
            ? new FeatureTable(array.Dimensions[1], array.AsFloat32().ToArray().ToImmutableArray())
            : throw new DatasetException(
                DatasetFault.Mismatch, set.FileName, $"{name} has not one row for each of the {of}", $"{array.Dimensions[0]} rows",
                $"{rows}", "Are list, captions and features those of one set?");
    }
}
