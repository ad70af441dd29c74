using System.Collections.Immutable;
using System.Globalization;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Set, data, networks and experts of an evaluation, all opened and checked before the first network is
/// trained.</summary>
internal sealed partial class OpenedEvaluation : IDisposable
{
    private ColumnCase? _case;

    private OpenedEvaluation(RunSettings settings, EvaluationRecord record, PreparedData data, ImmutableArray<Network> networks)
    {
        (Settings, Record, Data, Networks) = (settings, record, data, networks);
    }

    /// <summary>The settings of the evaluation; images per class and tiles are those of the set.</summary>
    public RunSettings Settings { get; }

    /// <summary>What a resumed evaluation must agree with.</summary>
    public EvaluationRecord Record { get; }

    /// <summary>The data, prepared as the set was.</summary>
    public PreparedData Data { get; }

    /// <summary>What evaluates.</summary>
    public ImmutableArray<Network> Networks { get; }

    /// <summary>How the data differ from the set's own; null where they do not.</summary>
    public string? Note { get; private init; }

    /// <summary>Memory that it takes.</summary>
    public Requirements Needs { get; private init; } = new(0, 0);

    /// <summary>S; null where random real images are evaluated alone.</summary>
    public SyntheticSet? Set { get; private init; }

    /// <summary>The class of each image of S.</summary>
    public IReadOnlyList<int> Classes { get; private init; } = [];

    /// <summary>The experts to compare with, and the settings under which they were recorded; null for none.</summary>
    public (ExpertLibrary Library, RunSettings Settings)? Experts { get; private init; }

    /// <summary>The networks of soft labels, and the settings by which they give them; null for none.</summary>
    public (LabelTeacher Teacher, RunSettings By)? Labels { get; private init; }

    /// <summary>What the experts reach on the images that are evaluated on; null where there are none.</summary>
    public Accuracy? ExpertAccuracy { get; private init; }

    /// <summary>What decides which columns there are.</summary>
    public ColumnCase Case => _case ??= new(
        Set is not null, Labels is not null, Set is not null && ColumnSources.AreHard(Set, [.. Classes]));

    /// <summary>What another run has measured of random real images; null where all is measured.</summary>
    public ImageBaselines? Baselines { get; private init; }

    /// <summary>The columns beside a set of so many images per class that another run has measured.</summary>
    public AccuracySet Known(int ipc) => Baselines?.At(ipc, Labels?.By ?? Settings, Labels?.Teacher.Hash) ?? new AccuracySet();

    /// <summary>The columns for which networks are trained.</summary>
    public IReadOnlyList<ResultColumn> Trained(int ipc) => ResultColumn.Trained(Case, Known(ipc));

    /// <summary>What its columns are made from.</summary>
    public ColumnSources Sources(int ipc, RealImages real) => Set is null
        ? new ColumnSources(ipc, real, Labels is not null)
        : new ColumnSources(ipc, real, Labels is not null, Set, Classes);

    /// <summary>Opens everything.</summary>
    /// <param name="artifact">The set; null for random real images alone.</param>
    /// <param name="settings">By what it is evaluated, as <see cref="SettingsFor"/> gives them.</param>
    /// <param name="record">The set, the architectures and the experts; the hashes are made here.</param>
    /// <param name="pair">The data.</param>
    /// <param name="context">Where it runs; its progress shows how far a whitening is.</param>
    /// <exception cref="DistillException">The set, the data, the networks or the experts do not fit.</exception>
    public static OpenedEvaluation Open(
        SyntheticArtifact? artifact, RunSettings settings, EvaluationRecord record, DatasetPair pair, RunContext context)
    {
        (Backend backend, IProgressView view, CancellationToken cancel) = context;
        string? note = null;
        LearnedRate.Of(settings, artifact?.Numbers ?? new Dictionary<string, double>(StringComparer.Ordinal), artifact?.Source ?? "real images");
        if (artifact is not null)
        {
            RequireFit(artifact, pair);
            note = SetAgreement.Of(artifact, pair).Require(artifact, pair, record.OtherDataAreAllowed);
            pair = pair.With(artifact.Standardisation); // networks that learned its images see others through the same numbers
            settings = settings with { Ipc = [artifact.Count / pair.Train.Classes], Factor = TileFactors.Of([artifact.Factor]) };
        }
        ImmutableArray<Network> networks = record.Models.Count == 0
            ? [RunCheck.NetworkOf(settings, pair, settings.EvalWidth)]
            : [.. record.Models.Select(m => RunCheck.NetworkOf(settings, pair, settings.EvalWidth, m))];
        Requirements needs = RunCheck.Evaluation(settings, pair, backend, networks);
        ImageBaselines? baselines = BaselinesOf(settings, record, pair);
        record = record with { TrainSha256 = pair.Train.ContentHash(), TestSha256 = pair.Test.ContentHash() };
        PreparedData data = artifact is null
            ? PreparedData.Load(pair, backend, settings, view, cancel)
            : PreparedData.Load(pair, backend, artifact.Whitening); // as the set's own whitening prepares them
        try
        {
            (ExpertLibrary, RunSettings)? experts = null;
            if (record.Experts is { } folder)
            {
                RunSettings recorded = record.ExpertsConfig is { } config ? ConfigFile.Read(config).Resolved.Settings : settings;
                if (ExpertLibrary.Missing(recorded, folder) is [string missing, ..])
                {
                    throw new DistillException(
                        ExitCode.Data, "IM3024",
                        $"the expert {missing} does not exist. Correct --experts-from or --experts, or record it: " +
                        $"{ShellWord.Program} train{ShellWord.Option("--experts-from", folder)}");
                }
                experts = (
                    ExpertLibrary.Gather(
                        recorded, data.NetworkOf(recorded, recorded.Width), data, folder, view, cancel),
                    recorded);
            }
            return new OpenedEvaluation(settings, record, data, networks)
            {
                Note = note,
                Needs = needs,
                Baselines = baselines,
                Set = artifact?.ToSet(backend),
                Classes = artifact?.Labels ?? [],
                Experts = experts,
                ExpertAccuracy = experts is { } known ? AccuracyOf(known.Item1, known.Item2, settings, data) : null,
                // They saw the training images of the set's own run, and know what they reach on those that it held out.
                Labels = LabelsOf(
                    settings with { ValidationShare = settings.ValidationShare ?? artifact?.Settings?.ValidationShare }, experts, data),
            };
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private static ImageBaselines? BaselinesOf(RunSettings settings, EvaluationRecord record, DatasetPair pair) =>
        settings.BaselinesFrom is { } other && record.Models.Count > 0
            ? throw DistillException.BadValue("--baselines-from", other, "nothing beside --models: a 'distill' has one architecture")
            : ImageBaselines.Of(settings, pair);

    /// <summary>The data of an evaluation: those of a set that held training images out are without them, and it is evaluated on the
    /// test images, unless the option holds the same ones out again.</summary>
    /// <exception cref="DistillException">The option would hold images out that the set has learned.</exception>
    public static DatasetPair DataFor(SyntheticArtifact? artifact, RunSettings settings, DatasetPair pair)
    {
        RunSettings? own = artifact?.Settings;
        if (artifact is null || (own?.ValidationShare is null && settings.ValidationShare is null))
            return pair;
        if (settings.ValidationShare is not { } asked)
            return new DatasetPair(pair.Name, ValidationSplit.Of(own!, pair).Train, pair.Test);
        string share = asked.ToString(CultureInfo.InvariantCulture);
        if (own?.ValidationShare is not { } held)
        {
            throw DistillException.BadValue(
                "--validation-share", share, "0 beside this set: it has learned from all training images, also those that would be held out");
        }
        return held == asked && own.Seed == settings.Seed
            ? pair
            : throw DistillException.BadValue(
                "--validation-share", share,
                FormattableString.Invariant($"{held} with --seed {own.Seed}, as the set held images out, or 0 for the test images"));
    }

    // A recording knows what its network reached on the images of its own run.
    private static Accuracy AccuracyOf(ExpertLibrary library, RunSettings recorded, RunSettings settings, PreparedData data) =>
        recorded.ValidationShare == settings.ValidationShare ? library.Accuracy : library.AccuracyOn(data);

    // Of the folder that is named, or that the set's own run took them from, or else of the experts.
    private static (LabelTeacher, RunSettings)? LabelsOf(
        RunSettings settings, (ExpertLibrary Library, RunSettings Settings)? experts, PreparedData data)
    {
        RunSettings by = settings.LabelFrom is null && experts is { } recorded ? recorded.Settings : settings;
        return by.LabelFrom is { } folder ? (LabelTeacher.Open(folder, data), by)
            : experts is { } own ? (LabelTeacher.Of(own.Library.Experts), by)
            : null;
    }

    /// <summary>By what a set is evaluated: what is not given on the command line is as the set says.</summary>
    /// <exception cref="DistillException">A whitening is given that is not the set's.</exception>
    public static RunSettings SettingsFor(SyntheticArtifact artifact, ResolvedSettings resolved)
    {
        RunSettings settings = resolved.Settings;
        if (resolved.IsGiven("Zca") && settings.Zca != artifact.Whitening?.Epsilon)
        {
            throw DistillException.BadValue(
                "--zca", $"{settings.Zca?.ToString(CultureInfo.InvariantCulture) ?? "none"}",
                $"nothing beside a set, whose own whitening counts ({artifact.Whitening?.ToString() ?? "none"})");
        }
        settings = settings with
        {
            Zca = artifact.Whitening?.Epsilon,
            Factor = null,
            Dataset = resolved.IsGiven("Dataset") ? settings.Dataset : artifact.Dataset,
            ImageSize = resolved.IsGiven("ImageSize") ? settings.ImageSize : artifact.Settings?.ImageSize,
            Model = resolved.IsGiven("Model") ? settings.Model : artifact.Settings?.Model,
            Norm = resolved.IsGiven("Norm") ? settings.Norm : artifact.Settings?.Norm,
            Pooling = resolved.IsGiven("Pooling") ? settings.Pooling : artifact.Settings?.Pooling,
            Depth = resolved.IsGiven("Depth")
                ? settings.Depth
                : int.Parse(artifact.Metadata["depth"], CultureInfo.InvariantCulture),
        };
        bool hasOneSize = DatasetCatalog.Named(settings.Dataset) is { IsDecoded: false };
        if (hasOneSize && !resolved.IsGiven("ImageSize"))
            settings = settings with { ImageSize = null };
        // Only now is it known what the protocol is for.
        return Protocols.Complete(settings, p => resolved.Origins[p] == Distill.Settings.OfProtocol(settings));
    }

    /// <summary>Fails where a set has other images or classes than the data.</summary>
    /// <exception cref="DistillException">It has.</exception>
    private static void RequireFit(SyntheticArtifact artifact, DatasetPair pair)
    {
        int classes = pair.Train.Classes;
        var image = new Shape(pair.Train.Channels, pair.Train.Height, pair.Train.Width);
        if (artifact.Image != image || artifact.Classes != classes || artifact.Count % classes != 0)
        {
            throw new DistillException(
                ExitCode.Data, "IM3023",
                $"{artifact.Source} holds {artifact.Count} images {artifact.Image} of {artifact.Classes} classes, {pair.Name} has " +
                $"images {image} of {classes} classes. Name the set's own data set with --dataset.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Labels?.Teacher.Dispose();
        Experts?.Library.Dispose();
        Data.Dispose();
    }
}
