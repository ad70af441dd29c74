using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [N, C, ⌊H/P⌋, ⌊W/P⌋] = the mean of each P×P window; the adjoint of
/// <see cref="AvgPool2dGradient"/>.</summary>
[Formula("y = the mean of each P×P window of x", "x̄ = AvgPool2dGradient(ȳ)")]
public sealed record AvgPool2d(Pool2dGeometry Geometry) : FixedShapeOp, IOpSamples
{
    /// <inheritdoc/>
    protected internal override Shape[] InputShapes() => [Geometry.Input];

    /// <inheritdoc/>
    protected override Shape OutputShape() => Geometry.Output;

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new AvgPool2dCall(Geometry, x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new AvgPool2dGradient(Geometry).On(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PoolSamples.Geometries().Select(g =>
        OpSample.Linear(new AvgPool2d(g), g.Input) with { Terms = g.Window * g.Window });

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        FixedShapeErrors.Of(new AvgPool2d(PoolSamples.Small));
}

/// <summary>Each element spread evenly over its window: the adjoint of <see cref="AvgPool2d"/>.</summary>
[Formula("y = x/P² all over its P×P window", "x̄ = AvgPool2d(ȳ)")]
public sealed record AvgPool2dGradient(Pool2dGeometry Geometry) : FixedShapeOp, IOpSamples
{
    /// <inheritdoc/>
    protected internal override Shape[] InputShapes() => [Geometry.Output];

    /// <inheritdoc/>
    protected override Shape OutputShape() => Geometry.Input;

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new AvgPool2dGradientCall(Geometry, x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new AvgPool2d(Geometry).On(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        PoolSamples.Geometries().Select(g => OpSample.Linear(new AvgPool2dGradient(g), g.Output));

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        FixedShapeErrors.Of(new AvgPool2dGradient(PoolSamples.Small));
}
