using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace InfMatch.Distill;

/// <summary>The way back through a whitening, whether it was computed here or came with a distilled set: no file holds
/// W⁻¹. By Cholesky's factor in float64, a third of a product of two such matrices.</summary>
/// <param name="whitening">x ↦ (x − m)·W.</param>
internal sealed class WhiteningInverse(ZcaWhitening whitening)
{
    // Between two halves of a matrix that was computed as a root in float64 and rounded the difference is far less.
    private const double LargestAsymmetry = 1e-3;

    // So many images go through a row of the factor while it is in the cache.
    private const int ImagesAtOnce = 16;

    private readonly double[] _factor = Cholesky(whitening);

    /// <summary>Why W can be no whitening, or null: it must be symmetric and have a diagonal above 0.</summary>
    public static string? Problem(ZcaWhitening whitening)
    {
        int size = whitening.Count;
        ReadOnlySpan<float> matrix = whitening.Matrix;
        double largest = 0;
        for (int i = 0; i < size; i++)
        {
            if (!(matrix[i * size + i] > 0))
                return $"zca_matrix has {matrix[i * size + i]} at [{i}, {i}], expected a number above 0";
            largest = Math.Max(largest, matrix[i * size + i]);
        }
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!(Math.Abs(matrix[i * size + j] - matrix[j * size + i]) <= LargestAsymmetry * largest))
                    return $"zca_matrix is not symmetric at [{i}, {j}]";
            }
        }
        return null;
    }

    /// <summary>From whitened images [N, d] back to standardised ones, computed in float64.</summary>
    public float[] Undo(ReadOnlySpan<float> whitened)
    {
        int size = whitening.Count;
        var back = new float[whitened.Length];
        for (int start = 0; start < whitened.Length; start += ImagesAtOnce * size)
        {
            int end = Math.Min(whitened.Length, start + ImagesAtOnce * size);
            Undo(whitened[start..end], back.AsSpan()[start..end]);
        }
        return back;
    }

    private void Undo(ReadOnlySpan<float> whitened, Span<float> back)
    {
        int size = whitening.Count, n = whitened.Length / size;
        var solved = new double[whitened.Length];
        for (int i = 0; i < size; i++)
        {
            ReadOnlySpan<double> row = _factor.AsSpan(i * size, i);
            for (int k = 0; k < n; k++)
            {
                Span<double> x = solved.AsSpan(k * size, size);
                x[i] = (whitened[k * size + i] - TensorPrimitives.Dot(row, x[..i])) / _factor[i * size + i];
            }
        }
        for (int i = size - 1; i >= 0; i--)
        {
            // Row i of the factor is column i of its transpose: what x[i] contributes to those before it.
            ReadOnlySpan<double> row = _factor.AsSpan(i * size, i);
            for (int k = 0; k < n; k++)
            {
                Span<double> x = solved.AsSpan(k * size, size);
                x[i] /= _factor[i * size + i];
                TensorPrimitives.MultiplyAdd(row, -x[i], x[..i], x[..i]);
            }
        }
        for (int i = 0; i < solved.Length; i++)
            back[i] = (float)(solved[i] + whitening.Mean[i % size]);
    }

    // W = L·Lᵀ, row by row.
    private static double[] Cholesky(ZcaWhitening whitening)
    {
        int size = whitening.Count;
        ReadOnlySpan<float> matrix = whitening.Matrix;
        var l = new double[matrix.Length];
        for (int i = 0; i < size; i++)
        {
            Span<double> row = l.AsSpan(i * size, size);
            for (int j = 0; j <= i; j++)
            {
                ReadOnlySpan<double> other = l.AsSpan(j * size, size);
                double rest = matrix[i * size + j] - TensorPrimitives.Dot(row[..j], other[..j]);
                if (j < i)
                {
                    row[j] = rest / other[j];
                    continue;
                }
                row[i] = rest > 0 ? Math.Sqrt(rest) : throw new DistillException(
                    ExitCode.Data, "IM3042",
                    $"zca_matrix is not positive definite (pivot {i} is {rest:G3}), so the images cannot be shown as pixels. " +
                    "Export to safetensors, which keeps the file as it is.");
            }
        }
        return l;
    }
}
