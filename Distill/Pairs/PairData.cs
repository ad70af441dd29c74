using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A set of image-text pairs on the backend: features, standardised as those for training are.</summary>
internal sealed class PairData : IDisposable, IExpertData
{
    private PairData(
        PairSplits splits, PairSplit part, Backend backend, (FeatureStatistics Images, FeatureStatistics Texts) by,
        Func<PairData, PairDataset, LabelledImages> onBackend)
    {
        (Splits, Part, Backend, Images, Texts) = (splits, part, backend, by.Images, by.Texts);
        Train = onBackend(this, splits.Train);
        Evaluated = onBackend(this, splits.Of(part));
    }

    /// <summary>All parts.</summary>
    public PairSplits Splits { get; }

    /// <summary>The part that retrieval is measured on.</summary>
    public PairSplit Part { get; }

    /// <inheritdoc/>
    public Backend Backend { get; }

    /// <summary>How features of images are standardised.</summary>
    public FeatureStatistics Images { get; }

    /// <summary>How features of texts are standardised.</summary>
    public FeatureStatistics Texts { get; }

    /// <summary>D: features [N, F, 1, 1] and K texts of each image [N·K, G].</summary>
    public LabelledImages Train { get; }

    /// <summary>The same of the part that retrieval is measured on.</summary>
    public LabelledImages Evaluated { get; }

    /// <inheritdoc/>
    public string Dataset => Splits.Name;

    /// <inheritdoc/>
    public string ScoreWords => $"recall on {WordOf(Part)} (mean of six)";

    /// <summary>The part of a set that the settings evaluate on.</summary>
    public static PairSplit PartOf(RunSettings settings) => settings.Split == PairSettings.Test ? PairSplit.Test : PairSplit.Dev;

    /// <summary>A part as options name it.</summary>
    public static string WordOf(PairSplit part) => part == PairSplit.Test ? PairSettings.Test : PairSettings.Dev;

    /// <summary>Copies a set to a backend, standardised by its training part.</summary>
    /// <exception cref="DatasetException">It has no features.</exception>
    public static PairData Load(PairSplits splits, PairSplit part, Backend backend)
    {
        (FeatureTable images, FeatureTable captions) = splits.Train.Features;
        return new PairData(
            splits, part, backend,
            (FeatureStatistics.Of(images, AllImages(splits.Train)), FeatureStatistics.Of(captions, CaptionsOf(splits.Train))),
            (data, of) => data.OnBackend(of));
    }

    /// <summary>The same data without numbers, on a backend that computes nothing; the current scope holds them.</summary>
    public PairData Placeholder(MemoryDryRun backend) => new(Splits, Part, backend, (Images, Texts), (data, of) =>
    {
        (FeatureTable images, FeatureTable captions) = of.Features;
        int rows = CaptionsOf(of).Length;
        return new LabelledImages(
            backend.Empty(new Shape(of.ImageCount, images.Width, 1, 1), DType.Float32),
            backend.Empty(new Shape(rows, captions.Width), DType.Float32))
        {
            LabelsEach = rows / of.ImageCount,
        };
    });

    /// <summary>The heads of some settings for these features, trained by InfoNCE.</summary>
    public PairNetwork NetworkOf(RunSettings settings) => PairPlans.NetworkOf(settings, Images.Mean.Length, Texts.Mean.Length);

    /// <inheritdoc/>
    public double Score(Network network, Tensor theta) => PairNetwork.Of(network).Recall(theta, Evaluated).Mean;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (LabelledImages part in (LabelledImages[])[Train, Evaluated])
        {
            part.Images.Dispose();
            part.Labels.Dispose();
        }
    }

    private LabelledImages OnBackend(PairDataset part)
    {
        (FeatureTable images, FeatureTable captions) = part.Features;
        int[] rows = CaptionsOf(part);
        return new LabelledImages(
            Images.Standardise(images, AllImages(part), Backend, new Shape(part.ImageCount, images.Width, 1, 1)),
            Texts.Standardise(captions, rows, Backend, new Shape(rows.Length, captions.Width)))
        {
            LabelsEach = rows.Length / part.ImageCount,
        };
    }

    private static int[] AllImages(PairDataset part) => [.. Enumerable.Range(0, part.ImageCount)];

    // Image by image; of each as many as the image with the fewest has.
    private static int[] CaptionsOf(PairDataset part)
    {
        int each = AllImages(part).Min(i => part.CaptionsOf(i).Length);
        return [.. AllImages(part).SelectMany(i => part.CaptionsOf(i).Take(each))];
    }
}
