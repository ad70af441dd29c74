using System.Collections.Immutable;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Methods;
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

    /// <summary>What makes features of learned pixels; null where features themselves are learned.</summary>
    public PixelEncoder? Encoder { get; private set; }

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

    /// <summary>Opens the encoder of settings that learn pixels.</summary>
    /// <exception cref="DatasetException">Its file is not there.</exception>
    /// <exception cref="Onnx.OnnxModelException">It cannot be computed here.</exception>
    public PairData WithEncoderOf(RunSettings settings)
    {
        if (PairSettings.HasPixels(settings))
            Encoder ??= new PixelEncoder(Backend, PixelEncoder.ModelsOf(settings), Images, PairSettings.SideOf(settings));
        return this;
    }

    /// <summary>S as heads and methods see it: features in the place of pixels. What is made belongs to the current scope.</summary>
    public SyntheticSet Seen(SyntheticSet set)
    {
        if (set.Parts[0].Name != SyntheticSet.ImagesPart)
            return set;
        using IDisposable off = Recording.Off();
        Tensor features = Encoder!.Features.Of(set.Tensors[0]);
        return set with { Parts = set.Parts.SetItem(0, new SyntheticPart(SyntheticPairs.ImagesPart, features)) };
    }

    /// <summary>A set that starts from real pairs, of pixels or features as the settings say.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="indices">Which pairs.</param>
    /// <param name="key">What the choice of a text and a similarity follow from.</param>
    /// <exception cref="DatasetException">The file of an image is not there, or damaged.</exception>
    public SyntheticSet StartOf(RunSettings settings, int[] indices, RandomKey key)
    {
        SyntheticSet start = SyntheticPairs.Of(Train, indices, key);
        if (PairSettings.HasPixels(settings))
        {
            Tensor pixels = PixelsOf(indices, PairSettings.SideOf(settings));
            start = start with { Parts = start.Parts.SetItem(0, new SyntheticPart(SyntheticSet.ImagesPart, pixels)) };
        }
        return PairSettings.RankOf(settings) is > 0 and int rank ? start.WithSimilarity(rank, key) : start;
    }

    /// <summary>The same data without numbers, on a backend that computes nothing; the current scope holds them.</summary>
    public PairData Placeholder(MemoryDryRun backend) => new PairData(Splits, Part, backend, (Images, Texts), (data, of) =>
    {
        (FeatureTable images, FeatureTable captions) = of.Features;
        int rows = CaptionsOf(of).Length;
        return new LabelledImages(
            backend.Empty(new Shape(of.ImageCount, images.Width, 1, 1), DType.Float32),
            backend.Empty(new Shape(rows, captions.Width), DType.Float32))
        {
            LabelsEach = rows / of.ImageCount,
        };
    })
    {
        Encoder = Encoder?.On(backend),
    };

    /// <summary>The heads of some settings for these features, trained by InfoNCE.</summary>
    public PairNetwork NetworkOf(RunSettings settings) => PairPlans.NetworkOf(settings, Images.Mean.Length, Texts.Mean.Length);

    /// <inheritdoc/>
    public double Score(Network network, Tensor theta) => PairNetwork.Of(network).Recall(theta, Evaluated).Mean;

    /// <inheritdoc/>
    public void Dispose()
    {
        Encoder?.Dispose();
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
            LabelCounts = CountsOf(part),
        };
    }

    // Images of training pairs from 0 to 1.
    private Tensor PixelsOf(int[] indices, int side)
    {
        var values = new float[indices.Length * 3 * side * side];
        for (int i = 0; i < indices.Length; i++)
        {
            ImagePixels image = Splits.TrainingImage(indices[i], side) ?? throw new DatasetException(
                DatasetFault.NotFound, Splits.ImageFolder ?? Splits.Name, $"the image {Splits.Train.ImageNames[indices[i]]} is not there",
                fix: "Pixels start from images: put their files into a folder of images beside the captions (docs/datasets.md), or learn features.");
            ReadOnlySpan<byte> planes = Squared(image, side);
            for (int j = 0; j < planes.Length; j++)
                values[i * planes.Length + j] = planes[j] / 255f;
        }
        return Tensor.From<float>(Backend, values, new Shape(indices.Length, 3, side, side));
    }

    // A grey image has three equal planes.
    private static byte[] Squared(ImagePixels image, int side)
    {
        (int channels, int plane) = (image.Size[0], image.Size[1] * image.Size[2]);
        if (channels == 3 && image.Size[1] == side && image.Size[2] == side)
            return image.Values;
        var interleaved = new byte[3 * plane];
        for (int i = 0; i < interleaved.Length; i++)
            interleaved[i] = image.Values[i % 3 % channels * plane + i / 3];
        var planes = new byte[3 * side * side];
        Resampling.ToSquare(interleaved, image.Size[1], image.Size[2], side, planes);
        return planes;
    }

    private static int[] AllImages(PairDataset part) => [.. Enumerable.Range(0, part.ImageCount)];

    // Image by image; of each as many as the image with the most has, so that those of one with fewer come again.
    private static int[] CaptionsOf(PairDataset part)
    {
        int each = AllImages(part).Max(i => part.CaptionsOf(i).Length);
        return [.. AllImages(part).SelectMany(i => Enumerable.Range(0, each).Select(k => part.CaptionsOf(i)[k % part.CaptionsOf(i).Length]))];
    }

    private static ImmutableArray<int> CountsOf(PairDataset part)
    {
        int[] counts = [.. AllImages(part).Select(i => part.CaptionsOf(i).Length)];
        return counts.Distinct().Count() == 1 ? [] : [.. counts];
    }
}
