using System.Numerics.Tensors;

namespace InfMatch.Tensors;

/// <summary>The leading eigenvectors of a symmetric matrix with no negative eigenvalue, such as one of second moments.</summary>
public static class LeadingEigenvectors
{
    // A few directions more are followed, so that the last ones asked for settle, too.
    private const int Spare = 8, MostSteps = 100, MostSweeps = 30;

    /// <summary>
    /// The largest eigenvalues of A [d, d] in float64, falling, and their eigenvectors as rows [count, d] of length 1, the
    /// largest element of each above 0. By orthogonal iteration until no eigenvalue asked for changes by more than a share of the
    /// largest, then a Rayleigh–Ritz projection (Golub and Van Loan, Matrix Computations, 8.2.4 and 8.5). Where A holds NaN, so do
    /// the results.
    /// </summary>
    /// <param name="a">The matrix; only that it is square is checked.</param>
    /// <param name="count">How many, from 1 to d.</param>
    /// <param name="tolerance">That share.</param>
    /// <exception cref="ShapeException">A is not square, or has not so many.</exception>
    /// <exception cref="DTypeException">A is not float64.</exception>
    public static (double[] Values, double[] Vectors) Of(Tensor a, int count, double tolerance = 1e-5)
    {
        if (a.Shape.Rank != 2 || a.Shape[0] != a.Shape[1] || count < 1 || count > a.Shape[0])
            throw new ShapeException($"Leading eigenvectors: {count} of a matrix [d, d] were asked for, got {a.Shape}.");
        if (a.DType != DType.Float64)
            throw new DTypeException($"Eigenvectors are taken in float64, got {a.DType}.");
        int d = a.Shape[0], followed = Math.Min(d, count + Spare);
        var basis = new double[followed * d];
        RandomKey.FromSeed(0).Split("eigenvectors").Normal(basis);
        Orthonormalise(basis, d);
        double[] values = new double[followed];
        for (int step = 0; step < MostSteps; step++)
        {
            double[] image = Product(basis, a);
            double[] found = Orthonormalise(image, d);
            double change = Enumerable.Range(0, count).Max(i => Math.Abs(found[i] - values[i]));
            (basis, values) = (image, found);
            if (!(change > tolerance * values[0]))
                break;
        }
        return Ritz(a, basis, count);
    }

    // The eigenvectors of A within the span of the rows.
    private static (double[] Values, double[] Vectors) Ritz(Tensor a, double[] basis, int count)
    {
        int d = a.Shape[0], m = basis.Length / d;
        double[] image = Product(basis, a), projection = new double[m * m], rotation = new double[m * m];
        for (int i = 0; i < m; i++)
        {
            rotation[i * (m + 1)] = 1;
            for (int j = 0; j <= i; j++)
                projection[i * m + j] = projection[j * m + i] = TensorPrimitives.Dot<double>(Row(basis, i, d), Row(image, j, d));
        }
        Diagonalise(projection, rotation, m);
        int[] order = [.. Enumerable.Range(0, m).OrderByDescending(i => projection[i * (m + 1)]).Take(count)];
        var vectors = new double[count * d];
        for (int k = 0; k < count; k++)
        {
            Span<double> vector = vectors.AsSpan(k * d, d);
            for (int i = 0; i < m; i++)
                TensorPrimitives.MultiplyAdd(Row(basis, i, d), rotation[order[k] * m + i], vector, vector);
            if (vector[TensorPrimitives.IndexOfMaxMagnitude<double>(vector)] < 0)
                TensorPrimitives.Negate(vector, vector);
        }
        return ([.. order.Select(i => projection[i * (m + 1)])], vectors);
    }

    // Jacobi's rotations, a sweep over all pairs at a time; the rows of the rotation become the eigenvectors.
    private static void Diagonalise(double[] a, double[] rotation, int m)
    {
        for (int sweep = 0; sweep < MostSweeps; sweep++)
        {
            double off = 0, on = 0;
            for (int i = 0; i < m; i++)
            {
                on += a[i * (m + 1)] * a[i * (m + 1)];
                for (int j = 0; j < i; j++)
                    off += a[i * m + j] * a[i * m + j];
            }
            if (!(off > 1e-30 * on))
                return;
            for (int p = 0; p < m; p++)
            {
                for (int q = p + 1; q < m; q++)
                    Rotate(a, rotation, m, p, q);
            }
        }
    }

    private static void Rotate(double[] a, double[] rotation, int m, int p, int q)
    {
        double apq = a[p * m + q];
        if (apq == 0)
            return;
        double theta = (a[q * (m + 1)] - a[p * (m + 1)]) / (2 * apq);
        double t = (theta < 0 ? -1 : 1) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
        double c = 1 / Math.Sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < m; k++)
            (a[k * m + p], a[k * m + q]) = (c * a[k * m + p] - s * a[k * m + q], s * a[k * m + p] + c * a[k * m + q]);
        for (int k = 0; k < m; k++)
            (a[p * m + k], a[q * m + k]) = (c * a[p * m + k] - s * a[q * m + k], s * a[p * m + k] + c * a[q * m + k]);
        for (int k = 0; k < m; k++)
        {
            (rotation[p * m + k], rotation[q * m + k]) =
                (c * rotation[p * m + k] - s * rotation[q * m + k], s * rotation[p * m + k] + c * rotation[q * m + k]);
        }
    }

    // Gram and Schmidt, twice; returns the lengths of what was left of the rows the first time.
    private static double[] Orthonormalise(double[] rows, int d)
    {
        var lengths = new double[rows.Length / d];
        for (int i = 0; i < lengths.Length; i++)
        {
            Span<double> row = Row(rows, i, d);
            lengths[i] = Reduce(rows, i, d);
            // A row that lies in the span of the others is no direction: another takes its place.
            for (ulong draw = 0; TensorPrimitives.Norm<double>(row) == 0; draw++)
            {
                RandomKey.FromSeed(draw).Split("eigenvectors").Split((ulong)i).Normal(row);
                Reduce(rows, i, d);
            }
            Reduce(rows, i, d);
        }
        return lengths;
    }

    // Takes the rows before it out of a row, and brings it to length 1 where something is left.
    private static double Reduce(double[] rows, int i, int d)
    {
        Span<double> row = Row(rows, i, d);
        for (int j = 0; j < i; j++)
            TensorPrimitives.MultiplyAdd(Row(rows, j, d), -TensorPrimitives.Dot<double>(Row(rows, j, d), row), row, row);
        double length = TensorPrimitives.Norm<double>(row);
        if (length > 0)
            TensorPrimitives.Divide(row, length, row);
        return length;
    }

    private static double[] Product(double[] rows, Tensor a)
    {
        using var scope = TensorScope.Begin();
        Tensor x = Tensor.From<double>(a.Backend, rows, new Shape(rows.Length / a.Shape[0], a.Shape[0]));
        Tensor y = a.Backend.Empty(x.Shape, DType.Float64);
        a.Backend.Run(new MatMulCall(x, false, a, false, y));
        return y.ToArray<double>();
    }

    private static Span<double> Row(double[] rows, int i, int d) => rows.AsSpan(i * d, d);
}
