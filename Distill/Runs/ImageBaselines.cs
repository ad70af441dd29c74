using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>Columns that no set and no method decides: random real images, also under soft labels. Their networks have the same bits in
/// every run with the same data, seed and evaluation, so that one run can take them from the summary of another.</summary>
internal sealed class ImageBaselines
{
    // What the images are trained by and on, besides the evaluation and the data themselves.
    private static readonly string[] s_deciding =
    [
        nameof(RunSettings.Seed), nameof(RunSettings.Precision), nameof(RunSettings.Zca), nameof(RunSettings.Model), nameof(RunSettings.Norm),
        nameof(RunSettings.Pooling), nameof(RunSettings.Depth),
    ];

    private readonly BaselineFolder _folder;
    private readonly RunSettings _settings;
    private readonly Summary _summary;

    private ImageBaselines(BaselineFolder folder, RunSettings settings, Summary summary) =>
        (_folder, _settings, _summary) = (folder, settings, summary);

    /// <summary>What a run need not measure; null where it names no other run.</summary>
    /// <param name="settings">The settings of the run.</param>
    /// <param name="pair">Its data.</param>
    /// <exception cref="DistillException">The folder that is named is not that of a 'distill', or that run had other data, another seed or
    /// another evaluation (exit 2), or a file of it is damaged (exit 3).</exception>
    public static ImageBaselines? Of(RunSettings settings, DatasetPair pair)
    {
        if (settings.BaselinesFrom is not { } path)
            return null;
        var folder = new BaselineFolder(path);
        RunSettings there = folder.SettingsOn(
            RunData.Of(pair), folder.Files.Summary, "the folder of a 'distill' that has evaluated random real images");
        folder.RequireSame(Deciding(settings), there, settings);
        var summary = Summary.Read(folder.Files.Summary);
        return summary.Results.Any(r => r.Accuracy.RandomReal is not null)
            ? new ImageBaselines(folder, there, summary)
            : throw folder.Refused("a run that has evaluated random real images already");
    }

    /// <summary>The columns that are known beside a set of so many images per class.</summary>
    /// <param name="ipc">Images per class.</param>
    /// <param name="by">The settings by which images are labelled here.</param>
    /// <param name="labels">The hash of the networks that label here (<see cref="LabelTeacher.Hash"/>); null where there are none.</param>
    public AccuracySet At(int ipc, RunSettings by, string? labels)
    {
        if (_summary.Results.FirstOrDefault(r => r.Ipc == ipc)?.Accuracy is not { } accuracy)
            return new AccuracySet();
        bool isLabelledAlike = labels is not null && labels == _summary.LabelNetworks && by.Temperature == _settings.Temperature
            && (by.LabelStart == PlanFactory.Right) == (_settings.LabelStart == PlanFactory.Right);
        return ResultColumn.All.Where(column => column is RandomRealColumn || (column is RandomRealSoftLabelsColumn && isLabelledAlike))
            .Aggregate(new AccuracySet(), (known, column) => known.With(column, accuracy.Of(column)));
    }

    /// <summary>Where columns come from, in a line.</summary>
    public string Describe() => _folder.Describe("Columns of random real images", _summary.Device, _summary.Commit);

    private static IEnumerable<Setting> Deciding(RunSettings settings) => s_deciding.Select(Settings.Of)
        .Concat(Settings.OfEvaluation.Where(s => s.Property != nameof(RunSettings.BaselinesFrom)))
        .Where(s => s.IsOf(settings));
}
