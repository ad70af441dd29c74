using System.Text.Json;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>evaluation.json: the set, the networks and the data of an evaluation; its settings are in
/// config.json.</summary>
internal sealed record EvaluationRecord
{
    public const string FileName = "evaluation.json";

    /// <summary>The file of the set; null where random real images are evaluated alone.</summary>
    public required string? Set { get; init; }

    /// <summary>The hash that the set states of its images and label logits; null where there is none.</summary>
    public required string? SetSha256 { get; init; }

    /// <summary>How the set was made.</summary>
    public required string Estimator { get; init; }

    /// <summary>The hash of the training images.</summary>
    public required string TrainSha256 { get; init; }

    /// <summary>The hash of the test images.</summary>
    public required string TestSha256 { get; init; }

    /// <summary>The architectures asked for, in their order; empty for that of the settings.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>Whether data that are not the set's own are evaluated on.</summary>
    public bool OtherDataAreAllowed { get; init; }

    /// <summary>The folder of the experts whose soft labels and accuracy are shown next to the set's; null for
    /// none.</summary>
    public required string? Experts { get; init; }

    /// <summary>The configuration under which they were recorded; null where that is the evaluation's own.</summary>
    public required string? ExpertsConfig { get; init; }

    /// <summary>Reads the file of an evaluation's folder.</summary>
    /// <exception cref="DistillException">It is missing, or no such file.</exception>
    public static EvaluationRecord Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            (EvaluationRecord read, bool hasHash) = SealedJson.Read<EvaluationRecord>(path);
            return hasHash ? read : throw new JsonException("it does not state the hash of its content.");
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException)
        {
            throw new DistillException(
                ExitCode.Data, "IM3051", $"{path} is no record of an evaluation: {e.Message} Start 'evaluate' again.", e);
        }
    }

    /// <summary>What is not as an evaluation began, in words; where files lie does not count, but what is in them.</summary>
    public IReadOnlyList<string> Others(EvaluationRecord now)
    {
        List<string> others = [];
        void Compare(string what, string began, string at)
        {
            if (began != at)
                others.Add($"{what} is {at}, and was {began}");
        }
        Compare("the set's hash", SetSha256 ?? "none", now.SetSha256 ?? "none");
        Compare("the hash of the training data", TrainSha256, now.TrainSha256);
        Compare("the hash of the data that are evaluated on", TestSha256, now.TestSha256);
        Compare("--models", string.Join(',', Models), string.Join(',', now.Models));
        Compare("whether there are experts", $"{Experts is not null}", $"{now.Experts is not null}");
        return others;
    }

    /// <summary>Writes the file into an evaluation's folder.</summary>
    public void Save(string folder) =>
        AtomicFile.WriteAllText(
            Path.Combine(folder, FileName),
            SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject()) + "\n");
}
