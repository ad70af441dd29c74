namespace InfMatch.Tensors;

/// <summary>Roots of symmetric positive definite matrices by products alone, so that they run where products run.</summary>
public static class MatrixRoots
{
    /// <summary>
    /// A^½ and A^−½ [d, d] of a symmetric A in float64 whose smallest eigenvalue is known to be at least
    /// <paramref name="least"/>, by the coupled Newton–Schulz iteration (Higham, Functions of Matrices, 2008, section 6.7)
    /// with steps scaled as by Chen and Chow (2014): from Y = A/s, Z = I, each step T = α/2·(3I − α²ZY), Y ← YT, Z ← TZ,
    /// where α follows from a bound on the spectrum of ZY. Both belong to the current scope.
    /// </summary>
    /// <exception cref="ShapeException">A is not square.</exception>
    /// <exception cref="DTypeException">A is not float64.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The bound is not positive.</exception>
    public static (Tensor Root, Tensor InverseRoot) Of(Tensor a, double least, Action? step = null)
    {
        if (a.Shape.Rank != 2 || a.Shape[0] != a.Shape[1])
            throw new ShapeException($"The root of a matrix [d, d] was asked for, got {a.Shape}.");
        if (a.DType != DType.Float64)
            throw new DTypeException($"The root of a matrix is taken in float64, got {a.DType}.");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(least);
        int d = a.Shape[0];
        using var scope = TensorScope.Begin();
        double scale = a.Norm(); // Frobenius: no eigenvalue is larger
        var ones = new double[d * d];
        for (int i = 0; i < d; i++)
            ones[i * (d + 1)] = 1;
        Tensor identity = Tensor.From<double>(a.Backend, ones, a.Shape), y = a.Times(1 / scale), z = identity.Clone();
        // Every √ of an eigenvalue of ZY lies between low and 1.
        for (double low = Math.Sqrt(Math.Min(1, least / scale)); ;)
        {
            double alpha = AlphaOf(low);
            bool isLast = IsLast(low);
            using (var inner = TensorScope.Begin())
            {
                Tensor t = TensorAlgebra.Axpy(-alpha * alpha * alpha / 2, Product(z, y), identity.Times(1.5 * alpha));
                (y, z) = (inner.Replace(y, Product(y, t)), inner.Replace(z, Product(t, z)));
            }
            step?.Invoke();
            if (isLast)
                break;
            low = Next(low);
        }
        return (scope.Keep(y.Times(Math.Sqrt(scale))), scope.Keep(z.Times(1 / Math.Sqrt(scale))));
    }

    /// <summary>The steps of <see cref="Of"/>, of three products each, for a matrix whose eigenvalues lie between the least
    /// and <paramref name="scale"/>.</summary>
    public static int Steps(double least, double scale)
    {
        int steps = 1;
        for (double low = Math.Sqrt(Math.Min(1, least / scale)); !IsLast(low); low = Next(low))
            steps++;
        return steps;
    }

    private static double AlphaOf(double low) => Math.Sqrt(3 / (1 + low + low * low));

    // What is left is squared by the step.
    private static bool IsLast(double low) => 1 - low < 1e-9;

    private static double Next(double low)
    {
        double alpha = AlphaOf(low);
        return 0.5 * alpha * low * (3 - alpha * alpha * low * low);
    }

    private static Tensor Product(Tensor a, Tensor b)
    {
        Tensor y = a.Backend.Empty(a.Shape, a.DType);
        a.Backend.Run(new MatMulCall(a, false, b, false, y));
        return y;
    }
}
