using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>Images with their labels, on a backend; their numbers do not change. An image can have several labels, such as the
/// captions of a photograph, of which a training takes a random one in each epoch.</summary>
/// <param name="images">Standardised images [N, C, H, W].</param>
/// <param name="labels">Class probabilities [N, M]: one-hot for hard labels. Or rows of another kind, K for each image.</param>
public sealed class LabelledImages(Tensor images, Tensor labels)
{
    private readonly int _labelsEach = 1;
    private readonly ImmutableArray<int> _labelCounts = [];
    private string? _contentHash;

    /// <summary>Standardised images [N, C, H, W].</summary>
    public Tensor Images { get; } = images;

    /// <summary>Class probabilities [N, M]: one-hot for hard labels. Or rows of another kind [N·K, …], those of an image one behind
    /// the other.</summary>
    public Tensor Labels { get; } = labels;

    /// <summary>K, the number of labels that each image has.</summary>
    /// <exception cref="ShapeException">There are not so many.</exception>
    public int LabelsEach
    {
        get => _labelsEach;
        init => _labelsEach = value >= 1 && (long)value * Count == Labels.Shape[0]
            ? value
            : throw new ShapeException($"{Labels.Shape[0]} labels are not {value} for each of {Count} images.");
    }

    /// <summary>How many labels each image really has, from 1 to K, where they differ: the rows behind these repeat them, are never
    /// drawn and count for nothing. Empty where each has K. To be set after <see cref="LabelsEach"/>.</summary>
    /// <exception cref="ShapeException">There is not one for each image, or one is not from 1 to K.</exception>
    public ImmutableArray<int> LabelCounts
    {
        get => _labelCounts;
        init => _labelCounts = value.IsEmpty || (value.Length == Count && value.All(n => n >= 1 && n <= LabelsEach))
            ? value
            : throw new ShapeException($"{value.Length} numbers of labels are not one from 1 to {LabelsEach} for each of {Count} images.");
    }

    /// <summary>N.</summary>
    public int Count => Images.Shape[0];

    /// <summary>Chosen images with their labels, in the order of the indices; they belong to the current
    /// scope.</summary>
    public LabelledImages Rows(int[] indices) => new(
        Variable.Constant(Images).GatherRows(indices).Value, Variable.Constant(Labels).GatherRows(AllLabelsOf(indices)).Value)
    {
        LabelsEach = LabelsEach,
        LabelCounts = LabelCounts.IsEmpty ? [] : [.. indices.Select(i => LabelCounts[i])],
    };

    /// <summary>The images with one of their labels each, drawn by the key; itself where they have no more. What is made belongs to
    /// the current scope.</summary>
    public LabelledImages WithOneLabelEach(RandomKey key) => LabelsEach == 1
        ? this
        : new LabelledImages(
            Images, Variable.Constant(Labels).GatherRows(DrawnLabelsOf([.. Enumerable.Range(0, Count)], key)).Value);

    /// <summary>For each of some images the row of the label that the key draws for it, whatever the other images.</summary>
    public int[] DrawnLabelsOf(ReadOnlySpan<int> images, RandomKey key)
    {
        var rows = new int[images.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = LabelsEach == 1 ? images[i] : images[i] * LabelsEach + key.Below(CountOf(images[i]), images[i]);
        return rows;
    }

    private int CountOf(int image) => LabelCounts.IsEmpty ? LabelsEach : LabelCounts[image];

    private int[] AllLabelsOf(int[] images) => LabelsEach == 1
        ? images
        : [.. images.SelectMany(image => Enumerable.Range(image * LabelsEach, LabelsEach))];

    /// <summary>SHA-256, in lower-case hex, of number type, shapes, labels and pixels: what was trained on, for a file
    /// that outlives it. Computed once.</summary>
    public string ContentHash() => _contentHash ??= ComputeContentHash();

    private string ComputeContentHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in (Tensor[])[Images, Labels])
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.DType} {tensor.Shape}"));
            int row = tensor.Count / Math.Max(1, tensor.Shape[0]);
            // A part at a time: a copy of all pixels at once would double what a large set takes.
            int most = Math.Max(1, (1 << 20) / Math.Max(1, row)) * row;
            for (int start = 0; start < tensor.Count; start += most)
            {
                Tensor part = tensor.View(start, new Shape(Math.Min(most, tensor.Count - start)));
                hash.AppendData(tensor.DType == DType.Float32
                    ? MemoryMarshal.AsBytes<float>(part.ToArray<float>())
                    : MemoryMarshal.AsBytes<double>(part.ToArray<double>()));
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>One-hot labels [N, M] from class indices.</summary>
    /// <exception cref="ShapeException">A label is not in 0 … M−1.</exception>
    public static Tensor OneHot(Backend backend, DType dtype, ReadOnlySpan<int> labels, int classes)
    {
        var values = new double[labels.Length * classes];
        for (int i = 0; i < labels.Length; i++)
        {
            if (labels[i] < 0 || labels[i] >= classes)
                throw new ShapeException($"Label {i} is {labels[i]}, but there are {classes} classes.");
            values[i * classes + labels[i]] = 1;
        }
        return Tensor.From(backend, dtype, values, new Shape(labels.Length, classes));
    }
}
