using System.Text.Json;
using InfMatch.Datasets;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>data.json: the data that a run began on; it continues with no others.</summary>
internal sealed record RunData
{
    /// <summary>The file's name.</summary>
    public const string FileName = "data.json";

    public required string Dataset { get; init; }

    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>SHA-256 of the training images and labels.</summary>
    public required string TrainSha256 { get; init; }

    /// <summary>SHA-256 of the test images and labels.</summary>
    public required string TestSha256 { get; init; }

    /// <summary>What data are.</summary>
    public static RunData Of(DatasetPair pair) => new()
    {
        Dataset = pair.Name,
        Classes = [.. pair.Train.ClassNames],
        TrainSha256 = pair.Train.ContentHash(),
        TestSha256 = pair.Test.ContentHash(),
    };

    /// <summary>What image-text pairs are, of which one part is evaluated on; there are no classes.</summary>
    public static RunData Of(PairSplits splits, PairSplit part) => new()
    {
        Dataset = splits.Name,
        Classes = [],
        TrainSha256 = splits.Train.ContentHash(),
        TestSha256 = splits.Of(part).ContentHash(),
    };

    /// <summary>Writes what a run begins on into its folder.</summary>
    public static void Save(string folder, DatasetPair pair) => Of(pair).Save(folder);

    /// <summary>Writes the file into a folder.</summary>
    public void Save(string folder) => AtomicFile.WriteAllText(
        Path.Combine(folder, FileName),
        SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject()) + "\n");

    /// <summary>Holds data to those that a run began on. Runs of earlier versions have no such file, and then false is returned;
    /// experts still know the training images that they saw.</summary>
    /// <exception cref="DistillException">The data are others (exit 3), or the file is damaged (exit 3).</exception>
    public static bool Require(string folder, DatasetPair pair) => Of(pair).Require(folder);

    /// <summary>The same of data that are known.</summary>
    /// <exception cref="DistillException">The data are others (exit 3), or the file is damaged (exit 3).</exception>
    public bool Require(string folder)
    {
        if (!File.Exists(Path.Combine(folder, FileName)))
            return false;
        return DifferenceFrom(folder) is { } difference ? throw Others(folder, difference) : true;
    }

    /// <summary>In what these data are not those that the run of a folder began on, in words; null where they are the same.</summary>
    /// <exception cref="DistillException">The file is damaged, or there is none (exit 3).</exception>
    public string? DifferenceFrom(string folder)
    {
        string path = Path.Combine(folder, FileName);
        RunData began;
        try
        {
            (began, bool hasHash) = SealedJson.Read<RunData>(path);
            if (!hasHash)
                throw new JsonException("it does not state the hash of its content.");
        }
        catch (JsonException e)
        {
            throw Damaged(path, e.Message, e);
        }
        RunData here = this;
        if (began.Dataset != here.Dataset)
            return $"it began on {began.Dataset}, and these are {here.Dataset}";
        if (!began.Classes.SequenceEqual(here.Classes, StringComparer.Ordinal))
            return $"its {began.Classes.Count} classes are others: {ClassNames.Difference(began.Classes, here.Classes)}";
        return (began.TrainSha256 == here.TrainSha256, began.TestSha256 == here.TestSha256) switch
        {
            (true, true) => null,
            (false, true) => "it began on other training images",
            (true, false) => "it began on other test images",
            _ => "it began on other images",
        };
    }

    private static DistillException Others(string folder, string why) => new(
        ExitCode.Data, "IM3048",
        $"{folder} cannot go on with the data here: {why}. Put the data back as they were, or start a new run.");

    private static DistillException Damaged(string path, string why, Exception inner) => new(
        ExitCode.Data, "IM3049",
        $"{path} is damaged: {why} Delete it to go on without a check of the data, if they are as they were.", inner);
}
