using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [N, C, ⌊H/P⌋, ⌊W/P⌋] = the mean of each P×P window; the adjoint of <see cref="AvgPool2dGradient"/>.</summary>
public sealed record AvgPool2d(Pool2dGeometry Geometry) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0] == Geometry.Input
        ? Geometry.Output
        : throw new ShapeException($"AvgPool2d: the input {Geometry.Input} was expected, got {inputs[0]}.");

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.AvgPool2d(Geometry, x[0], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [new AvgPool2dGradient(Geometry).On(at.Cotangent)];
}

/// <summary>Each element spread evenly over its window: the adjoint of <see cref="AvgPool2d"/>.</summary>
public sealed record AvgPool2dGradient(Pool2dGeometry Geometry) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0] == Geometry.Output
        ? Geometry.Input
        : throw new ShapeException($"AvgPool2dGradient: the input {Geometry.Output} was expected, got {inputs[0]}.");

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.AvgPool2dGradient(Geometry, x[0], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [new AvgPool2d(Geometry).On(at.Cotangent)];
}

/// <summary>
/// Instance norm, ReLU and average pooling in one pass: inputs x [N, C, H, W], γ [C], β [C]. Between two convolutions
/// these three move eight times the memory that they need when each is an operation of its own.
/// </summary>
public sealed record NormReluPool(Pool2dGeometry Geometry, double Epsilon) : FusedOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        var channels = new Shape(Geometry.C);
        return inputs[0] == Geometry.Input && inputs[1] == channels && inputs[2] == channels
            ? Geometry.Output
            : throw new ShapeException(
                $"NormReluPool: {Geometry.Input}, {channels} and {channels} were expected, got {inputs[0]}, {inputs[1]} and {inputs[2]}.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.NormReluPool(Geometry, Epsilon, x[0], x[1], x[2], y);

    /// <inheritdoc/>
    public override Variable Compose(ReadOnlySpan<Variable> inputs) =>
        inputs[0].InstanceNorm(inputs[1], inputs[2], Epsilon).Relu().AvgPool2d(Geometry.Window);

    /// <inheritdoc/>
    protected override Tensor?[] FirstOrder(Application at)
    {
        Tensor x = at.Inputs[0].Value, gamma = at.Inputs[1].Value, beta = at.Inputs[2].Value;
        Tensor?[] result = [.. at.Inputs.Select((v, i) => at.Needs(i) ? x.Backend.Empty(v.Shape, x.DType) : null)];
        x.Backend.NormReluPoolGradient(
            Geometry, Epsilon, x, gamma, beta, at.Cotangent.Value, result[0], result[1], result[2]);
        return result;
    }
}
