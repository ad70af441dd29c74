using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// Images [N, C, H, W] sampled through an affine map of the plane for each image, transforms [N, 6]; bilinear, zero
/// outside. Linear in the images; the transforms are random numbers of the augmentation and have no cotangent: asking
/// for one is an <see cref="InvalidOperationException"/>.
/// </summary>
[Formula(
    "y = T·x: x [N, C, H, W] through an affine map for each image, bilinear, 0 outside",
    "x̄ = AffineSampleGradient(ȳ, T); none for T")]
public sealed record AffineSample : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => Transforms.Check(this, inputs);

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new AffineSampleCall(x[0], x[1], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [new AffineSampleGradient().On(at.Cotangent, Transforms.Fixed(at)), null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => Transforms.Samples(new AffineSample());

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => Transforms.Errors(new AffineSample());
}

/// <summary>The adjoint of <see cref="AffineSample"/> in the images.</summary>
[Formula("y = Tᵀ·x", "x̄ = AffineSample(ȳ, T); none for T")]
public sealed record AffineSampleGradient : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => Transforms.Check(this, inputs);

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new AffineSampleGradientCall(x[0], x[1], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [new AffineSample().On(at.Cotangent, Transforms.Fixed(at)), null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => Transforms.Samples(new AffineSampleGradient());

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => Transforms.Errors(new AffineSampleGradient());
}

internal static class Transforms
{
    public static Shape Check(Op op, ReadOnlySpan<Shape> inputs)
    {
        op.ExpectInputs(inputs, 2);
        return inputs[0].Rank == 4 && inputs[1] == new Shape(inputs[0][0], 6)
            ? inputs[0]
            : throw new ShapeException(
                $"{op.GetType().Name} takes images [N, C, H, W] and transforms [N, 6], got {inputs[0]} and " +
                $"{inputs[1]}.");
    }

    public static Variable Fixed(Node at) => at.Needs(1)
        ? throw new InvalidOperationException(
            $"{at.Op.GetType().Name} is differentiated in its images only. Give the transforms as a constant.")
        : at.Inputs[1];

    public static IEnumerable<OpSample> Samples(Op op) =>
        from images in new[] { new Shape(2, 2, 4, 5), new Shape(1, 1, 3, 3), new Shape(3, 1, 1, 6) }
        select new OpSample(op, images, new SampleInput(new Shape(images[0], 6), -1.2, 1.2, Differentiable: false))
        {
            LinearIn = [[0]],
            Terms = 16,
        };

    public static IEnumerable<OpError> Errors(Op op) =>
    [
        new OpError(op, "transforms [N, 6], got [2, 1, 3, 3] and [1, 6]", new Shape(2, 1, 3, 3), new Shape(1, 6)),
        new OpError(op, "takes images [N, C, H, W]", new Shape(2, 3, 3), new Shape(2, 6)),
        new OpError(op, "takes 2 inputs, got 1", new Shape(2, 1, 3, 3)),
    ];
}
