using InfMatch.Autograd;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Influence;

/// <summary>
/// S: what is learned. Labels are learned as logits ℓ, q = softmax ℓ, so that they never leave the simplex.
/// </summary>
/// <param name="Images">Standardised images [N, C, H, W].</param>
/// <param name="LabelLogits">ℓ [N, M].</param>
/// <param name="Weight">α: the scale of S's gradient, up to a constant the rate that S is meant to be trained with.</param>
public sealed record SyntheticSet(Tensor Images, Tensor LabelLogits, double Weight)
{
    /// <summary>N.</summary>
    public int Count => Images.Shape[0];

    /// <summary>f: each stored image is f×f tiles, which are enlarged where the set is used; see <see cref="Tiles"/>.</summary>
    public int Factor { get; init; } = 1;

    /// <summary>Some consecutive images with their labels, sharing memory.</summary>
    public SyntheticSet Rows(int first, int count)
    {
        int pixels = Images.Count / Count, labels = LabelLogits.Count / Count;
        return this with
        {
            Images = Images.View(first * pixels, new Shape([count, .. Images.Shape.Sizes[1..]])),
            LabelLogits = LabelLogits.View(first * labels, new Shape(count, labels)),
        };
    }

    /// <summary>The images, N·f² of them, with their labels q = softmax ℓ, to train on; what is made belongs to the current
    /// scope.</summary>
    public LabelledImages AsTrainingSet()
    {
        using IDisposable off = Recording.Off();
        return new LabelledImages(
            Variable.Constant(Images).EnlargeTiles(Factor).Value,
            Variable.Constant(LabelLogits).Softmax().ForEachTile(Factor).Value);
    }
}

/// <summary>
/// The loss L(θ; S) at which influence looks: S under one draw of the augmentation, the same at every checkpoint and on
/// both sides of a finite difference; a training on S draws afresh for each step (<see cref="OfStep"/>).
/// </summary>
public sealed class SyntheticLoss(Network network, Augmentation augmentation, RandomKey key, bool siamese = true)
{
    /// <summary>f, as <see cref="SyntheticSet.Factor"/>.</summary>
    public int Factor { get; init; } = 1;

    /// <summary>L(θ; S), a scalar; S is images [N, C, H, W] and label logits [N, M].</summary>
    public Variable At(Variable theta, IReadOnlyList<Variable> s) =>
        network.Loss(
            theta, augmentation.Apply(s[0].EnlargeTiles(Factor), key, siamese), s[1].Softmax().ForEachTile(Factor));

    /// <summary>The images of S of which derivatives are best taken together, where all of it is theirs alone; null where an image's
    /// part of the loss depends on its place in S, because the augmentation draws for each.</summary>
    internal int? ImagesAtOnce(Backend backend) => siamese || augmentation.Ops == AugmentationOps.None
        ? (int)Math.Clamp(
            backend.NumbersInCache / Math.Max(1, network.ActivationCount * Factor * Factor), 1, int.MaxValue)
        : null;

    /// <summary>The same under the augmentation that step t of a training on S draws.</summary>
    public SyntheticLoss OfStep(int step) => new(network, augmentation, key.Split((ulong)step), siamese) { Factor = Factor };

    /// <summary>L(·; S) as a function of θ alone, with S held constant.</summary>
    public ParameterLoss Of(SyntheticSet s)
    {
        Variable[] constants = [Variable.Constant(s.Images), Variable.Constant(s.LabelLogits)];
        return theta => At(theta, constants);
    }
}
