using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [N, C, ⌊H/P⌋, ⌊W/P⌋] = the largest element of each P×P window of x, whose cotangent goes to the first of
/// equal ones; NaN spreads.</summary>
[Formula("y = the largest of each P×P window of x", "x̄ = MaxPool2dGradient(ȳ, x)")]
public sealed record MaxPool2d(Pool2dGeometry Geometry) : FixedShapeOp, IOpSamples
{
    /// <inheritdoc/>
    protected internal override Shape[] InputShapes() => [Geometry.Input];

    /// <inheritdoc/>
    protected override Shape OutputShape() => Geometry.Output;

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new MaxPool2dCall(Geometry, x[0], x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new MaxPool2dGradient(Geometry).On(at.Cotangent, at.Inputs[0])];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PoolSamples.Geometries().Select(g =>
        new OpSample(new MaxPool2d(g), g.Input) { Accepts = numbers => PoolSamples.HasClearMaxima(g, numbers[0]) });

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => FixedShapeErrors.Of(new MaxPool2d(PoolSamples.Small));
}

/// <summary>
/// dx [N, C, H, W] from dy [N, C, ⌊H/P⌋, ⌊W/P⌋] and x: each dy at the place where its window of x is largest, zero
/// elsewhere. Linear in dy, with <see cref="MaxPool2dGather"/> as adjoint; the places do not move with x, so its
/// derivative in x is 0.
/// </summary>
[Formula("y = z at the place where its window of x is largest, else 0", "z̄ = MaxPool2dGather(ȳ, x), x̄ = 0")]
public sealed record MaxPool2dGradient(Pool2dGeometry Geometry) : FixedShapeOp, IOpSamples
{
    /// <inheritdoc/>
    protected internal override Shape[] InputShapes() => [Geometry.Output, Geometry.Input];

    /// <inheritdoc/>
    protected override Shape OutputShape() => Geometry.Input;

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new MaxPool2dGradientCall(Geometry, x[1], x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [at.Needs(0) ? new MaxPool2dGather(Geometry).On(at.Cotangent, at.Inputs[1]) : null, null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PoolSamples.Geometries().Select(g =>
        PoolSamples.AlongMaxima(new MaxPool2dGradient(g), g.Output, g));

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        FixedShapeErrors.Of(new MaxPool2dGradient(PoolSamples.Small));
}

/// <summary>
/// y [N, C, ⌊H/P⌋, ⌊W/P⌋] from v and x [N, C, H, W]: of each window the element of v where x is largest. Linear in v,
/// with <see cref="MaxPool2dGradient"/> as adjoint; the derivative in x is 0.
/// </summary>
[Formula("y = of each window the element of v where x is largest", "v̄ = MaxPool2dGradient(ȳ, x), x̄ = 0")]
public sealed record MaxPool2dGather(Pool2dGeometry Geometry) : FixedShapeOp, IOpSamples
{
    /// <inheritdoc/>
    protected internal override Shape[] InputShapes() => [Geometry.Input, Geometry.Input];

    /// <inheritdoc/>
    protected override Shape OutputShape() => Geometry.Output;

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new MaxPool2dCall(Geometry, x[1], x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [at.Needs(0) ? new MaxPool2dGradient(Geometry).On(at.Cotangent, at.Inputs[1]) : null, null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PoolSamples.Geometries().Select(g =>
        PoolSamples.AlongMaxima(new MaxPool2dGather(g), g.Input, g));

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        FixedShapeErrors.Of(new MaxPool2dGather(PoolSamples.Small));
}
