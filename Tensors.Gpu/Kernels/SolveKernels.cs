using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>
/// The solution of positive definite systems in float64. The factor lies column by column, so that neighbouring threads read
/// neighbouring numbers. ILGPU moves a load to where its value is used, past barriers too: so no thread overwrites what others read
/// since the last barrier, and roots and solutions have places of their own.
/// </summary>
internal static class SolveKernels
{
    /// <summary>One group: factor [n + 1, n], row j column j of L with L·Lᵀ = ½(K + Kᵀ) + shift·I below the diagonal, and in the last
    /// row the diagonal; NaN there where there is none.</summary>
    public static void Factorise<T, N>(ArrayView<T> k, ArrayView<double> factor, int n, double shift)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        for (int j = 0; j < n; j++)
        {
            for (int i = j + Group.IdxX; i < n; i += Group.DimX)
            {
                double sum = (N.Wide(k[i * n + j]) + N.Wide(k[j * n + i])) / 2;
                if (i == j)
                    sum += shift;
                for (int c = 0; c < j; c++)
                    sum -= factor[c * n + i] * factor[c * n + j];
                factor[j * n + i] = sum;
            }
            Group.Barrier();
            double pivot = factor[j * n + j], root = double.NaN;
            if (pivot > 0 && pivot < double.PositiveInfinity)
                root = Float64Numbers.Sqrt(pivot);
            if (Group.IdxX == 0)
                factor[n * n + j] = root;
            for (int i = j + 1 + Group.IdxX; i < n; i += Group.DimX)
                factor[j * n + i] /= root;
            Group.Barrier();
        }
    }

    /// <summary>A group a column of y [n, columns]: L·z = y, then Lᵀ·x = z. In the work space [2, columns, n] stand what is left of y,
    /// and z.</summary>
    public static void Substitute<T, N>(
        ArrayView<double> factor, ArrayView<T> y, ArrayView<double> work, ArrayView<T> x, int n, int columns)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int column = Grid.IdxX, start = column * n, solved = (columns + column) * n;
        for (int i = Group.IdxX; i < n; i += Group.DimX)
            work[start + i] = N.Wide(y[i * columns + column]);
        Group.Barrier();
        for (int j = 0; j < n; j++)
        {
            double value = work[start + j] / factor[n * n + j];
            if (Group.IdxX == 0)
                work[solved + j] = value;
            for (int i = j + 1 + Group.IdxX; i < n; i += Group.DimX)
                work[start + i] -= factor[j * n + i] * value;
            Group.Barrier();
        }
        for (int j = n - 1; j >= 0; j--)
        {
            double value = work[solved + j] / factor[n * n + j];
            if (Group.IdxX == 0)
                x[j * columns + column] = N.Narrow(value);
            for (int i = Group.IdxX; i < j; i += Group.DimX)
                work[solved + i] -= factor[i * n + j] * value;
            Group.Barrier();
        }
    }
}
