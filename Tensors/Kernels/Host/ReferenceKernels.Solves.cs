namespace InfMatch.Tensors;

internal sealed partial class ReferenceKernels<T> : IKernel<CholeskySolveCall>
{
    public void Run(CholeskySolveCall call)
    {
        (int n, int columns) = (call.X.Shape[0], call.X.Shape[1]);
        Span<T> k = Block(call.K).Span, y = Block(call.Y).Span, x = Block(call.X).Span;
        double[,] l = Factor(k, n, call.Shift);
        for (int c = 0; c < columns; c++)
        {
            var z = new double[n];
            for (int i = 0; i < n; i++) // L·z = y
            {
                z[i] = double.CreateTruncating(y[i * columns + c]);
                for (int j = 0; j < i; j++)
                    z[i] -= l[i, j] * z[j];
                z[i] /= l[i, i];
            }
            for (int i = n - 1; i >= 0; i--) // Lᵀ·x = z
            {
                for (int j = i + 1; j < n; j++)
                    z[i] -= l[j, i] * z[j];
                z[i] /= l[i, i];
                x[i * columns + c] = T.CreateTruncating(z[i]);
            }
        }
    }

    // The lower triangle L with L·Lᵀ = ½(K + Kᵀ) + shift·I; NaN on the diagonal where there is none.
    private static double[,] Factor(Span<T> k, int n, double shift)
    {
        var l = new double[n, n];
        for (int j = 0; j < n; j++)
        for (int i = j; i < n; i++)
        {
            double sum = (double.CreateTruncating(k[i * n + j]) + double.CreateTruncating(k[j * n + i])) / 2;
            if (i == j)
                sum += shift;
            for (int c = 0; c < j; c++)
                sum -= l[i, c] * l[j, c];
            if (i > j)
                l[i, j] = sum / l[j, j];
            else
                l[j, j] = sum > 0 && double.IsFinite(sum) ? Math.Sqrt(sum) : double.NaN;
        }
        return l;
    }
}
