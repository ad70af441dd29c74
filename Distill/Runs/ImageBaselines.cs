using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>Columns that no set and no method decides: random real images, also under soft labels. Their networks have the same bits in
/// every run with the same data, seed and evaluation, so that one run can take them from the summary of another.</summary>
internal sealed class ImageBaselines
{
    private const string Option = "--baselines-from";

    // What the images are trained by and on, besides the evaluation and the data themselves.
    private static readonly string[] s_deciding =
    [
        nameof(RunSettings.Seed), nameof(RunSettings.Precision), nameof(RunSettings.Zca), nameof(RunSettings.Model), nameof(RunSettings.Norm),
        nameof(RunSettings.Pooling), nameof(RunSettings.Depth),
    ];

    private readonly string _path;
    private readonly RunSettings _settings;
    private readonly Summary _summary;

    private ImageBaselines(string path, RunSettings settings, Summary summary) => (_path, _settings, _summary) = (path, settings, summary);

    /// <summary>What a run need not measure; null where it names no other run.</summary>
    /// <param name="settings">The settings of the run.</param>
    /// <param name="pair">Its data.</param>
    /// <exception cref="DistillException">The folder that is named is not that of a 'distill', or that run had other data, another seed or
    /// another evaluation (exit 2), or a file of it is damaged (exit 3).</exception>
    public static ImageBaselines? Of(RunSettings settings, DatasetPair pair)
    {
        if (settings.BaselinesFrom is not { } path)
            return null;
        var files = new RunFiles(path);
        foreach (string file in (string[])[files.Config, files.Summary, Path.Combine(path, RunData.FileName)])
        {
            if (!File.Exists(file))
            {
                throw DistillException.BadValue(
                    Option, path, $"the folder of a 'distill' that has evaluated random real images: it has no {Path.GetFileName(file)}");
            }
        }
        if (RunData.Of(pair).DifferenceFrom(path) is { } difference)
            throw DistillException.BadValue(Option, path, $"a run on the data here: {difference}");
        RunSettings there = ConfigFile.Read(files.Config).Resolved.Settings;
        if (Deciding(settings).FirstOrDefault(s => s.Show(there) != s.Show(settings)) is { } other)
        {
            throw DistillException.BadValue(
                Option, path,
                $"a run with the same seed, networks and evaluation: there {other.Name} is {other.Show(there)}, and here {other.Show(settings)}");
        }
        var summary = Summary.Read(files.Summary);
        return summary.Results.Any(r => r.Accuracy.RandomReal is not null)
            ? new ImageBaselines(path, there, summary)
            : throw DistillException.BadValue(Option, path, "a run that has evaluated random real images already");
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
    public string Describe() =>
        $"Columns of random real images are those of {ShownPath.Of(_path)}: {_summary.Device}, revision {_summary.Commit}. What is not there is measured.";

    private static IEnumerable<Setting> Deciding(RunSettings settings) => s_deciding.Select(Settings.Of)
        .Concat(Settings.OfEvaluation.Where(s => s.Property != nameof(RunSettings.BaselinesFrom)))
        .Where(s => s.IsOf(settings));
}
