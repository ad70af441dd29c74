using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>The places start … start + count − 1 of x along one axis; the adjoint of <see cref="Pad"/>.</summary>
[Formula("y = the places s … s + n − 1 of x along one axis", "x̄ = Pad(ȳ)")]
public sealed record Slice(int Axis, int Start, int Count) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return SliceGeometry.Infer(inputs[0], Axis, Start, Count).Part;
    }

    /// <inheritdoc/>
    // A slice that is one piece of memory is a view of it.
    protected override Tensor ForwardOne(ReadOnlySpan<Tensor> inputs, Shape shape)
    {
        SliceGeometry geometry = SliceGeometry.Infer(inputs[0].Shape, Axis, Start, Count);
        if (geometry.Pieces == 1)
            return inputs[0].View(geometry.Offset, shape);
        Tensor y = inputs[0].Backend.Empty(shape, inputs[0].DType);
        inputs[0].Backend.Run(new SliceCall(inputs[0], geometry, y));
        return y;
    }

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new Pad(Axis, Start, at.Inputs[0].Shape[Axis]).On(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new Slice(0, 1, 2), new Shape(4, 3)),
        OpSample.Linear(new Slice(1, 2, 1), new Shape(2, 3)),
        OpSample.Linear(new Slice(1, 1, 2), new Shape(3, 4, 2)),
        OpSample.Linear(new Slice(2, 0, 3), new Shape(2, 2, 3)),
        OpSample.Linear(new Slice(1, 1, 0), new Shape(2, 2)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new Slice(1, 2, 2), "A slice of 2 from place 2 leaves axis 1 of [2, 3], which has 3", new Shape(2, 3)),
        new OpError(new Slice(2, 0, 1), "has no axis 2: its axes are 0 to 1", new Shape(2, 3)),
        new OpError(new Slice(0, 0, 1), "takes 1 input, got 2", new Shape(2), new Shape(2)),
    ];
}

/// <summary>x at place start of an axis that has size places, with zeros around it; the adjoint of
/// <see cref="Slice"/>.</summary>
[Formula("y = x with zeros around it along one axis", "x̄ = Slice(ȳ)")]
public sealed record Pad(int Axis, int Start, int Size) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        if (Axis < 0 || Axis >= inputs[0].Rank)
            throw new ShapeException($"Pad: the shape {inputs[0]} has no axis {Axis}.");
        Shape whole = SliceGeometry.WithSize(inputs[0], Axis, Size);
        return SliceGeometry.Infer(whole, Axis, Start, inputs[0][Axis]).Whole;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y)
    {
        on.Fill(y, 0);
        on.Run(new PutSliceCall(x[0], SliceGeometry.Infer(y.Shape, Axis, Start, x[0].Shape[Axis]), y));
    }

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new Slice(Axis, Start, at.Inputs[0].Shape[Axis]).On(at.Cotangent)];

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new Pad(0, 1, 4), new Shape(2, 3)),
        OpSample.Linear(new Pad(1, 0, 3), new Shape(3, 2, 2)),
        OpSample.Linear(new Pad(0, 2, 3), new Shape(0)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new Pad(0, 2, 3), "A slice of 2 from place 2 leaves axis 0 of [3]", new Shape(2)),
        new OpError(new Pad(1, 0, 3), "has no axis 1", new Shape(2)),
        new OpError(new Pad(0, 0, 1), "takes 1 input, got 0"),
    ];
}

/// <summary>The inputs one behind the other along one axis; their other sizes are equal.</summary>
[Formula("y = x₁, x₂, … one behind the other along one axis", "x̄ᵢ = Slice(ȳ) at the place of xᵢ")]
public sealed record ConcatAlong(int Axis) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        if (inputs.IsEmpty)
            throw new ShapeException("ConcatAlong takes at least 1 input, got 0.");
        if (Axis < 0 || Axis >= inputs[0].Rank)
            throw new ShapeException($"ConcatAlong: the shape {inputs[0]} has no axis {Axis}.");
        int total = 0;
        foreach (Shape shape in inputs)
        {
            if (shape.Rank != inputs[0].Rank
                || SliceGeometry.WithSize(shape, Axis, 0) != SliceGeometry.WithSize(inputs[0], Axis, 0))
            {
                throw new ShapeException(
                    $"ConcatAlong: {inputs[0]} and {shape} differ in another axis than {Axis}. Only that one may differ.");
            }
            total = checked(total + shape[Axis]);
        }
        return SliceGeometry.WithSize(inputs[0], Axis, total);
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y)
    {
        int start = 0;
        foreach (Tensor part in x)
        {
            int count = part.Shape[Axis];
            on.Run(new PutSliceCall(part, SliceGeometry.Infer(y.Shape, Axis, start, count), y));
            start += count;
        }
    }

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at)
    {
        var result = new Variable?[at.Inputs.Length];
        for (int i = 0, start = 0; i < result.Length; start += at.Inputs[i++].Shape[Axis])
            result[i] = at.Needs(i) ? new Slice(Axis, start, at.Inputs[i].Shape[Axis]).On(at.Cotangent) : null;
        return result;
    }

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new ConcatAlong(0), new Shape(2, 3), new Shape(1, 3)),
        OpSample.Linear(new ConcatAlong(1), new Shape(2, 1), new Shape(2, 3), new Shape(2, 0)),
        OpSample.Linear(new ConcatAlong(1), new Shape(2, 2, 3), new Shape(2, 1, 3)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new ConcatAlong(0), "takes at least 1 input"),
        new OpError(new ConcatAlong(1), "has no axis 1", new Shape(2)),
        new OpError(new ConcatAlong(1), "[2, 3] and [1, 3] differ in another axis than 1", new Shape(2, 3), new Shape(1, 3)),
    ];
}
