using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [N, C, ⌊H/P⌋, ⌊W/P⌋] = the largest element of each P×P window of x, whose cotangent goes to the first of equal
/// ones; NaN spreads.</summary>
public sealed record MaxPool2d(Pool2dGeometry Geometry) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0] == Geometry.Input
            ? Geometry.Output
            : throw new ShapeException($"MaxPool2d: the input {Geometry.Input} was expected, got {inputs[0]}.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new MaxPool2dCall(Geometry, x[0], x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new MaxPool2dGradient(Geometry).On(at.Cotangent, at.Inputs[0])];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => Pooling.Geometries().Select(g =>
        new OpSample(new MaxPool2d(g), g.Input) { Accepts = numbers => Maxima.AreClear(g, numbers[0]) });

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new MaxPool2d(Pooling.Small), "the input [1, 2, 4, 4] was expected", new Shape(1, 2, 4, 5)),
        new OpError(new MaxPool2d(Pooling.Small), "takes 1 input, got 2", Pooling.Small.Input, Pooling.Small.Input),
    ];
}

/// <summary>
/// dx [N, C, H, W] from dy [N, C, ⌊H/P⌋, ⌊W/P⌋] and x: each dy at the place where its window of x is largest, zero elsewhere.
/// Linear in dy, with <see cref="MaxPool2dGather"/> as adjoint; the places do not move with x, so its derivative in x is 0.
/// </summary>
public sealed record MaxPool2dGradient(Pool2dGeometry Geometry) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        Maxima.Check(this, inputs, Geometry.Output, Geometry.Input);
        return Geometry.Input;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new MaxPool2dGradientCall(Geometry, x[1], x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [at.Needs(0) ? new MaxPool2dGather(Geometry).On(at.Cotangent, at.Inputs[1]) : null, null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => Pooling.Geometries().Select(g =>
        Maxima.Sample(new MaxPool2dGradient(g), g.Output, g));

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        Maxima.Errors(new MaxPool2dGradient(Pooling.Small), Pooling.Small.Output, Pooling.Small.Input);
}

/// <summary>
/// y [N, C, ⌊H/P⌋, ⌊W/P⌋] from v and x [N, C, H, W]: of each window the element of v where x is largest. Linear in v, with
/// <see cref="MaxPool2dGradient"/> as adjoint; the derivative in x is 0.
/// </summary>
public sealed record MaxPool2dGather(Pool2dGeometry Geometry) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        Maxima.Check(this, inputs, Geometry.Input, Geometry.Input);
        return Geometry.Output;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new MaxPool2dCall(Geometry, x[1], x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [at.Needs(0) ? new MaxPool2dGradient(Geometry).On(at.Cotangent, at.Inputs[1]) : null, null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => Pooling.Geometries().Select(g =>
        Maxima.Sample(new MaxPool2dGather(g), g.Input, g));

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
        Maxima.Errors(new MaxPool2dGather(Pooling.Small), Pooling.Small.Input, Pooling.Small.Input);
}

internal static class Maxima
{
    private const double LeastLead = 0.1;

    public static void Check(Op op, ReadOnlySpan<Shape> inputs, Shape first, Shape second)
    {
        if (inputs[0] != first || inputs[1] != second)
        {
            throw new ShapeException(
                $"{op.GetType().Name}: inputs {first} and {second} were expected, got {inputs[0]} and {inputs[1]}.");
        }
    }

    public static OpSample Sample(Op op, Shape linear, Pool2dGeometry g) =>
        new(op, linear, g.Input) { LinearIn = [[0]], Accepts = numbers => AreClear(g, numbers[1]) };

    public static IEnumerable<OpError> Errors(Op op, Shape first, Shape second) =>
    [
        new OpError(op, $"inputs {first} and {second} were expected", first, new Shape(1, 2, 4, 5)),
        new OpError(op, $"inputs {first} and {second} were expected", new Shape(1, 2, 3, 4), second),
        new OpError(op, "takes 2 inputs, got 1", first),
    ];

    /// <summary>Whether the largest element of each window of x is well above the others: no small step moves it.</summary>
    public static bool AreClear(Pool2dGeometry g, double[] x)
    {
        for (int plane = 0; plane < g.N * g.C; plane++)
        for (int h = 0; h < g.OutH; h++)
        for (int w = 0; w < g.OutW; w++)
        {
            double[] window =
            [
                .. from i in Enumerable.Range(h * g.Window, g.Window)
                   from j in Enumerable.Range(w * g.Window, g.Window)
                   let value = x[(plane * g.H + i) * g.W + j]
                   orderby value descending
                   select value,
            ];
            if (window.Length > 1 && window[0] - window[1] < LeastLead)
                return false;
        }
        return true;
    }
}
