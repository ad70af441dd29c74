using InfMatch.Datasets;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A data set on the backend: standardised training and test images with their labels.</summary>
internal sealed class PreparedData : IDisposable
{
    private PreparedData(DatasetPair pair, LabelledImages train, Tensor testImages, int[] trainLabels, int[] testLabels)
    {
        (Pair, Train, TestImages, TrainLabels, TestLabels) = (pair, train, testImages, trainLabels, testLabels);
        Image = new Shape(train.Images.Shape.Sizes[1..]);
    }

    /// <summary>The bytes it was made of.</summary>
    public DatasetPair Pair { get; }

    /// <summary>D with one-hot labels.</summary>
    public LabelledImages Train { get; }

    /// <summary>[N, C, H, W].</summary>
    public Tensor TestImages { get; private set; }

    /// <summary>Class of each training image.</summary>
    public int[] TrainLabels { get; }

    /// <summary>Class of each test image.</summary>
    public int[] TestLabels { get; }

    /// <summary>[C, H, W].</summary>
    public Shape Image { get; }

    /// <summary>M.</summary>
    public int Classes => Pair.Train.Classes;

    /// <summary>The backend that holds it.</summary>
    public Backend Backend => TestImages.Backend;

    /// <summary>Standardises a data set and copies it to a backend.</summary>
    public static PreparedData Load(DatasetPair pair, Backend backend)
    {
        (Tensor images, int[] labels) = Copy(pair.Train, AllOf(pair.Train), backend);
        (Tensor testImages, int[] testLabels) = Copy(pair.Test, AllOf(pair.Test), backend);
        Tensor oneHot = LabelledImages.OneHot(backend, DType.Float32, labels, pair.Train.Classes);
        return new PreparedData(pair, new LabelledImages(images, oneHot), testImages, labels, testLabels);
    }

    /// <summary>Chosen training images as [n, C, H, W], with their classes; the caller or the current scope owns them.</summary>
    public (Tensor Images, int[] Labels) Select(int[] indices) => Copy(Pair.Train, indices, Backend);

    /// <summary>Chosen training images with one-hot labels.</summary>
    public LabelledImages SelectLabelled(int[] indices)
    {
        (Tensor images, int[] labels) = Select(indices);
        return new LabelledImages(images, LabelledImages.OneHot(Backend, DType.Float32, labels, Classes));
    }

    /// <summary>So many random images of each class, class by class.</summary>
    /// <exception cref="DatasetException">A class has fewer.</exception>
    public int[] RandomOfEachClass(int perClass, RandomKey key)
    {
        Pair.Train.FirstOfEachClass(perClass);
        return
        [
            .. Enumerable.Range(0, Classes).SelectMany(c =>
                key.Split((ulong)c).Permutation(Pair.Train.CountOfClass(c)).Take(perClass)
                    .Select(i => Pair.Train.IndicesOfClass(c)[i])),
        ];
    }

    /// <summary>Replaces the test images by what a set's preprocessing makes of them.</summary>
    public void TransformTestImages(Func<Tensor, Tensor> preprocess)
    {
        Tensor before = TestImages;
        TestImages = preprocess(before);
        before.Dispose();
    }

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
    public static (Tensor Images, int[] Labels) Copy(ImageDataset set, int[] indices, Backend backend)
    {
        var values = new float[indices.Length * set.ImageSize];
        set.Standardise(indices, values);
        var labels = new int[indices.Length];
        set.CopyLabels(indices, labels);
        var shape = new Shape(indices.Length, set.Channels, set.Height, set.Width);
        return (Tensor.From<float>(backend, values, shape), labels);
    }
}
