using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Datasets;

/// <summary>An immutable set of labelled 8-bit images, pixels in [N, C, H, W] order.</summary>
public sealed class ImageDataset
{
    private const int ImagesAtOnce = 1024;

    private readonly ImmutableArray<int>[] _indicesOfClass;
    private string? _contentHash;

    /// <summary>Takes images [C, H, W] as pixels [N, C, H, W] with labels [N], without copying, and checks that they fit
    /// together.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit together, or a label is no class.</exception>
    public ImageDataset(DatasetTraits traits, Shape image, ImmutableArray<byte> pixels, ImmutableArray<byte> labels)
    {
        (string name, ImmutableArray<string> classNames, Standardisation standardisation) = traits;
        (int channels, int height, int width) = image.Rank == 3
            ? (image[0], image[1], image[2])
            : throw new ArgumentException($"ImageDataset {name}: {image} is not [channels, height, width].", nameof(image));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels, nameof(image));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height, nameof(image));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width, nameof(image));
        if (classNames.Length is 0 or > 256)
        {
            throw new ArgumentException(
                $"ImageDataset {name}: {classNames.Length} classes; labels are bytes, so 1 to 256.",
                nameof(traits));
        }

        if ((Int128)labels.Length * channels * height * width != pixels.Length)
        {
            throw new ArgumentException(
                $"ImageDataset {name}: {pixels.Length} pixels do not make {labels.Length} images of " +
                $"[{channels}, {height}, {width}].",
                nameof(pixels));
        }

        if (standardisation.Channels != channels)
        {
            throw new ArgumentException(
                $"ImageDataset {name}: standardisation has {standardisation.Channels} channels, images {channels}.",
                nameof(traits));
        }

        int[] counts = new int[classNames.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= classNames.Length)
            {
                throw new ArgumentException(
                    $"ImageDataset {name}: label {i} is {labels[i]}, there are {classNames.Length} classes.",
                    nameof(labels));
            }

            counts[labels[i]]++;
        }

        (Name, ClassNames, Channels, Height, Width) = (name, classNames, channels, height, width);
        (AllPixels, AllLabels, Standardisation) = (pixels, labels, standardisation);
        var builders = Array.ConvertAll(counts, ImmutableArray.CreateBuilder<int>);
        for (int i = 0; i < labels.Length; i++)
            builders[labels[i]].Add(i);
        _indicesOfClass = Array.ConvertAll(builders, b => b.MoveToImmutable());
    }

    /// <summary>Name for people, for example "cifar-10 train".</summary>
    public string Name { get; }

    /// <summary>Name of each class, [M].</summary>
    public ImmutableArray<string> ClassNames { get; }

    /// <summary>Number of channels C.</summary>
    public int Channels { get; }

    /// <summary>Height H in pixels.</summary>
    public int Height { get; }

    /// <summary>Width W in pixels.</summary>
    public int Width { get; }

    /// <summary>Mean and deviation with which the images are to be standardised.</summary>
    public Standardisation Standardisation { get; }

    /// <summary>Number of images N.</summary>
    public int Count => AllLabels.Length;

    /// <summary>Number of classes M, also when some have no image.</summary>
    public int Classes => ClassNames.Length;

    /// <summary>Values in one image, C · H · W.</summary>
    public int ImageSize => Channels * Height * Width;

    /// <summary>All pixels, [N, C, H, W], 0…255.</summary>
    public ReadOnlySpan<byte> Pixels => AllPixels.AsSpan();

    /// <summary>All labels, [N], each below <see cref="Classes"/>.</summary>
    public ReadOnlySpan<byte> Labels => AllLabels.AsSpan();

    /// <summary>True when every class has the same number of images.</summary>
    public bool IsBalanced => Array.TrueForAll(_indicesOfClass, i => i.Length == _indicesOfClass[0].Length);

    /// <summary>Name, classes and standardisation.</summary>
    public DatasetTraits Traits => new(Name, ClassNames, Standardisation);

    /// <summary>The shape of one image, [C, H, W].</summary>
    public Shape ImageShape => new(Channels, Height, Width);

    private ImmutableArray<byte> AllPixels { get; }

    private ImmutableArray<byte> AllLabels { get; }

    /// <summary>Pixels of one image, [C, H, W].</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public ReadOnlySpan<byte> Image(int index)
    {
        RequireIndex(index);
        return Pixels.Slice(index * ImageSize, ImageSize);
    }

    /// <summary>Label of one image.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public int Label(int index)
    {
        RequireIndex(index);
        return AllLabels[index];
    }

    /// <summary>Indices of the images of a class, rising.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public ImmutableArray<int> IndicesOfClass(int label)
    {
        RequireClass(label);
        return _indicesOfClass[label];
    }

    /// <summary>Number of images of a class.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class.</exception>
    public int CountOfClass(int label) => IndicesOfClass(label).Length;

    /// <summary>Indices of the first images of each class, [M · perClass]: first those of class 0, then 1, …</summary>
    /// <exception cref="DatasetException">A class has fewer images than that.</exception>
    public int[] FirstOfEachClass(int perClass)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perClass);
        for (int m = 0; m < Classes; m++)
        {
            if (CountOfClass(m) < perClass)
            {
                throw new DatasetException(
                    DatasetFault.NotEnoughImages, Name, $"class {m} ({ClassNames[m]}) has too few images",
                    $"{CountOfClass(m)}", $"{perClass}", "Ask for fewer images per class.");
            }
        }

        int[] chosen = new int[Classes * perClass];
        for (int m = 0; m < Classes; m++)
            _indicesOfClass[m].AsSpan(0, perClass).CopyTo(chosen.AsSpan(m * perClass));
        return chosen;
    }

    /// <summary>The set of the first images of each class, kept in the order of this set.</summary>
    /// <exception cref="DatasetException">A class has fewer images than that.</exception>
    public ImageDataset BalancedSubset(int perClass)
    {
        int[] chosen = FirstOfEachClass(perClass);
        Array.Sort(chosen);
        return Subset(chosen);
    }

    /// <summary>The set of the given images, in the given order; an index may occur more than once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public ImageDataset Subset(ReadOnlySpan<int> indices)
    {
        var pixels = ImmutableArray.CreateBuilder<byte>(checked(indices.Length * ImageSize));
        var labels = ImmutableArray.CreateBuilder<byte>(indices.Length);
        foreach (int i in indices)
        {
            pixels.AddRange(Image(i));
            labels.Add(AllLabels[i]);
        }

        return new ImageDataset(Traits, ImageShape, pixels.MoveToImmutable(), labels.MoveToImmutable());
    }

    /// <summary>Writes (pixel / 255 − mean) / std of the given images to a destination [n, C, H, W].</summary>
    /// <exception cref="ArgumentException">The destination does not hold exactly that many values.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public void Standardise(ReadOnlySpan<int> indices, Span<float> destination)
    {
        RequireLength((long)indices.Length * ImageSize, destination.Length, nameof(destination));
        for (int k = 0; k < indices.Length; k++)
        {
            Standardisation.Apply(
                Image(indices[k]), Height * Width, destination.Slice(k * ImageSize, ImageSize));
        }
    }

    /// <summary>The given images, all where none are given, standardised and copied to a backend, [n, C, H, W] in
    /// float32; the caller or the current scope owns them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public Tensor ToTensor(Backend backend, int[]? indices = null)
    {
        int[] chosen = indices ?? [.. Enumerable.Range(0, Count)];
        Tensor images = backend.Empty(new Shape(chosen.Length, Channels, Height, Width), DType.Float32);
        // A part at a time: a second copy of a large set in float32 would double what it takes.
        var values = new float[Math.Min(chosen.Length, ImagesAtOnce) * ImageSize];
        for (int start = 0; start < chosen.Length; start += ImagesAtOnce)
        {
            int count = Math.Min(ImagesAtOnce, chosen.Length - start);
            Span<float> part = values.AsSpan(0, count * ImageSize);
            Standardise(chosen.AsSpan(start, count), part);
            backend.Upload<float>(part, images.View(start * ImageSize, new Shape(part.Length)));
        }
        return images;
    }

    /// <summary>The class of each of the given images, of all where none are given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public int[] ClassOfEach(int[]? indices = null) =>
        [.. (indices ?? [.. Enumerable.Range(0, Count)]).Select(Label)];

    /// <summary>Writes the labels of the given images to a destination [n].</summary>
    /// <exception cref="ArgumentException">The destination does not hold exactly that many values.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such image.</exception>
    public void CopyLabels(ReadOnlySpan<int> indices, Span<int> destination)
    {
        RequireLength(indices.Length, destination.Length, nameof(destination));
        for (int k = 0; k < indices.Length; k++)
            destination[k] = Label(indices[k]);
    }

    /// <summary>The same images with another standardisation, for example a measured one.</summary>
    public ImageDataset WithStandardisation(Standardisation standardisation) =>
        new(Traits with { Standardisation = standardisation }, ImageShape, AllPixels, AllLabels);

    /// <summary>
    /// SHA-256, in lower-case hex, of sizes, labels and pixels: two runs with the same hash saw the same data. Computed
    /// once.
    /// </summary>
    public string ContentHash() => _contentHash ??= ComputeContentHash();

    private string ComputeContentHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> sizes = stackalloc byte[20];
        ReadOnlySpan<int> numbers = [Count, Channels, Height, Width, Classes];
        for (int i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(sizes[(4 * i)..], numbers[i]);
        hash.AppendData(sizes);
        hash.AppendData(Labels);
        hash.AppendData(Pixels);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <inheritdoc/>
    public override string ToString() =>
        new StringBuilder(Name).Append($": {Count} images [{Channels}, {Height}, {Width}], {Classes} classes")
            .ToString();

    private static void RequireLength(long needed, int got, string parameter)
    {
        if (needed != got)
        {
            throw new ArgumentException(
                $"ImageDataset: the destination holds {got} values, {needed} are to be written.", parameter);
        }
    }

    private void RequireIndex(int index)
    {
        if ((uint)index >= (uint)Count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(index), index, $"{Name} has {Count} images, counted from 0.");
        }
    }

    private void RequireClass(int label)
    {
        if ((uint)label >= (uint)Classes)
        {
            throw new ArgumentOutOfRangeException(
                nameof(label), label, $"{Name} has {Classes} classes, counted from 0.");
        }
    }
}
