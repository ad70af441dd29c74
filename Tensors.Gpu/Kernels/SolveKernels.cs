using System.Numerics;
using ILGPU;

namespace InfMatch.Tensors;

/// <summary>The solution of positive definite systems in float64. The factor lies column by column, so that neighbouring threads
/// read neighbouring numbers.</summary>
internal static class SolveKernels
{
    /// <summary>One group: factor [n, n], its column j at j·n, with L·Lᵀ = ½(K + Kᵀ) + shift·I; NaN on the diagonal where there
    /// is none.</summary>
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
            Meet();
            double pivot = factor[j * n + j], root = double.NaN;
            if (pivot > 0 && pivot < double.PositiveInfinity)
                root = Float64Numbers.Sqrt(pivot);
            Group.Barrier(); // all have read the pivot before its root takes its place
            for (int i = j + Group.IdxX; i < n; i += Group.DimX)
            {
                if (i == j)
                    factor[j * n + i] = root;
                else
                    factor[j * n + i] /= root;
            }
            Meet();
        }
    }

    /// <summary>A group a column of y [n, columns]: L·z = y, then Lᵀ·x = z, with z in the work space [columns, n].</summary>
    public static void Substitute<T, N>(
        ArrayView<double> factor, ArrayView<T> y, ArrayView<double> work, ArrayView<T> x, int n, int columns)
        where T : unmanaged, INumber<T> where N : struct, IDeviceNumbers<T>
    {
        int column = Grid.IdxX, start = column * n;
        for (int i = Group.IdxX; i < n; i += Group.DimX)
            work[start + i] = N.Wide(y[i * columns + column]);
        Meet();
        for (int j = 0; j < n; j++)
        {
            double value = work[start + j] / factor[j * n + j];
            Group.Barrier(); // all have read it before it is replaced
            if (Group.IdxX == 0)
                work[start + j] = value;
            for (int i = j + 1 + Group.IdxX; i < n; i += Group.DimX)
                work[start + i] -= factor[j * n + i] * value;
            Meet();
        }
        for (int j = n - 1; j >= 0; j--)
        {
            double value = work[start + j] / factor[j * n + j];
            if (Group.IdxX == 0)
                x[j * columns + column] = N.Narrow(value);
            for (int i = Group.IdxX; i < j; i += Group.DimX)
                work[start + i] -= factor[i * n + j] * value;
            Meet();
        }
    }

    // What a thread of the group wrote to global memory is read by the others behind this.
    private static void Meet()
    {
        MemoryFence.GroupLevel();
        Group.Barrier();
    }
}
