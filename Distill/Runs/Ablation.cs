using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>One row of an ablation: which parts of the method are on.</summary>
/// <param name="Name">The row and its folder.</param>
/// <param name="ImageStart">noise, real or correct.</param>
/// <param name="Schedule">Whether the range in which windows begin grows over the iterations, or is whole from the start.
/// </param>
/// <param name="Labels">hard, soft or learned.</param>
/// <param name="Published">The paper's accuracy, in percent (CIFAR-100, 50 images per class); null where it has none.</param>
internal sealed record AblationRow(string Name, string ImageStart, bool Schedule, string Labels, double? Published)
{
    /// <summary>The settings of the row; everything else stays as given.</summary>
    public RunSettings Apply(RunSettings settings) => settings.With("StartGrowth", Schedule ? settings.Text("StartGrowth") : "0") with
    {
        ImageStart = ImageStart == "correct" ? null : ImageStart,
        Labels = Labels == "learned" ? null : Labels,
    };
}

/// <summary>The grids of 'ablate'.</summary>
internal static class AblationGrid
{
    /// <summary>The data set and the images per class of <see cref="AblationRow.Published"/>.</summary>
    public const string PublishedDataset = "cifar-100";

    /// <inheritdoc cref="PublishedDataset"/>
    public const int PublishedIpc = 50;

    /// <summary>The names, for options and messages.</summary>
    public static ImmutableArray<string> Names { get; } = ["paper", "full"];

    /// <summary>The settings that a grid changes, so that they cannot be options.</summary>
    public static ImmutableArray<string> Varied { get; } = ["ImageStart", "Labels", "StartFrom"];

    // Influence matching (CVPR 2026), ablation at CIFAR-100 with 50 images per class.
    private static readonly ImmutableArray<AblationRow> s_paper =
    [
        new("base", "noise", Schedule: false, "hard", 52.2),
        new("real-start", "correct", Schedule: false, "hard", 53.7),
        new("schedule", "correct", Schedule: true, "hard", 55.0),
        new("labels", "correct", Schedule: false, "learned", 54.6),
        new("all", "correct", Schedule: true, "learned", 57.4),
    ];

    private static readonly ImmutableArray<AblationRow> s_full =
    [
        .. from image in new[] { "noise", "real", "correct" }
           from schedule in new[] { false, true }
           from labels in new[] { "hard", "soft", "learned" }
           select s_paper.FirstOrDefault(r => (r.ImageStart, r.Schedule, r.Labels) == (image, schedule, labels)) is { } known
               ? known
               : new AblationRow($"{image}-{(schedule ? "growing" : "whole")}-{labels}", image, schedule, labels, null),
    ];

    /// <summary>The rows of a grid: the paper's five, or every combination.</summary>
    public static ImmutableArray<AblationRow> Of(string name) => name == "full" ? s_full : s_paper;
}

/// <summary>A row with its result.</summary>
internal sealed record AblationResult(AblationRow Row, IReadOnlyList<IpcResult> Results);

/// <summary>ablation.json: the rows that are done.</summary>
internal sealed record AblationSummary
{
    public const string FileName = "ablation.json";

    public required string Grid { get; init; }

    public required bool Complete { get; init; }

    public required string Dataset { get; init; }

    public required string Device { get; init; }

    public required string Commit { get; init; }

    /// <summary>Seconds of all rows together.</summary>
    public double Seconds { get; init; }

    /// <summary>How networks are trained and evaluated, in one line.</summary>
    public string? Protocol { get; init; }

    /// <summary>What the accuracies are of where they are not of the test images; else null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? EvaluatedOn { get; init; }

    public IReadOnlyList<AblationResult> Rows { get; init; } = [];

    /// <summary>The file as text.</summary>
    public string ToJson() => SealedJson.Seal(JsonSerializer.SerializeToNode(this, JsonText.Options)!.AsObject());

    /// <summary>Reads the file of an ablation's folder.</summary>
    /// <exception cref="DistillException">It is no such file, or damaged.</exception>
    public static AblationSummary Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            (AblationSummary read, _) = SealedJson.Read<AblationSummary>(path);
            if (!AblationGrid.Names.Contains(read.Grid, StringComparer.Ordinal))
            {
                throw new JsonException(
                    $"grid is {PrintableText.Quoted(PrintableText.Of(read.Grid, 80))}; expected one of {string.Join(", ", AblationGrid.Names)}.");
            }
            for (int i = 0; i < read.Rows.Count; i++)
                Summary.RequireAcceptable(read.Rows[i].Results, $"rows[{i}].results");
            return read;
        }
        catch (JsonException e)
        {
            throw new DistillException(
                ExitCode.Data, "IM3026", $"{path} is no ablation: {e.Message} Start 'ablate' again.", e);
        }
    }

    /// <summary>The text of the file.</summary>
    public string ToText() => ToJson() + "\n";

    /// <summary>Writes the file into an ablation's folder.</summary>
    public void Save(string folder) => AtomicFile.WriteAllText(Path.Combine(folder, FileName), ToText());
}
