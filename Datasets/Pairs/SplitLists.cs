using System.Text.Json;

namespace InfMatch.Datasets;

/// <summary>Which images the publisher put into which part, each with its line or place.</summary>
/// <param name="Place">The file or files, for messages.</param>
/// <param name="PartOf">The part of each named image.</param>
internal sealed record SplitLists(string Place, IReadOnlyDictionary<string, PairSplit> PartOf)
{
    /// <summary>Reads three lists of names, one name a line; a name without .jpg is given it.</summary>
    /// <exception cref="DatasetException">A list is missing or at fault, or a name is listed twice.</exception>
    public static SplitLists Read(string folder, IReadOnlyList<string> files, DecodeLimits limits)
    {
        var partOf = new Dictionary<string, PairSplit>(StringComparer.Ordinal);
        var first = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (PairSplit part in Enum.GetValues<PairSplit>())
        {
            string path = Path.Combine(folder, files[(int)part]);
            foreach ((int number, string line) in PairTextFile.Read(path, limits))
            {
                string name = PairTextFile.RequireName(line.Trim(), path, number);
                if (!name.Contains('.', StringComparison.Ordinal))
                    name += ".jpg";
                if (!partOf.TryAdd(name, part))
                {
                    throw PairTextFile.At(path, number).Is(DatasetFault.Duplicate, $"the image {name} is listed twice", null, $"it only once; it is in {first[name]}",
                        "Are the lists of two splits mixed in one folder?");
                }
                first.Add(name, $"{path}:{number}");
            }
        }
        return new SplitLists(string.Join(", ", files), partOf);
    }
}

/// <summary>Reads the one file of Karpathy and Fei-Fei (CVPR 2015) that has captions and split of a set: an object "images" of a list, each
/// with "filename", "split" (train, restval, val or test) and "sentences" with "raw".</summary>
internal static class KarpathyFile
{
    /// <summary>Captions in the order of the file, and the split.</summary>
    /// <exception cref="DatasetException">The file is no such file.</exception>
    public static (List<NamedCaption> Captions, SplitLists Split) Read(string path, DecodeLimits limits)
    {
        string text = PairTextFile.ReadWhole(path, limits);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Read(path, document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new DatasetException(
                DatasetFault.WrongFormat, path, $"this is no list of images with captions and splits ({e.Message.TrimEnd('.')})",
                "Copy dataset_flickr8k.json or dataset_flickr30k.json again.", e);
        }
    }

    private static (List<NamedCaption> Captions, SplitLists Split) Read(string path, JsonElement root)
    {
        var captions = new List<NamedCaption>();
        var partOf = new Dictionary<string, PairSplit>(StringComparer.Ordinal);
        int number = 0;
        foreach (JsonElement image in root.GetProperty("images").EnumerateArray())
        {
            string place = $"{path}: image {number++}";
            string name = PairTextFile.RequireName(image.GetProperty("filename").GetString() ?? "", path, number);
            string split = image.GetProperty("split").GetString() ?? "";
            PairSplit part = split switch
            {
                "train" or "restval" => PairSplit.Train,
                "val" => PairSplit.Dev,
                "test" => PairSplit.Test,
                _ => throw new DatasetException(
                    DatasetFault.WrongFormat, place, "the split is none that is known", $"\"{split}\"", "train, restval, val or test"),
            };
            if (!partOf.TryAdd(name, part))
                throw new DatasetException(DatasetFault.Duplicate, place, $"the image {name} is listed twice", fix: "Copy the file again.");
            foreach (JsonElement sentence in image.GetProperty("sentences").EnumerateArray())
            {
                string text = (sentence.GetProperty("raw").GetString() ?? "").Trim();
                captions.Add(text.Length > 0
                    ? new NamedCaption(name, text, number)
                    : throw new DatasetException(DatasetFault.WrongFormat, place, "a caption is empty", fix: "Copy the file again."));
            }
        }
        return (captions, new SplitLists(path, partOf));
    }
}
