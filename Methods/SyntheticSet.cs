using System.Collections.Immutable;
using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>A part of S: a tensor that is learned.</summary>
/// <param name="Name">What it is: images, label_logits.</param>
/// <param name="Value">Its numbers; the first axis counts the images of S.</param>
public readonly record struct SyntheticPart(string Name, Tensor Value);

/// <summary>
/// The synthetic set S: named tensors (parts) and named numbers. Code that stores, shows or steps S goes through the
/// parts and knows none of them by name. Every part has one row for each image of S. The constructor makes the set of
/// image classification; labels are learned as logits ℓ, q = softmax ℓ, so that they never leave the simplex.
/// </summary>
public sealed record SyntheticSet
{
    /// <summary>The part of standardised images [N, C, H, W].</summary>
    public const string ImagesPart = "images";

    /// <summary>The part of label logits ℓ [N, M], or [N, f², M] where each tile has a label of its own.</summary>
    public const string LabelsPart = "label_logits";

    /// <summary>The factor α of S's gradient (theory.md); up to a constant the rate to train on S with.</summary>
    public const string WeightNumber = "weight";

    /// <summary>The rate η_S to train on S with, learned by methods that walk on S; see <see cref="Rate"/>.</summary>
    public const string RateNumber = "rate";

    /// <summary>A set of any parts.</summary>
    public SyntheticSet(ImmutableArray<SyntheticPart> parts) => Parts = parts;

    /// <summary>Images [N, C, H, W] with label logits [N, M], or [N, f², M], and the weight α.</summary>
    public SyntheticSet(Tensor images, Tensor labelLogits, double weight = 1)
        : this([new(ImagesPart, images), new(LabelsPart, labelLogits)]) =>
        Numbers = ImmutableSortedDictionary<string, double>.Empty.Add(WeightNumber, weight);

    /// <summary>The tensors, in a fixed order.</summary>
    public ImmutableArray<SyntheticPart> Parts { get; init; }

    /// <summary>The single numbers that are learned, or that a method sets: such as the weight α.</summary>
    public ImmutableSortedDictionary<string, double> Numbers { get; init; } =
        ImmutableSortedDictionary<string, double>.Empty;

    /// <summary>The number of images N.</summary>
    public int Count => Parts[0].Value.Shape[0];

    /// <summary>Where its tensors are.</summary>
    public Backend Backend => Parts[0].Value.Backend;

    /// <summary>The number type of its tensors.</summary>
    public DType DType => Parts[0].Value.DType;

    /// <summary>f: each stored image is f×f tiles, which are enlarged where the set is used; see <see cref="Tiles"/>.</summary>
    public int Factor { get; init; } = 1;

    /// <summary>What a network sees of some rows of a set: images [R, C, H, W] and labels [R, M].</summary>
    /// <param name="images">The stored images [N, C, H, W].</param>
    /// <param name="logits">Their label logits, [N, M] or [N, f², M].</param>
    /// <param name="factor">f.</param>
    /// <param name="rows">The numbers of the rows.</param>
    /// <param name="areTiles">Whether they count tiles, those of an image one behind the other, or stored images, which give f² rows
    /// each.</param>
    public static (Variable Images, Variable Labels) Seen(
        Variable images, Variable logits, int factor, int[] rows, bool areTiles) => areTiles
        ? (images.EnlargeTiles(factor, rows), logits.TileLabels(factor).GatherRows(rows))
        : (images.GatherRows(rows).EnlargeTiles(factor), logits.GatherRows(rows).TileLabels(factor));

    /// <summary>The tensors of all parts.</summary>
    public ImmutableArray<Tensor> Tensors => [.. Parts.Select(part => part.Value)];

    /// <summary>The tensor of a part.</summary>
    /// <exception cref="KeyNotFoundException">S has no such part.</exception>
    public Tensor this[string part] => Parts[IndexOf(part)].Value;

    /// <summary>Standardised images [N, C, H, W].</summary>
    public Tensor Images
    {
        get => this[ImagesPart];
        init => Parts = With(ImagesPart, value);
    }

    /// <summary>The label logits ℓ [N, M], which the tiles of an image share, or [N, f², M], one for each tile.</summary>
    public Tensor LabelLogits
    {
        get => this[LabelsPart];
        init => Parts = With(LabelsPart, value);
    }

    /// <summary>The weight α.</summary>
    public double Weight
    {
        get => Numbers[WeightNumber];
        init => Numbers = Numbers.SetItem(WeightNumber, value);
    }

    /// <summary>The rate that was learned with S; null where the method learns none.</summary>
    public double? Rate => Numbers.TryGetValue(RateNumber, out double rate) ? rate : null;

    /// <summary>The same set with other tensors in the place of its parts, in their order.</summary>
    public SyntheticSet WithTensors(IReadOnlyList<Tensor> tensors) =>
        this with { Parts = [.. Parts.Select((part, i) => part with { Value = tensors[i] })] };

    /// <summary>Some consecutive rows of every part, sharing memory.</summary>
    public SyntheticSet Rows(int first, int count) => WithTensors([.. Tensors.Select(part =>
    {
        int each = part.Count / Count;
        return part.View(first * each, new Shape([count, .. part.Shape.Sizes[1..]]));
    })]);

    /// <summary>The images, N·f² of them, with their labels q = softmax ℓ, to train on; what is made belongs to the current
    /// scope.</summary>
    public LabelledImages AsTrainingSet()
    {
        using IDisposable off = Recording.Off();
        return new LabelledImages(
            Variable.Constant(Images).EnlargeTiles(Factor).Value,
            Variable.Constant(LabelLogits).TileLabels(Factor).Value);
    }

    /// <summary>The images, N·f² of them, with hard labels; what is made belongs to the current scope.</summary>
    /// <param name="classes">The class of each of the N stored images.</param>
    /// <exception cref="ShapeException">There are not N classes, or one is not in 0 … M−1.</exception>
    public LabelledImages AsTrainingSet(ReadOnlySpan<int> classes)
    {
        if (classes.Length != Count)
            throw new ShapeException($"{classes.Length} classes are no class for each of {Count} images.");
        using IDisposable off = Recording.Off();
        Tensor oneHot = LabelledImages.OneHot(Images.Backend, Images.DType, classes, LabelLogits.Shape[^1]);
        return new LabelledImages(
            Variable.Constant(Images).EnlargeTiles(Factor).Value, Variable.Constant(oneHot).ForEachTile(Factor).Value);
    }

    private int IndexOf(string name)
    {
        for (int i = 0; i < Parts.Length; i++)
        {
            if (Parts[i].Name == name)
                return i;
        }
        throw new KeyNotFoundException($"S has no part '{name}'; it has {string.Join(", ", Parts.Select(p => p.Name))}.");
    }

    private ImmutableArray<SyntheticPart> With(string name, Tensor value) =>
        Parts.SetItem(IndexOf(name), new SyntheticPart(name, value));
}
