using InfMatch.Autograd;
using InfMatch.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace InfMatch.Distill;

/// <summary>
/// The ZCA whitening that travels with a set: a standardised image x [d] becomes (x − m)·W. Source: Nguyen et al., KIP
/// (ICLR 2021), and MTT, with eps 0.1 under the root.
/// </summary>
/// <param name="mean">m [d].</param>
/// <param name="matrix">W [d, d], symmetric.</param>
internal sealed class Whitening(float[] mean, float[] matrix)
{
    // Between two halves of a matrix that was computed as V·f(Λ)·Vᵀ in float32 the rounding differs by far less.
    private const double LargestAsymmetry = 1e-3;

    private double[]? _factor;

    /// <summary>m [d].</summary>
    public float[] Mean => mean;

    /// <summary>W [d, d].</summary>
    public float[] Matrix => matrix;

    /// <summary>d = C·H·W.</summary>
    public int Size => mean.Length;

    /// <summary>Why W can be no whitening, or null: it must be symmetric and have a diagonal above 0.</summary>
    public string? Problem()
    {
        double largest = 0;
        for (int i = 0; i < Size; i++)
        {
            if (!(matrix[i * Size + i] > 0))
                return $"zca_matrix has {matrix[i * Size + i]} at [{i}, {i}], expected a number above 0";
            largest = Math.Max(largest, matrix[i * Size + i]);
        }
        for (int i = 0; i < Size; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!(Math.Abs(matrix[i * Size + j] - matrix[j * Size + i]) <= LargestAsymmetry * largest))
                    return $"zca_matrix is not symmetric at [{i}, {j}]";
            }
        }
        return null;
    }

    /// <summary>Standardised images [N, C, H, W], whitened; they belong to the current scope.</summary>
    public Tensor Apply(Tensor images)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        var flat = new Shape(images.Shape[0], Size);
        Variable m = Variable.Constant(Tensor.From<float>(images.Backend, mean, new Shape(1, Size)));
        Variable w = Variable.Constant(Tensor.From<float>(images.Backend, matrix, new Shape(Size, Size)));
        Variable x = Variable.Constant(images).Reshape(flat);
        return scope.Keep((x - m).MatMul(w).Reshape(images.Shape).Value);
    }

    /// <summary>From whitened images [N, d] back to standardised ones, in float64.</summary>
    /// <exception cref="DistillException">W is not positive definite, so that nothing leads back.</exception>
    public double[] Undo(ReadOnlySpan<float> whitened)
    {
        _factor ??= Cholesky();
        var back = new double[whitened.Length];
        for (int start = 0; start < whitened.Length; start += Size)
        {
            Span<double> x = back.AsSpan(start, Size);
            for (int i = 0; i < Size; i++)
            {
                double known = TensorPrimitives.Dot(_factor.AsSpan(i * Size, i), x[..i]);
                x[i] = (whitened[start + i] - known) / _factor[i * Size + i];
            }
            for (int i = Size - 1; i >= 0; i--)
            {
                x[i] /= _factor[i * Size + i];
                // Row i of the factor is column i of its transpose: what x[i] contributes to those before it.
                TensorPrimitives.MultiplyAdd(_factor.AsSpan(i * Size, i), -x[i], x[..i], x[..i]);
            }
            for (int i = 0; i < Size; i++)
                x[i] += mean[i];
        }
        return back;
    }

    // W = L·Lᵀ, row by row.
    private double[] Cholesky()
    {
        var l = new double[matrix.Length];
        for (int i = 0; i < Size; i++)
        {
            Span<double> row = l.AsSpan(i * Size, Size);
            for (int j = 0; j <= i; j++)
            {
                ReadOnlySpan<double> other = l.AsSpan(j * Size, Size);
                double rest = matrix[i * Size + j] - TensorPrimitives.Dot(row[..j], other[..j]);
                if (j < i)
                {
                    row[j] = rest / other[j];
                    continue;
                }
                row[i] = rest > 0 ? Math.Sqrt(rest) : throw new DistillException(
                    ExitCode.Data, "IM3042",
                    $"zca_matrix is not positive definite (pivot {i} is {rest:G3}), so the images cannot be shown as pixels. " +
                    "Export to npz or safetensors, which keep them as they are.");
            }
        }
        return l;
    }
}
