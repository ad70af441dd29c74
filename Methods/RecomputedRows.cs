using System.Text;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// y [N, ..Row] = f(x) row by row, with a graph that is not kept: the derivative computes f again, one row at a time on each thread.
/// So a large network between x and y needs the memory of single rows (gradient checkpointing; Chen et al., 2016). f maps [1, ..] to as
/// many numbers as a row of y has, and computes the same each time. It cannot be captured: its rows run side by side.
/// </summary>
/// <param name="Function">f; differentiable as often as y is to be.</param>
/// <param name="Row">The shape of a row of y.</param>
public sealed record RecomputedRows(Func<Variable, Variable> Function, Shape Row) : SingleOutputOp
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        return inputs[0].Rank > 0 && inputs[0][0] > 0
            ? new Shape([inputs[0][0], .. Row.Sizes])
            : throw new ShapeException($"RecomputedRows takes rows, got {inputs[0]}.");
    }

    /// <inheritdoc/>
    protected override Tensor ForwardOne(ReadOnlySpan<Tensor> inputs, Shape shape)
    {
        using IDisposable off = Recording.Off();
        Tensor x = inputs[0];
        return ByRow(x, i => Of(Variable.Constant(RowOf(x, i))).Value);
    }

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at)
    {
        Variable x = at.Inputs[0], cotangent = at.Cotangent;
        if (!Recording.IsOn)
            return [Variable.Constant(Pullback(x, cotangent))];
        Variable y = Functional.Concat(0, [.. Enumerable.Range(0, x.Shape[0]).Select(i => Of(x.Slice(0, i..(i + 1))))]);
        return [Gradient.Of(y, x, cotangent, createGraph: true)];
    }

    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder builder) => builder.Append($"row {Row}").Length > 0;

    private static Shape ShapeOfRow(Tensor x) => new([1, .. x.Shape.Sizes[1..]]);

    private static Tensor RowOf(Tensor x, int row) => x.View(row * (x.Count / x.Shape[0]), ShapeOfRow(x));

    // Numbers only: nothing is recorded, so no graph leads to them.
    private Tensor Pullback(Variable x, Variable cotangent) => ByRow(x.Value, i =>
    {
        using IDisposable on = Recording.On();
        Variable leaf = Variable.Leaf(RowOf(x.Value, i));
        return Gradient.Of(Of(leaf), leaf, Variable.Constant(RowOf(cotangent.Value, i))).Value;
    });

    // f of a row as a row of y.
    private Variable Of(Variable row)
    {
        Variable y = Function(row);
        return y.Shape.Count == Row.Count
            ? y.Reshape(new Shape([1, .. Row.Sizes]))
            : throw new ShapeException($"{this}: the function made {y.Shape} of {row.Shape}, expected {Row.Count} numbers.");
    }

    private static Tensor ByRow(Tensor x, Func<int, Tensor> row)
    {
        using var scope = TensorScope.Begin();
        // A function may return its argument, which is not its own.
        Tensor[][] rows = scope.InParallel(x.Backend, x.Shape[0], i => [row(i).Clone()]);
        using IDisposable off = Recording.Off();
        return scope.Keep(Functional.Concat(0, [.. rows.Select(r => Variable.Constant(r[0]))]).Value);
    }
}
