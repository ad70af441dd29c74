using System.Numerics;
using System.Numerics.Tensors;

namespace InfMatch.Tensors;

/// <summary>
/// The solution of positive definite systems on the cpu. The factor is made row by row on one thread, since each row needs all
/// before it; the columns of the right side are shared among threads. So the bits do not depend on their number.
/// </summary>
internal static unsafe class CholeskySolving
{
    /// <summary>x [n, columns] of <see cref="CholeskySolveCall"/>.</summary>
    public static void Run<T>(WorkerPool pool, HostBlock<T> k, double shift, HostBlock<T> y, HostBlock<T> x, int n)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int columns = n == 0 ? 0 : x.Length / n;
        if (columns == 0)
            return;
        double* factor = Scratch.Get<double>(ScratchUse.Partials, (long)n * n);
        WorkerPool.RunOnce(() => Factorise(k, shift, factor, n));
        pool.RunChunks(columns, Math.Max(1, 16384 / n / n), (begin, end) =>
        {
            var z = new Span<double>(Scratch.Get<double>(ScratchUse.Image, n), n);
            for (int c = begin; c < end; c++)
                Substitute(factor, y, x, c, z);
        });
    }

    // factor [n, n], lower triangle: L·Lᵀ = ½(K + Kᵀ) + shift·I.
    private static void Factorise<T>(HostBlock<T> k, double shift, double* factor, int n)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ReadOnlySpan<T> from = k.Span;
        for (int i = 0; i < n; i++)
        {
            var row = new Span<double>(factor + (nint)i * n, i + 1);
            for (int j = 0; j <= i; j++)
            {
                double above = double.CreateTruncating(from[i * n + j]), below = double.CreateTruncating(from[j * n + i]);
                double sum = (above + below) / 2 + (i == j ? shift : 0);
                sum -= TensorPrimitives.Dot<double>(row[..j], new ReadOnlySpan<double>(factor + (nint)j * n, j));
                row[j] = i > j ? sum / factor[(nint)j * n + j]
                    : sum > 0 && double.IsFinite(sum) ? Math.Sqrt(sum)
                    : double.NaN;
            }
        }
    }

    // L·z = y, then Lᵀ·x = z: both walk along rows of the factor, which lie in one piece.
    private static void Substitute<T>(double* factor, HostBlock<T> y, HostBlock<T> x, int column, Span<double> z)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int n = z.Length, columns = x.Length / n;
        for (int i = 0; i < n; i++)
        {
            double sum = double.CreateTruncating(y.Span[i * columns + column]);
            z[i] = (sum - TensorPrimitives.Dot<double>(z[..i], new ReadOnlySpan<double>(factor + (nint)i * n, i)))
                / factor[(nint)i * n + i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            double value = z[i] / factor[(nint)i * n + i];
            x.Span[i * columns + column] = T.CreateTruncating(value);
            TensorPrimitives.MultiplyAdd(new ReadOnlySpan<double>(factor + (nint)i * n, i), -value, z[..i], z[..i]);
        }
    }
}
