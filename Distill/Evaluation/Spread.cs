using System.Globalization;

namespace InfMatch.Distill;

/// <summary>A mean with the sample standard deviation over seeds.</summary>
/// <param name="Mean">The mean of what was measured; NaN for nothing.</param>
/// <param name="Deviation">The sample standard deviation; NaN for fewer than two.</param>
/// <param name="Count">How many were measured.</param>
internal readonly record struct Spread(double Mean, double Deviation, int Count)
{
    /// <summary>The mean and deviation of values; those that are NaN are left out.</summary>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] known = [.. values.Where(v => !double.IsNaN(v))];
        return known.Length == 0 ? new Spread(double.NaN, double.NaN, 0) : OfAll(known);
    }

    /// <summary>The mean and deviation of values, at least one; NaN spreads.</summary>
    public static Spread OfAll(IReadOnlyList<double> values)
    {
        double mean = values.Average(), squares = values.Sum(v => (v - mean) * (v - mean));
        return new Spread(
            mean, values.Count < 2 ? double.NaN : Math.Sqrt(squares / (values.Count - 1)), values.Count);
    }

    /// <inheritdoc/>
    public override string ToString() => double.IsNaN(Mean) ? "-"
        : double.IsNaN(Deviation) ? Text(Mean)
        : $"{Text(Mean)} ± {Text(Deviation)}";

    private static string Text(double value) => Math.Abs(value) is >= 1000 or (> 0 and < 0.001)
        ? value.ToString("0.0e0", CultureInfo.InvariantCulture)
        : value.ToString(Math.Abs(value) >= 10 ? "0.0" : "0.000", CultureInfo.InvariantCulture);
}
