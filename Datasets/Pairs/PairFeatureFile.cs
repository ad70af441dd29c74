using System.Collections.Immutable;
using InfMatch.Tensors.IO;

namespace InfMatch.Datasets;

/// <summary>
/// Feature vectors of images and captions as a safetensors file: arrays <see cref="ImageArray"/> [I, F] and
/// <see cref="CaptionArray"/> [C, G] of 32 or 16 bits; their rows are those of the list of images and of the file of captions next to it.
/// </summary>
public static class PairFeatureFile
{
    /// <summary>The name of the array of the images.</summary>
    public const string ImageArray = "image_features";

    /// <summary>The name of the array of the captions.</summary>
    public const string CaptionArray = "caption_features";

    /// <summary>The features of images and captions.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">How many images there are.</param>
    /// <param name="captions">How many captions there are.</param>
    /// <exception cref="DatasetException">The file is missing or damaged, or has other numbers of rows.</exception>
    public static (FeatureTable Images, FeatureTable Captions) Read(string path, int images, int captions)
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
        return (Table(set, ImageArray, images, "images"), Table(set, CaptionArray, captions, "captions"));
    }

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
