using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// y [N, ..Row] = f(x), row by row, whose graph is not kept: the derivative computes f again, one row at a time on each thread. So a
/// large network between x and y needs the memory of single rows (gradient checkpointing; Chen et al., 2016). It is no operation of a
/// graph: what comes before and behind it is differentiated apart.
/// </summary>
/// <param name="function">f, of a row [1, ..], to as many numbers as a row of y has; it computes the same each time.</param>
/// <param name="row">The shape of a row of y.</param>
public sealed class RecomputedRows(Func<Variable, Variable> function, Shape row)
{
    /// <summary>y [N, ..Row]; NaN and Inf are f's.</summary>
    /// <exception cref="ShapeException">x has no rows, or f makes another number of numbers.</exception>
    public Tensor Of(Tensor x)
    {
        RequireRows(x);
        return ByRow(x, i =>
        {
            using IDisposable off = Recording.Off();
            return Of(Variable.Constant(RowOf(x, i))).Value;
        });
    }

    /// <summary>The VJP at x: x̄ for a cotangent of y, in the shape of x.</summary>
    /// <exception cref="ShapeException">x has no rows, f makes another number of numbers, or the cotangent has another shape than y.</exception>
    public Tensor Pullback(Tensor x, Tensor cotangent)
    {
        RequireRows(x);
        var shape = new Shape([x.Shape[0], .. row.Sizes]);
        if (cotangent.Shape != shape)
            throw new ShapeException($"The cotangent of rows is {cotangent.Shape}, expected {shape}.");
        return ByRow(x, i =>
        {
            using IDisposable on = Recording.On();
            Variable leaf = Variable.Leaf(RowOf(x, i));
            return Gradient.Of(Of(leaf), leaf, Variable.Constant(RowOf(cotangent, i))).Value;
        });
    }

    private static void RequireRows(Tensor x)
    {
        if (x.Shape.Rank == 0 || x.Shape[0] == 0)
            throw new ShapeException($"Rows are asked of {x.Shape}.");
    }

    private static Tensor RowOf(Tensor x, int at) => x.View(at * (x.Count / x.Shape[0]), new Shape([1, .. x.Shape.Sizes[1..]]));

    // f of a row as a row of y.
    private Variable Of(Variable x)
    {
        Variable y = function(x);
        return y.Shape.Count == row.Count
            ? y.Reshape(new Shape([1, .. row.Sizes]))
            : throw new ShapeException($"The function of rows made {y.Shape} of {x.Shape}, expected {row.Count} numbers.");
    }

    private static Tensor ByRow(Tensor x, Func<int, Tensor> one)
    {
        using var scope = TensorScope.Begin();
        // A function may return its argument, which is not its own.
        Tensor[][] rows = scope.InParallel(x.Backend, x.Shape[0], i => [one(i).Clone()]);
        using IDisposable off = Recording.Off();
        return scope.Keep(Functional.Concat(0, [.. rows.Select(r => Variable.Constant(r[0]))]).Value);
    }
}
