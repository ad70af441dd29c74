using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>The same numbers under another shape; its own adjoint.</summary>
public sealed record Reshape(Shape Shape) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => inputs[0].Count == Shape.Count
        ? Shape
        : throw new ShapeException($"Reshape: {inputs[0]} has {inputs[0].Count} elements, {Shape} has {Shape.Count}.");

    /// <inheritdoc/>
    protected override Tensor ForwardOne(ReadOnlySpan<Tensor> inputs, Shape shape) => inputs[0].Reshape(shape);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [new Reshape(at.Inputs[0].Shape).On(at.Cotangent)];
}

/// <summary>x stretched to a larger shape by NumPy's rules; the adjoint of <see cref="SumTo"/>.</summary>
public sealed record BroadcastTo(Shape Shape) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs) => Shape.BroadcastTo(inputs[0], Shape);

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.BroadcastTo(x[0], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [new SumTo(at.Inputs[0].Shape).On(at.Cotangent)];
}

/// <summary>x summed over the dimensions that the smaller shape lacks; the adjoint of <see cref="BroadcastTo"/>.</summary>
public sealed record SumTo(Shape Shape) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        Shape.BroadcastTo(Shape, inputs[0]);
        return Shape;
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) => on.SumTo(x[0], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [new BroadcastTo(at.Inputs[0].Shape).On(at.Cotangent)];
}

/// <summary>
/// A flat vector [p] cut into tensors that lie in it one after another; the outputs are views, nothing is copied. The
/// adjoint of <see cref="Concat"/>: this is how a network reads its flat parameter vector θ.
/// </summary>
public sealed record Split(IReadOnlyList<Shape> Shapes) : Op
{
    /// <inheritdoc/>
    public override Shape[] Infer(ReadOnlySpan<Shape> inputs)
    {
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
    public override Variable?[] Vjp(Application at) =>
    [
        new Concat().On([.. at.Cotangents.Select((c, i) => c ?? Variable.Constant(
            Tensor.Full(at.Inputs[0].Value.Backend, at.Inputs[0].Value.DType, Shapes[i], 0)))]),
    ];
}

/// <summary>All elements of all inputs, one after another, as a flat vector; the adjoint of <see cref="Split"/>.</summary>
public sealed record Concat : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        int total = 0;
        foreach (Shape shape in inputs)
            total += shape.Count;
        return new Shape(total);
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y)
    {
        int start = 0;
        foreach (Tensor part in x)
        {
            on.Copy(part, y.View(start, part.Shape));
            start += part.Count;
        }
    }

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
        [.. new Split([.. at.Inputs.Select(x => x.Shape)]).Apply(at.Cotangent)];
}

/// <summary>The rows (outermost slices) of x at given indices; the adjoint of <see cref="ScatterRows"/>.</summary>
public sealed record GatherRows(IReadOnlyList<int> Indices) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        RowIndices.Check(Indices, inputs[0][0], this);
        return RowIndices.WithRows(inputs[0], Indices.Count);
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.GatherRows(x[0], [.. Indices], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) =>
        [new ScatterRows(Indices, at.Inputs[0].Shape[0]).On(at.Cotangent)];
}

/// <summary>Rows added into zeros at given indices, of which there are <paramref name="Rows"/>; the adjoint of
/// <see cref="GatherRows"/>.</summary>
public sealed record ScatterRows(IReadOnlyList<int> Indices, int Rows) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        RowIndices.Check(Indices, Rows, this);
        return inputs[0][0] == Indices.Count
            ? RowIndices.WithRows(inputs[0], Rows)
            : throw new ShapeException($"ScatterRows: {inputs[0]} has {inputs[0][0]} rows, {Indices.Count} indices were given.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.ScatterRows(x[0], [.. Indices], y);

    /// <inheritdoc/>
    public override Variable?[] Vjp(Application at) => [new GatherRows(Indices).On(at.Cotangent)];
}

internal static class RowIndices
{
    public static void Check(IReadOnlyList<int> indices, int rows, Op op)
    {
        foreach (int index in indices)
        {
            if (index < 0 || index >= rows)
                throw new ShapeException($"{op.GetType().Name}: row {index} does not exist, there are {rows}.");
        }
    }

    public static Shape WithRows(Shape shape, int rows)
    {
        int[] sizes = shape.Sizes.ToArray();
        sizes[0] = rows;
        return new Shape(sizes);
    }
}
