using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>The same numbers under another shape; its own adjoint.</summary>
[Formula("y = x under another shape", "x̄ = ȳ under the shape of x")]
public sealed record Reshape(Shape Shape) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0].Count == Shape.Count
            ? Shape
            : throw new ShapeException(
                $"Reshape: {inputs[0]} has {inputs[0].Count} elements, {Shape} has {Shape.Count}.");
    }

    /// <inheritdoc/>
    protected override Tensor ForwardOne(ReadOnlySpan<Tensor> inputs, Shape shape) => inputs[0].Reshape(shape);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new Reshape(at.Inputs[0].Shape).On(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new Reshape(new Shape(3, 2)), new Shape(6)),
        OpSample.Linear(new Reshape(new Shape(2, 3)), new Shape(3, 1, 2)),
        OpSample.Linear(new Reshape(Shape.Scalar), new Shape(1, 1)),
        OpSample.Linear(new Reshape(new Shape(1)), Shape.Scalar),
        OpSample.Linear(new Reshape(new Shape(0)), new Shape(2, 0)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new Reshape(new Shape(2, 2)), "[6] has 6 elements, [2, 2] has 4", new Shape(6)),
        new OpError(new Reshape(new Shape(2)), "takes 1 input, got 2", new Shape(2), new Shape(2)),
    ];
}

/// <summary>x stretched to a larger shape by NumPy's rules; the adjoint of <see cref="SumTo"/>.</summary>
[Formula("y = x stretched to a larger shape", "x̄ = SumTo(ȳ)")]
public sealed record BroadcastTo(Shape Shape) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return Shape.BroadcastTo(inputs[0], Shape);
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new BroadcastToCall(x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new SumTo(at.Inputs[0].Shape).On(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        Stretching.Pairs().Select(pair => OpSample.Linear(new BroadcastTo(pair.Large), pair.Small));

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new BroadcastTo(new Shape(2, 3)), "[2] and [2, 3] do not broadcast", new Shape(2)),
        new OpError(new BroadcastTo(new Shape(3)), "[2, 3] cannot be broadcast to [3]", new Shape(2, 3)),
        new OpError(new BroadcastTo(new Shape(1, 3)), "[2, 3] cannot be broadcast to [1, 3]", new Shape(2, 3)),
        new OpError(new BroadcastTo(new Shape(3)), "takes 1 input, got 2", new Shape(3), new Shape(3)),
    ];
}

/// <summary>x summed over the dimensions that the smaller shape lacks; the adjoint of
/// <see cref="BroadcastTo"/>.</summary>
[Formula("y = x summed over the dimensions that the smaller shape lacks", "x̄ = BroadcastTo(ȳ)")]
public sealed record SumTo(Shape Shape) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        Shape.BroadcastTo(Shape, inputs[0]);
        return Shape;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Run(new SumToCall(x[0], y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new BroadcastTo(at.Inputs[0].Shape).On(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => Stretching.Pairs().Select(pair =>
        OpSample.Linear(new SumTo(pair.Small), pair.Large) with { Terms = pair.Large.Count });

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new SumTo(new Shape(2)), "[2] and [2, 3] do not broadcast", new Shape(2, 3)),
        new OpError(new SumTo(new Shape(2, 3)), "[2, 3] cannot be broadcast to [3]", new Shape(3)),
        new OpError(new SumTo(Shape.Scalar), "takes 1 input, got 0"),
    ];
}

/// <summary>
/// A flat vector [p] cut into tensors that lie in it one after another; the outputs are views, nothing is copied. The
/// adjoint of <see cref="Concat"/>: this is how a network reads its flat parameter vector θ.
/// </summary>
[Formula("(y₁, y₂, …) = the vector x cut into tensors", "x̄ = Concat(ȳ₁, ȳ₂, …)")]
public sealed record Split(IReadOnlyList<Shape> Shapes) : Op, IOpSamples
{
    /// <summary>The shapes of the outputs; a copy, so that a later change of the list changes nothing here.</summary>
    public IReadOnlyList<Shape> Shapes { get; } = [.. Shapes];

    /// <inheritdoc/>
    public override Shape[] Infer(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        int total = Shapes.Sum(s => s.Count);
        return inputs[0].Rank == 1 && inputs[0].Count == total
            ? [.. Shapes]
            : throw new ShapeException($"Split: a vector of {total} elements was expected, got {inputs[0]}.");
    }

    /// <inheritdoc/>
    public override Tensor[] Forward(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Shape> outputs)
    {
        var views = new Tensor[outputs.Length];
        for (int i = 0, start = 0; i < views.Length; start += outputs[i++].Count)
            views[i] = inputs[0].View(start, outputs[i]);
        return views;
    }

    /// <inheritdoc/>
    // Parts that nothing was made of have no cotangent: zeros stand in their place.
    public override Variable?[] Vjp(Node at) =>
    [
        new Concat().On([.. at.Cotangents.Select((c, i) => c ?? Variable.Constant(
            Tensor.Full(at.Inputs[0].Value.Backend, at.Inputs[0].Value.DType, Shapes[i], 0)))]),
    ];

    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder builder) => builder.AppendJoin(", ", Shapes).Length > 0;

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new Split([new Shape(2, 3), Shape.Scalar, new Shape(4)]), new Shape(11)),
        OpSample.Linear(new Split([new Shape(3)]), new Shape(3)),
        OpSample.Linear(new Split([new Shape(2, 0), new Shape(1, 2)]), new Shape(2)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(
            new Split([new Shape(2), new Shape(3)]), "a vector of 5 elements was expected, got [6]", new Shape(6)),
        new OpError(new Split([new Shape(2, 2)]), "a vector of 4 elements was expected, got [2, 2]", new Shape(2, 2)),
        new OpError(new Split([new Shape(2)]), "takes 1 input, got 2", new Shape(2), new Shape(2)),
    ];
}

/// <summary>All elements of all inputs, one after another, as a flat vector; the adjoint of
/// <see cref="Split"/>.</summary>
[Formula("y = x₁, x₂, … one behind the other, as a vector", "(x̄₁, x̄₂, …) = Split(ȳ)")]
public sealed record Concat : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        if (inputs.IsEmpty)
            throw new ShapeException("Concat takes at least 1 input, got 0.");
        int total = 0;
        foreach (Shape shape in inputs)
            total = checked(total + shape.Count);
        return new Shape(total);
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Concat(x, y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [.. new Split([.. at.Inputs.Select(x => x.Shape)]).Apply(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new Concat(), new Shape(2, 3), Shape.Scalar, new Shape(4)),
        OpSample.Linear(new Concat(), new Shape(2, 2)),
        OpSample.Linear(
            new Concat(),
            [.. Enumerable.Range(0, 19).Select(i => SampleInput.FromShape(new Shape(i % 4)))]),
        OpSample.Linear(new Concat(), new Shape(0), new Shape(3), new Shape(2, 0)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => [new OpError(new Concat(), "takes at least 1 input")];
}

internal static class Stretching
{
    // Scalars, missing dimensions, inner, outer and middle ones, several at once, none, and an empty result.
    public static IEnumerable<(Shape Small, Shape Large)> Pairs() =>
    [
        (Shape.Scalar, new Shape(2, 3)),
        (Shape.Scalar, Shape.Scalar),
        (new Shape(3), new Shape(2, 3)),
        (new Shape(2, 1), new Shape(2, 3)),
        (new Shape(1, 3, 1), new Shape(2, 3, 4)),
        (new Shape(3, 1), new Shape(2, 3, 4)),
        (new Shape(2, 1, 2, 1), new Shape(2, 3, 2, 2)),
        (new Shape(1), new Shape(37)),
        (new Shape(1, 1), new Shape(3, 1)),
        (new Shape(2, 3), new Shape(2, 3)),
        (new Shape(1, 3), new Shape(0, 3)),
    ];
}
