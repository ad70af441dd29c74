using System.Globalization;
using System.Text;
using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>The rows (outermost slices) of x at given indices; the adjoint of <see cref="ScatterRows"/>.</summary>
[Formula("y = the rows of x at the indices i", "x̄ = ScatterRows(ȳ, i)")]
public sealed record GatherRows(IReadOnlyList<int> Indices) : SingleOutputOp, IOpSamples
{
    private readonly int[] _indices = [.. Indices];

    /// <summary>The rows; a copy, so that a later change of the list changes nothing here.</summary>
    public IReadOnlyList<int> Indices => _indices;

    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        RowIndices.Check(_indices, RowIndices.Rows(inputs[0], this), this);
        return RowIndices.WithRows(inputs[0], Indices.Count);
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new GatherRowsCall(x[0], _indices, y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) =>
        [new ScatterRows(Indices, at.Inputs[0].Shape[0]).On(at.Cotangent)];

    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder builder) =>
        builder.Append(RowIndices.Text(Indices)).Length > 0;

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new GatherRows([2, 0, 2, 1]), new Shape(3, 2)),
        OpSample.Linear(new GatherRows([1, 1, 1]), new Shape(2)),
        OpSample.Linear(new GatherRows([3]), new Shape(4, 2, 1, 3)),
        OpSample.Linear(new GatherRows([]), new Shape(2, 3)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new GatherRows([0, 3]), "row 3 does not exist, there are 3", new Shape(3, 2)),
        new OpError(new GatherRows([-1]), "row -1 does not exist", new Shape(3, 2)),
        new OpError(new GatherRows([0]), "takes rows, got a scalar", Shape.Scalar),
        new OpError(new GatherRows([0]), "takes 1 input, got 2", new Shape(2), new Shape(2)),
    ];
}

/// <summary>Rows added into zeros at given indices, of which there are <paramref name="Rows"/>; the adjoint of
/// <see cref="GatherRows"/>.</summary>
[Formula("y = row by row the sum of the rows of x whose index it is", "x̄ = GatherRows(ȳ, i)")]
public sealed record ScatterRows(IReadOnlyList<int> Indices, int Rows) : SingleOutputOp, IOpSamples
{
    private readonly int[] _indices = [.. Indices];

    /// <summary>Where each row goes; a copy, so that a later change of the list changes nothing here.</summary>
    public IReadOnlyList<int> Indices => _indices;

    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 1);
        RowIndices.Check(_indices, Rows, this);
        int given = RowIndices.Rows(inputs[0], this);
        return given == Indices.Count
            ? RowIndices.WithRows(inputs[0], Rows)
            : throw new ShapeException(
                $"ScatterRows: {inputs[0]} has {given} rows, {Indices.Count} indices were given.");
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new ScatterRowsCall(x[0], _indices, y));

    /// <inheritdoc/>
    public override Variable?[] Vjp(Node at) => [new GatherRows(Indices).On(at.Cotangent)];

    /// <inheritdoc/>
    protected override bool PrintMembers(StringBuilder builder) =>
        builder.Append(CultureInfo.InvariantCulture, $"{RowIndices.Text(Indices)} of {Rows}").Length > 0;

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
    [
        OpSample.Linear(new ScatterRows([2, 0, 2, 1], 3), new Shape(4, 2)) with { Terms = 2 },
        OpSample.Linear(new ScatterRows([1, 1, 1], 2), new Shape(3)) with { Terms = 3 },
        OpSample.Linear(new ScatterRows([3], 4), new Shape(1, 2, 1, 3)),
        OpSample.Linear(new ScatterRows([], 2), new Shape(0, 3)),
    ];

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(new ScatterRows([0, 3], 3), "row 3 does not exist, there are 3", new Shape(2, 2)),
        new OpError(new ScatterRows([0, 1], 3), "[3, 2] has 3 rows, 2 indices were given", new Shape(3, 2)),
        new OpError(new ScatterRows([0], 3), "takes rows, got a scalar", Shape.Scalar),
        new OpError(new ScatterRows([0], 3), "takes 1 input, got 0"),
    ];
}

internal static class RowIndices
{
    private const int Shown = 8;

    public static int Rows(Shape shape, Op op) => shape.Rank > 0
        ? shape[0]
        : throw new ShapeException($"{op.GetType().Name} takes rows, got a scalar.");

    public static void Check(int[] indices, int rows, Op op)
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

    // A batch may have thousands of rows; a message names the first ones.
    public static string Text(IReadOnlyList<int> indices) => indices.Count <= Shown
        ? $"rows {string.Join(", ", indices)}"
        : $"rows {string.Join(", ", indices.Take(Shown))} … ({indices.Count})";
}
