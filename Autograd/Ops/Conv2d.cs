using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>
/// y [N, K, OH, OW] = x [N, C, H, W] * w [K, C, R, S] (+ b [K]). A convolution is the trilinear form ⟨x * w, z⟩; its
/// three forms each leave out one factor, and the adjoint of each is the other two: the triangle closes.
/// </summary>
public sealed record Conv2d(Conv2dGeometry Geometry) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        if (inputs.Length != 3)
            ExpectInputs(inputs, 2);
        Triangle.Check(this, inputs, Geometry.Input, Geometry.Weight);
        if (inputs.Length > 2 && inputs[2] != new Shape(Geometry.K))
            throw new ShapeException($"Conv2d: the bias {inputs[2]} must be [{Geometry.K}], one number an output channel.");
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
        from g in Triangle.Geometries()
        from bias in new[] { false, true }
        select new OpSample(new Conv2d(g), bias ? [g.Input, g.Weight, new Shape(g.K)] : [g.Input, g.Weight])
        {
            LinearIn = bias ? [[0, 2], [1, 2]] : [[0], [1]],
            Terms = g.C * g.R * g.S,
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        .. Triangle.Errors(new Conv2d(Triangle.Small), Triangle.Small.Input, Triangle.Small.Weight),
        new OpError(
            new Conv2d(Triangle.Small), "the bias [3] must be [2]",
            Triangle.Small.Input, Triangle.Small.Weight, new Shape(3)),
    ];
}

/// <summary>dx [N, C, H, W] from dy [N, K, OH, OW] and w [K, C, R, S].</summary>
public sealed record Conv2dInputGradient(Conv2dGeometry Geometry) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        Triangle.Check(this, inputs, Geometry.Output, Geometry.Weight);
        return Geometry.Input;
    }

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
        from g in Triangle.Geometries()
        select new OpSample(new Conv2dInputGradient(g), g.Output, g.Weight)
        {
            LinearIn = [[0], [1]],
            Terms = g.K * g.R * g.S,
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        Triangle.Errors(new Conv2dInputGradient(Triangle.Small), Triangle.Small.Output, Triangle.Small.Weight);
}

/// <summary>dw [K, C, R, S] from x [N, C, H, W] and dy [N, K, OH, OW].</summary>
public sealed record Conv2dWeightGradient(Conv2dGeometry Geometry) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        Triangle.Check(this, inputs, Geometry.Input, Geometry.Output);
        return Geometry.Weight;
    }

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
        from g in Triangle.Geometries()
        select new OpSample(new Conv2dWeightGradient(g), g.Input, g.Output)
        {
            LinearIn = [[0], [1]],
            Terms = g.N * g.OutH * g.OutW,
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        Triangle.Errors(new Conv2dWeightGradient(Triangle.Small), Triangle.Small.Input, Triangle.Small.Output);
}

internal static class Triangle
{
    public static Conv2dGeometry Small { get; } = new(1, 2, 4, 4, 2, 3, 3, Stride: 1, Padding: 1);

    // Kernels 1×1, 3×3, 5×5 and one that is not square; strides 1 and 2, also with a row and a column that no window
    // of the output reaches; padding up to more than half of the kernel.
    public static IEnumerable<Conv2dGeometry> Geometries() =>
    [
        new(2, 2, 4, 5, 3, 3, 3, Stride: 1, Padding: 1),
        new(1, 2, 6, 6, 2, 3, 3, Stride: 2, Padding: 0),
        new(1, 1, 7, 6, 2, 3, 3, Stride: 2, Padding: 1),
        new(2, 3, 3, 3, 2, 1, 1, Stride: 1, Padding: 0),
        new(1, 2, 4, 4, 1, 1, 1, Stride: 2, Padding: 0),
        new(1, 1, 5, 5, 2, 5, 5, Stride: 1, Padding: 3),
        new(1, 1, 4, 5, 1, 2, 3, Stride: 1, Padding: 0),
    ];

    public static IEnumerable<OpError> Errors(Op op, Shape first, Shape second) =>
    [
        new OpError(op, $"inputs {first} and {second} were expected", first, new Shape(2, 2)),
        new OpError(op, $"inputs {first} and {second} were expected", new Shape(1, 2, 4, 3), second),
        new OpError(op, "takes 2 inputs, got 1", first),
    ];

    public static void Check(Op op, ReadOnlySpan<Shape> inputs, Shape first, Shape second)
    {
        if (inputs[0] != first || inputs[1] != second)
        {
            throw new ShapeException(
                $"{op.GetType().Name}: inputs {first} and {second} were expected, got {inputs[0]} and {inputs[1]}.");
        }
    }
}
