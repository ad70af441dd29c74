using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// What stands in a batch of pairs where a classifier has labels: a row holds the text's features [G], and behind them, where a
/// similarity of the pairs was learned, a_i and the rows L_i and R_i [r] of A = diag(a) + (α/r)·L·Rᵀ (LoRS, ICML 2024). So any
/// rows of a set are a set with the similarity among them, which a row of A itself would not give.
/// </summary>
/// <param name="Texts">Text features [N, G].</param>
/// <param name="Diagonal">a [N, 1]; null without similarity.</param>
/// <param name="Left">L [N, r].</param>
/// <param name="Right">R [N, r].</param>
public readonly record struct PairLabels(Variable Texts, Variable? Diagonal, Variable? Left, Variable? Right)
{
    /// <summary>The rows [N, G + 1 + 2r] of them, or [N, G] without similarity.</summary>
    public Variable Rows => Diagonal is null ? Texts : Functional.Concat(1, Texts, Diagonal, Left!, Right!);

    /// <summary>Takes rows apart.</summary>
    /// <param name="rows">[N, G] or [N, G + 1 + 2r].</param>
    /// <param name="features">G.</param>
    /// <exception cref="ShapeException">The rows have another size.</exception>
    public static PairLabels Of(Variable rows, int features)
    {
        int more = rows.Shape.Rank == 2 ? rows.Shape[1] - features : -1;
        if (more == 0)
            return new PairLabels(rows, null, null, null);
        if (more < 3 || more % 2 == 0)
        {
            throw new ShapeException(
                $"Pairs have rows of {features} text features, or with a similarity of rank r of {features} + 1 + 2r numbers, " +
                $"got {rows.Shape}.");
        }
        int left = features + 1, right = left + more / 2;
        return new PairLabels(
            rows.Slice(1, ..features), rows.Slice(1, features..left), rows.Slice(1, left..right), rows.Slice(1, right..));
    }

    /// <summary>A [N, N], of row i the images' similarities with the texts; null without one.</summary>
    /// <param name="scale">α.</param>
    public Variable? Similarity(double scale) =>
        Diagonal is null ? null : DiagonalMatrix(Diagonal) + scale / Left!.Shape[1] * Left.MatMul(Right!, transposeB: true);

    /// <summary>The matrix [N, N] with a [N, 1] on its diagonal.</summary>
    public static Variable DiagonalMatrix(Variable a)
    {
        // Each number followed by N zeros stands one place further right in each row of N.
        int n = a.Shape[0];
        return a.Pad(1, 0, n).Reshape(new Shape(n * (n + 1))).Slice(0, ..(n * n)).Reshape(new Shape(n, n));
    }

    /// <summary>The diagonal [N] of a matrix [N, N].</summary>
    public static Variable DiagonalOf(Variable matrix)
    {
        int n = matrix.Shape[0];
        return matrix.Reshape(new Shape(n * n)).Pad(0, 0, n).Reshape(new Shape(n, n + 1)).Slice(1, ..1).Reshape(new Shape(n));
    }
}
