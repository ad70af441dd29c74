using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>
/// The solution of positive definite systems in numbers with more bits than the matrix. The factor lies column by column, so that neighbouring threads read
/// neighbouring numbers. ILGPU moves a load to where its value is used, past barriers too: so no thread overwrites what others read
/// since the last barrier, and roots and solutions have places of their own.
/// </summary>
internal static class SolveKernels
{
    /// <summary>One group: factor [n + 1, n], row j column j of L with L·Lᵀ = ½(K + Kᵀ) + shift·I below the diagonal, and in the last
    /// row the diagonal; NaN there where there is none.</summary>
    public static void Factorise<T, X>(ArrayView<T> k, ArrayView<X> factor, int n, X shift)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        for (int j = 0; j < n; j++)
        {
            for (int i = j + Group.IdxX; i < n; i += Group.DimX)
            {
                X sum = X.Product(X.Plus(X.Of(k[i * n + j]), k[j * n + i]), X.Of(T.One / (T.One + T.One)));
                if (i == j)
                    sum += shift;
                for (int c = 0; c < j; c++)
                    sum += X.Negative(X.Product(factor[c * n + i], factor[c * n + j]));
                factor[j * n + i] = sum;
            }
            Group.Barrier();
            X pivot = factor[j * n + j], root = X.Of(T.NaN);
            T size = X.Round(pivot);
            if (size > T.Zero && size < T.PositiveInfinity)
                root = X.Root(pivot);
            if (Group.IdxX == 0)
                factor[n * n + j] = root;
            for (int i = j + 1 + Group.IdxX; i < n; i += Group.DimX)
                factor[j * n + i] = X.Quotient(factor[j * n + i], root);
            Group.Barrier();
        }
    }

    /// <summary>A group a column of y [n, columns]: L·z = y, then Lᵀ·x = z. In the work space [2, columns, n] stand what is left of y,
    /// and z.</summary>
    public static void Substitute<T, X>(
        ArrayView<X> factor, ArrayView<T> y, ArrayView<X> work, ArrayView<T> x, int n, int columns)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> where X : unmanaged, IExtended<X, T>
    {
        int column = Grid.IdxX, start = column * n, solved = (columns + column) * n;
        for (int i = Group.IdxX; i < n; i += Group.DimX)
            work[start + i] = X.Of(y[i * columns + column]);
        Group.Barrier();
        for (int j = 0; j < n; j++)
        {
            X value = X.Quotient(work[start + j], factor[n * n + j]);
            if (Group.IdxX == 0)
                work[solved + j] = value;
            for (int i = j + 1 + Group.IdxX; i < n; i += Group.DimX)
                work[start + i] += X.Negative(X.Product(factor[j * n + i], value));
            Group.Barrier();
        }
        for (int j = n - 1; j >= 0; j--)
        {
            X value = X.Quotient(work[solved + j], factor[n * n + j]);
            if (Group.IdxX == 0)
                x[j * columns + column] = X.Round(value);
            for (int i = Group.IdxX; i < j; i += Group.DimX)
                work[solved + i] += X.Negative(X.Product(factor[i * n + j], value));
            Group.Barrier();
        }
    }
}
