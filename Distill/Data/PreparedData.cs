using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A data set on the backend: standardised training and test images with their labels.</summary>
internal sealed class PreparedData : IDisposable, IRealData, IExpertData
{
    private PreparedData(
        DatasetPair pair, ZcaWhitening? whitening, LabelledImages train, Tensor testImages, int[] trainLabels, int[] testLabels)
    {
        Whitening = whitening;
        (Pair, Train, TestImages, TrainLabels, TestLabels) = (pair, train, testImages, trainLabels, testLabels);
        Image = new Shape(train.Images.Shape.Sizes[1..]);
    }

    /// <summary>The bytes it was made of.</summary>
    public DatasetPair Pair { get; }

    /// <summary>What the standardised images were whitened by; null for nothing.</summary>
    public ZcaWhitening? Whitening { get; }

    /// <summary>D with one-hot labels.</summary>
    public LabelledImages Train { get; }

    /// <summary>[N, C, H, W].</summary>
    public Tensor TestImages { get; }

    /// <summary>Class of each training image.</summary>
    public int[] TrainLabels { get; }

    /// <summary>Class of each test image.</summary>
    public int[] TestLabels { get; }

    /// <summary>[C, H, W].</summary>
    public Shape Image { get; }

    /// <summary>M.</summary>
    public int Classes => Pair.Train.Classes;

    /// <inheritdoc/>
    public int CountOfClass(int label) => Pair.Train.CountOfClass(label);

    /// <summary>The network of some settings, or another architecture with their depth, norm and pooling, for these data.</summary>
    /// <exception cref="DistillException">The network or the augmentation is not defined for such images.</exception>
    public Network NetworkOf(RunSettings settings, int width, string? model = null) =>
        PlanFactory.NetworkOf(settings, Image, Classes, width, model);

    /// <summary>What standardised pixels can be: black to white in each channel.</summary>
    public ValueRange PixelRange()
    {
        Standardisation by = Pair.Standardisation;
        double[] Of(float pixel) => [.. by.Mean.Select((mean, c) => (double)((pixel - mean) / by.Std[c]))];
        return new ValueRange(Of(0), Of(1));
    }

    /// <summary>When a run began to prepare it, and how long that took; null where it was not prepared for a run.</summary>
    public (DateTimeOffset Began, TimeSpan Took)? Preparation { get; private set; }

    /// <inheritdoc/>
    string IExpertData.Dataset => Pair.Name;

    /// <inheritdoc/>
    string IExpertData.ScoreWords => $"on the {Pair.EvaluationImages}";

    /// <inheritdoc/>
    double IExpertData.Score(Network network, Tensor theta) => network.Accuracy(theta, TestImages, TestLabels);

    /// <summary>The backend that holds it.</summary>
    public Backend Backend => TestImages.Backend;

    /// <summary>Standardises a data set, copies it to a backend and whitens it there where that is asked for.</summary>
    public static PreparedData Load(DatasetPair pair, Backend backend, ZcaWhitening? whitening = null)
    {
        (Tensor images, int[] labels) = Copy(pair.Train, AllOf(pair.Train), backend);
        (Tensor testImages, int[] testLabels) = Copy(pair.Test, AllOf(pair.Test), backend);
        whitening?.Apply(images);
        whitening?.Apply(testImages);
        Tensor oneHot = LabelledImages.OneHot(backend, DType.Float32, labels, pair.Train.Classes);
        return new PreparedData(pair, whitening, new LabelledImages(images, oneHot), testImages, labels, testLabels);
    }

    /// <summary>Room for a data set on a backend, without its numbers: what a <see cref="MemoryDryRun"/> computes
    /// with.</summary>
    public static PreparedData Placeholder(DatasetPair pair, Backend backend)
    {
        Tensor Images(ImageDataset set) => backend.Empty(new Shape(set.Count, set.Channels, set.Height, set.Width), DType.Float32);
        return new PreparedData(
            pair, null,
            new LabelledImages(
                Images(pair.Train), backend.Empty(new Shape(pair.Train.Count, pair.Train.Classes), DType.Float32)),
            Images(pair.Test), new int[pair.Train.Count], new int[pair.Test.Count]);
    }

    /// <summary>The data as a run's settings prepare them; a whitening that is not below --out yet is computed.</summary>
    /// <exception cref="DistillException">The images cannot be whitened.</exception>
    public static PreparedData Load(
        DatasetPair pair, Backend backend, RunSettings settings, IProgressView progress, CancellationToken cancel)
    {
        DateTimeOffset began = TimeProvider.System.GetLocalNow();
        long start = TimeProvider.System.GetTimestamp();
        ZcaWhitening? whitening = settings.Zca is { } epsilon
            ? ZcaWhitening.Get(pair.Train, epsilon, backend, WhiteningFolder(settings), progress, cancel)
            : null;
        PreparedData data = Load(pair, backend, whitening);
        data.Preparation = (began, TimeProvider.System.GetElapsedTime(start));
        return data;
    }

    /// <summary>Where whitenings are kept.</summary>
    public static string WhiteningFolder(RunSettings settings) => Path.Combine(settings.Out, "whitening");

    /// <summary>Chosen training images as [n, C, H, W], with their classes; the caller or the current scope owns them.</summary>
    public (Tensor Images, int[] Labels) Select(int[] indices) =>
        (Variable.Constant(Train.Images).GatherRows(indices).Value, [.. indices.Select(i => TrainLabels[i])]);

    /// <summary>Images [n, C, H, W] as bytes, as they are seen: without whitening and standardisation.</summary>
    public byte[] Pixels(Tensor images)
    {
        float[] values = images.ToArray<float>();
        return Pair.Standardisation.ToPixels(Whitening is null ? values : Whitening.Inverse.Undo(values), Image);
    }

    /// <summary>How far images [n, C, H, W] are from pixels that can be shown.</summary>
    public PixelExtent ExtentOf(Tensor images)
    {
        float[] values = images.ToArray<float>();
        return PixelExtent.Of(Whitening is null ? values : Whitening.Inverse.Undo(values), Image, Pair.Standardisation);
    }

    /// <summary>Chosen training images with one-hot labels.</summary>
    public LabelledImages SelectLabelled(int[] indices) => Train.Rows(indices);

    /// <summary>So many random images of each class, class by class.</summary>
    /// <exception cref="DatasetException">A class has fewer.</exception>
    public int[] RandomOfEachClass(int perClass, RandomKey key) => RandomOfEachClass(Pair.Train, perClass, key);

    /// <summary>The same of a data set that is on no device.</summary>
    /// <exception cref="DatasetException">A class has fewer.</exception>
    public static int[] RandomOfEachClass(ImageDataset train, int perClass, RandomKey key)
    {
        train.FirstOfEachClass(perClass);
        return [.. Enumerable.Range(0, train.Classes).SelectMany(c => RandomOfClass(train, c, perClass, key.Split((ulong)c)))];
    }

    /// <inheritdoc/>
    public int[] RandomOfClass(int label, int most, RandomKey key) => RandomOfClass(Pair.Train, label, most, key);

    private static int[] RandomOfClass(ImageDataset train, int label, int most, RandomKey key) =>
    [
        .. key.Permutation(train.CountOfClass(label)).Take(most).Select(i => train.IndicesOfClass(label)[i]),
    ];

    /// <inheritdoc/>
    public void Dispose()
    {
        Train.Images.Dispose();
        Train.Labels.Dispose();
        TestImages.Dispose();
    }

    /// <summary>All numbers of images of a data set.</summary>
    public static int[] AllOf(ImageDataset set) => [.. Enumerable.Range(0, set.Count)];

    /// <summary>Chosen images of a data set, standardised, as [n, C, H, W], with their classes.</summary>
    public static (Tensor Images, int[] Labels) Copy(ImageDataset set, int[] indices, Backend backend) =>
        (set.ToTensor(backend, indices), set.ClassOfEach(indices));
}
