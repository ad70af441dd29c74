using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Images [N, C, H, W] sampled through an affine map of the plane for each image, transforms [N, 6]; bilinear, zero
/// outside. Linear in the images; the transforms are random numbers of the augmentation and have no cotangent.
/// </summary>
public sealed record AffineSample : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => Transforms.Check(this, inputs);

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.AffineSample(x[0], x[1], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
        [new AffineSampleGradient().On(at.Cotangent, at.Inputs[1].Detach()), null];
}

/// <summary>The adjoint of <see cref="AffineSample"/> in the images.</summary>
public sealed record AffineSampleGradient : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => Transforms.Check(this, inputs);

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.AffineSampleGradient(x[0], x[1], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
        [new AffineSample().On(at.Cotangent, at.Inputs[1].Detach()), null];
}

internal static class Transforms
{
    public static Shape Check(Op op, ReadOnlySpan<Shape> inputs) =>
        inputs[0].Rank == 4 && inputs[1] == new Shape(inputs[0][0], 6)
            ? inputs[0]
            : throw new ShapeException(
                $"{op.GetType().Name} takes images [N, C, H, W] and transforms [N, 6], got {inputs[0]} and {inputs[1]}.");
}
