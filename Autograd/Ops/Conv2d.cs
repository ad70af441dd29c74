using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// y [N, K, OH, OW] = x [N, C, H, W] * w [K, C, R, S] (+ b [K]). A convolution is the trilinear form ⟨x * w, z⟩; its
/// three forms each leave out one factor, and the adjoint of each is the other two: the triangle closes.
/// </summary>
public sealed record Conv2d(Conv2dGeometry Geometry) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        Triangle.Check(this, inputs, Geometry.Input, Geometry.Weight);
        if (inputs.Length > 2 && inputs[2] != new Shape(Geometry.K))
            throw new ShapeException($"Conv2d: the bias {inputs[2]} must be [{Geometry.K}], one number an output channel.");
        return Geometry.Output;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Conv2d(Geometry, x[0], x[1], x.Length > 2 ? x[2] : null, y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at)
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
}

/// <summary>dx [N, C, H, W] from dy [N, K, OH, OW] and w [K, C, R, S].</summary>
public sealed record Conv2dInputGradient(Conv2dGeometry Geometry) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        Triangle.Check(this, inputs, Geometry.Output, Geometry.Weight);
        return Geometry.Input;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Conv2dInputGradient(Geometry, x[0], x[1], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
    [
        at.Needs(0) ? new Conv2d(Geometry).On(at.Cotangent, at.Inputs[1]) : null,
        at.Needs(1) ? new Conv2dWeightGradient(Geometry).On(at.Cotangent, at.Inputs[0]) : null,
    ];
}

/// <summary>dw [K, C, R, S] from x [N, C, H, W] and dy [N, K, OH, OW].</summary>
public sealed record Conv2dWeightGradient(Conv2dGeometry Geometry) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        Triangle.Check(this, inputs, Geometry.Input, Geometry.Output);
        return Geometry.Weight;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Conv2dWeightGradient(Geometry, x[0], x[1], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
    [
        at.Needs(0) ? new Conv2dInputGradient(Geometry).On(at.Inputs[1], at.Cotangent) : null,
        at.Needs(1) ? new Conv2d(Geometry).On(at.Inputs[0], at.Cotangent) : null,
    ];
}

internal static class Triangle
{
    public static void Check(Op op, ReadOnlySpan<Shape> inputs, Shape first, Shape second)
    {
        if (inputs[0] != first || inputs[1] != second)
        {
            throw new ShapeException(
                $"{op.GetType().Name}: inputs {first} and {second} were expected, got {inputs[0]} and {inputs[1]}.");
        }
    }
}
