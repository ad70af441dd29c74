using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// y [N, K, OH, OW] = x [N, C, H, W] * w [K, C, R, S] (+ b [K]). A convolution is the trilinear form ⟨x * w, z⟩; its
/// three forms each leave out one factor, and the adjoint of each is the other two: the triangle closes.
/// </summary>
[Formula(
    "y = x ∗ w + b: x [N, C, H, W], w [K, C, R, S], b [K]",
    "x̄ = Conv2dInputGradient(ȳ, w), w̄ = Conv2dWeightGradient(x, ȳ), b̄ₖ = Σ ȳ over n, h, w")]
public sealed record Conv2d(Conv2dGeometry Geometry) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        if (inputs.Length != 3)
            ExpectInputs(inputs, 2);
        FixedShapeOp.Expect(this, inputs, Geometry.Input, Geometry.Weight);
        if (inputs.Length > 2 && inputs[2] != new Shape(Geometry.K))
        {
            throw new ShapeException(
                $"Conv2d: the bias {inputs[2]} must be [{Geometry.K}], one number an output channel.");
        }
        return Geometry.Output;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new Conv2dCall(Geometry, x[0], x[1], x.Length > 2 ? x[2] : null, y));

    /// <inheritdoc/>
    // y = x * w + b, ȳ given:  x̄ = InputGradient(ȳ, w),  w̄ = WeightGradient(x, ȳ),  b̄_k = Σ over n, h, w of ȳ.
    public override Variable?[] Vjp(Node at)
    {
        var result = new Variable?[at.Inputs.Length];
        if (at.Needs(0))
            result[0] = new Conv2dInputGradient(Geometry).On(at.Cotangent, at.Inputs[1]);
        if (at.Needs(1))
            result[1] = new Conv2dWeightGradient(Geometry).On(at.Inputs[0], at.Cotangent);
        if (result.Length > 2 && at.Needs(2))
            result[2] = new SumTo(new Shape(1, Geometry.K, 1, 1)).On(at.Cotangent).Reshape(new Shape(Geometry.K));
        return result;
    }

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        from g in ConvSamples.Geometries()
        from bias in new[] { false, true }
        select new OpSample(new Conv2d(g), bias ? [g.Input, g.Weight, new Shape(g.K)] : [g.Input, g.Weight])
        {
            LinearIn = bias ? [[0, 2], [1, 2]] : [[0], [1]],
            Terms = g.C * g.R * g.S,
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(
            new Conv2d(ConvSamples.Small), "inputs [1, 2, 4, 4] and [2, 2, 3, 3] were expected",
            ConvSamples.Small.Input, new Shape(2, 2)),
        new OpError(
            new Conv2d(ConvSamples.Small), "inputs [1, 2, 4, 4] and [2, 2, 3, 3] were expected",
            new Shape(1, 2, 4, 3), ConvSamples.Small.Weight),
        new OpError(new Conv2d(ConvSamples.Small), "takes 2 inputs, got 1", ConvSamples.Small.Input),
        new OpError(
            new Conv2d(ConvSamples.Small), "the bias [3] must be [2]",
            ConvSamples.Small.Input, ConvSamples.Small.Weight, new Shape(3)),
    ];
}

/// <summary>dx [N, C, H, W] from dy [N, K, OH, OW] and w [K, C, R, S].</summary>
[Formula("y = ∇ₓ⟨x ∗ w, z⟩ for z [N, K, OH, OW]", "z̄ = Conv2d(ȳ, w), w̄ = Conv2dWeightGradient(ȳ, z)")]
public sealed record Conv2dInputGradient(Conv2dGeometry Geometry) : FixedShapeOp, IOpSamples
{
    /// <inheritdoc/>
    protected internal override Shape[] InputShapes() => [Geometry.Output, Geometry.Weight];

    /// <inheritdoc/>
    protected override Shape OutputShape() => Geometry.Input;

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new Conv2dInputGradientCall(Geometry, x[0], x[1], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
    [
        at.Needs(0) ? new Conv2d(Geometry).On(at.Cotangent, at.Inputs[1]) : null,
        at.Needs(1) ? new Conv2dWeightGradient(Geometry).On(at.Cotangent, at.Inputs[0]) : null,
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        from g in ConvSamples.Geometries()
        select new OpSample(new Conv2dInputGradient(g), g.Output, g.Weight)
        {
            LinearIn = [[0], [1]],
            Terms = g.K * g.R * g.S,
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        FixedShapeErrors.Of(new Conv2dInputGradient(ConvSamples.Small));
}

/// <summary>dw [K, C, R, S] from x [N, C, H, W] and dy [N, K, OH, OW].</summary>
[Formula("y = ∇_w⟨x ∗ w, z⟩ for z [N, K, OH, OW]", "x̄ = Conv2dInputGradient(z, ȳ), z̄ = Conv2d(x, ȳ)")]
public sealed record Conv2dWeightGradient(Conv2dGeometry Geometry) : FixedShapeOp, IOpSamples
{
    /// <inheritdoc/>
    protected internal override Shape[] InputShapes() => [Geometry.Input, Geometry.Output];

    /// <inheritdoc/>
    protected override Shape OutputShape() => Geometry.Weight;

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new Conv2dWeightGradientCall(Geometry, x[0], x[1], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
    [
        at.Needs(0) ? new Conv2dInputGradient(Geometry).On(at.Inputs[1], at.Cotangent) : null,
        at.Needs(1) ? new Conv2d(Geometry).On(at.Inputs[0], at.Cotangent) : null,
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        from g in ConvSamples.Geometries()
        select new OpSample(new Conv2dWeightGradient(g), g.Input, g.Output)
        {
            LinearIn = [[0], [1]],
            Terms = g.N * g.OutH * g.OutW,
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        FixedShapeErrors.Of(new Conv2dWeightGradient(ConvSamples.Small));
}
