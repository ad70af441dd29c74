using System.Globalization;
using System.Text.Json.Nodes;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>What the 'datasets' commands do with sets of image-text pairs.</summary>
internal sealed class PairCommands(Terminal terminal, CancellationToken cancel)
{
    /// <summary>The part of 'datasets list' on pairs: a table, and a row of JSON for each set.</summary>
    public static void List(string? folder, Terminal terminal, JsonArray rows)
    {
        var table = new ResultTable("Image-text pairs", left: 7, "name", "what", "training", "dev", "test", "captions", "found")
        {
            Optional = ["what", "captions"],
        };
        foreach (PairSet set in PairCatalog.All)
        {
            string? found = PairCatalog.Find(set.Name, folder);
            PublishedPairs? size = set.Published;
            table.Add(
                set.Name, set.Description, $"{size?.Train}", $"{size?.Dev}", $"{size?.Test}",
                size is null ? "" : $"{size.CaptionsOfImage} per image", set.IsBuiltIn ? "built in" : found is null ? "no" : "yes");
            rows.Add(new JsonObject
            {
                ["name"] = set.Name, ["kind"] = "pairs", ["description"] = set.Description, ["train"] = size?.Train, ["dev"] = size?.Dev,
                ["test"] = size?.Test, ["captionsOfImage"] = size?.CaptionsOfImage, ["found"] = set.IsBuiltIn || found is not null,
                ["folder"] = found,
            });
        }
        terminal.Show(table);
    }

    /// <summary>'datasets get': says where the files come from, since publishers of pairs want to be asked.</summary>
    /// <exception cref="DistillException">The set is not built in.</exception>
    public static void RefuseDownload(PairSet set, Terminal terminal)
    {
        if (!set.IsBuiltIn)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2010",
                $"{set.Name} cannot be downloaded by this program. Put {set.Files} into a folder and name it with --data. {set.Licence.Note}");
        }
        terminal.Show($"{set.Name} is built in: nothing is to be downloaded.");
    }

    /// <summary>'datasets verify': reads a set and prints what it found.</summary>
    /// <exception cref="DatasetException">The set is missing or at fault.</exception>
    public void Verify(PairSet set, string? folder, int? imageSize)
    {
        PairSplits splits = new DatasetLoading(terminal, cancel).LoadPairs(set, folder, imageSize, useCache: false);
        var result = new JsonObject { ["name"] = set.Name, ["kind"] = "pairs" };
        foreach (PairSplit split in Enum.GetValues<PairSplit>())
            result[split.ToString().ToLowerInvariant()] = Tell(splits.Of(split));
        bool? isWhole = set.Published is not { } size ? null
            : (size.Train, size.Dev, size.Test) == (splits.Train.ImageCount, splits.Dev.ImageCount, splits.Test.ImageCount);
        if (isWhole == false)
        {
            terminal.Show(string.Create(
                CultureInfo.InvariantCulture,
                $"This is not all that is published: that has {set.Published!.Train:N0} images for training, {set.Published.Dev:N0} for " +
                $"development and {set.Published.Test:N0} for the test."));
        }
        int captions = Shared(splits.Test.Captions.Select(c => c.Text), splits.Train.Captions.Select(c => c.Text));
        terminal.Show($"Captions of the test that are also in training: {captions}");
        int? vectors = splits.Train.ImageFeatures is { } train && splits.Test.ImageFeatures is { } test ? Shared(Rows(test), Rows(train)) : null;
        if (vectors is not null)
            terminal.Show($"Image feature vectors of the test that are also in training: {vectors}");
        terminal.Show($"Licence: {set.Licence.Note}");
        (result["published"], result["missing"], result["unlisted"]) = (isWhole, splits.Missing, splits.Unlisted);
        (result["captionsInTrain"], result["imageFeaturesInTrain"]) = (captions, vectors);
        if (terminal.IsJson)
            terminal.Data.WriteLine(result.ToJsonString(JsonText.Options));
    }

    private JsonObject Tell(PairDataset part)
    {
        int[] each = [.. Enumerable.Range(0, part.ImageCount).Select(i => part.CaptionsOf(i).Length)];
        double words = part.Captions.Average(c => c.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);
        terminal.Show($"{part}; captions of an image: {(each.Min() == each.Max() ? $"{each[0]}" : $"{each.Min()} to {each.Max()}")}");
        terminal.Show(string.Create(CultureInfo.InvariantCulture, $"  words in a caption: {words:F1} on average"));
        terminal.Show($"  SHA-256 of names, captions, features and images: {part.ContentHash()}");
        return new JsonObject
        {
            ["images"] = part.ImageCount, ["captions"] = part.CaptionCount, ["fewestCaptions"] = each.Min(), ["mostCaptions"] = each.Max(),
            ["imageFeatures"] = part.ImageFeatures?.Width, ["captionFeatures"] = part.CaptionFeatures?.Width,
            ["imageSize"] = part.Images?.Height, ["words"] = Math.Round(words, 3), ["sha256"] = part.ContentHash(),
        };
    }

    private static IEnumerable<string> Rows(FeatureTable table) => Enumerable.Range(0, table.Rows).Select(
        i => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(
            System.Runtime.InteropServices.MemoryMarshal.AsBytes(table.Row(i)))));

    private static int Shared(IEnumerable<string> some, IEnumerable<string> others)
    {
        HashSet<string> known = [.. others];
        return some.Count(known.Contains);
    }
}
