using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>A function applied to each pair of elements of two equal shapes.</summary>
public abstract record ZipOp<F> : SingleOutputOp where F : struct, IBinaryFunction
{
    /// <inheritdoc/>
    protected sealed override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        return inputs[0] == inputs[1]
            ? inputs[0]
            : throw new ShapeException($"{this}: the shapes {inputs[0]} and {inputs[1]} differ. Broadcast one first.");
    }

    /// <inheritdoc/>
    protected sealed override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.Zip<F>(x[0], x[1], y);
}

/// <summary>y = a + b.</summary>
public sealed record Add : ZipOp<AddFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent, at.Cotangent];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PairSamples.On(new Add(), [0, 1]);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => PairSamples.Unequal(new Add());
}

/// <summary>y = a − b.</summary>
public sealed record Subtract : ZipOp<SubtractFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [at.Cotangent, at.Needs(1) ? -at.Cotangent : null];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PairSamples.On(new Subtract(), [0, 1]);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => PairSamples.Unequal(new Subtract());
}

/// <summary>y = a·b.</summary>
public sealed record Multiply : ZipOp<MultiplyFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
    [
        at.Needs(0) ? at.Cotangent * at.Inputs[1] : null,
        at.Needs(1) ? at.Cotangent * at.Inputs[0] : null,
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PairSamples.On(new Multiply(), [0], [1]);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => PairSamples.Unequal(new Multiply());
}

/// <summary>y = a·b, but 0 where a is 0 and b is ±∞: a weight of 0 counts nothing of log 0, in the derivatives,
/// too.</summary>
public sealed record WeightOfLog : ZipOp<WeightOfLogFunction>, IOpSamples
{
    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
    [
        at.Needs(0) ? new WeightOfLog().On(at.Cotangent, at.Inputs[1]) : null,
        at.Needs(1) ? new WeightOfLog().On(at.Inputs[0], at.Cotangent) : null,
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PairSamples.On(new WeightOfLog(), [0], [1]);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => PairSamples.Unequal(new WeightOfLog());
}

/// <summary>y = a/b.</summary>
public sealed record Divide : ZipOp<DivideFunction>, IOpSamples
{
    /// <inheritdoc/>
    // ȳ given, y = a/b:  ā = ȳ/b,  b̄ = −ȳ·y/b.
    public override Variable?[] Vjp(Node at) =>
    [
        at.Needs(0) ? at.Cotangent / at.Inputs[1] : null,
        at.Needs(1) ? -at.Cotangent * at.Outputs[0] / at.Inputs[1] : null,
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() => PairSamples.On(new Divide(), [0]);

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() => PairSamples.Unequal(new Divide());
}

internal static class PairSamples
{
    // The second input stays away from 0, where a quotient has its pole.
    public static IEnumerable<OpSample> On(Op op, params int[][] linearIn) =>
        new[] { Shape.Scalar, new Shape(0, 3), new Shape(2, 3), new Shape(19) }.Select(shape =>
            new OpSample(op, shape, new SampleInput(shape, KinkAt: 0, Margin: 0.4)) { LinearIn = linearIn });

    public static IEnumerable<OpError> Unequal(Op op) =>
    [
        new OpError(op, "the shapes [2, 3] and [3] differ", new Shape(2, 3), new Shape(3)),
        new OpError(op, "takes 2 inputs, got 1", new Shape(2)),
    ];
}
