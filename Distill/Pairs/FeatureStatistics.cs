using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Mean and deviation of each of F features, by which they are standardised.</summary>
/// <param name="Mean">[F].</param>
/// <param name="Deviation">[F], each above 0.</param>
internal sealed record FeatureStatistics(float[] Mean, float[] Deviation)
{
    // A feature that does not vary is left at 0 and not blown up.
    private const double Least = 1e-6;

    /// <summary>Those of some rows of a table; a feature that does not vary has the deviation 1.</summary>
    public static FeatureStatistics Of(FeatureTable table, int[] rows)
    {
        double[] mean = new double[table.Width], squares = new double[table.Width];
        foreach (int row in rows)
        {
            ReadOnlySpan<float> values = table.Row(row);
            for (int j = 0; j < mean.Length; j++)
                mean[j] += values[j] / (double)rows.Length;
        }
        foreach (int row in rows)
        {
            ReadOnlySpan<float> values = table.Row(row);
            for (int j = 0; j < mean.Length; j++)
                squares[j] += (values[j] - mean[j]) * (values[j] - mean[j]) / rows.Length;
        }
        return new FeatureStatistics(
            [.. mean.Select(m => (float)m)],
            [.. squares.Select(s => s < Least * Least ? 1 : (float)Math.Sqrt(s))]);
    }

    /// <summary>Standardised rows of a table in an order, [n, F] in float32; the caller owns them.</summary>
    public Tensor Standardise(FeatureTable table, int[] rows, Backend backend, Shape shape)
    {
        var values = new float[rows.Length * table.Width];
        for (int i = 0; i < rows.Length; i++)
        {
            ReadOnlySpan<float> row = table.Row(rows[i]);
            for (int j = 0; j < row.Length; j++)
                values[i * row.Length + j] = (row[j] - Mean[j]) / Deviation[j];
        }
        return Tensor.From<float>(backend, values, shape);
    }
}
