namespace InfMatch.Nn;

/// <summary>Interpolation by cubic B-splines on a line that is mirrored at its ends, as by scipy.ndimage.</summary>
internal static class CubicSpline
{
    /// <summary>Places around a coordinate that have a weight.</summary>
    public const int Taps = 4;

    /// <summary>Writes the B-spline at the places around a coordinate, and returns the number of the first.</summary>
    public static int Weights(double at, Span<double> weights)
    {
        int floor = (int)Math.Floor(at);
        double t = at - floor, rest = 1 - t;
        (weights[0], weights[3]) = (rest * rest * rest / 6, t * t * t / 6);
        weights[1] = (4 - 3 * t * t * (2 - t)) / 6;
        weights[2] = (4 - 3 * rest * rest * (2 - rest)) / 6;
        return floor - 1;
    }

    /// <summary>The place inside a line that a place beyond its ends mirrors; the ends do not count twice.</summary>
    public static int Mirrored(int at, int side)
    {
        if (side == 1)
            return 0;
        int period = 2 * side - 2, within = (at % period + period) % period;
        return within < side ? within : period - within;
    }

    /// <summary>[H, H]: from the numbers along a line, mirrored at its ends, to the coefficients of the spline through
    /// them.</summary>
    // The inverse of (c_{i−1} + 4c_i + c_{i+1})/6, by the recursions of Unser (1999) on the columns of the identity.
    public static double[] Coefficients(int side)
    {
        var matrix = new double[side * side];
        var line = new double[side];
        double pole = Math.Sqrt(3) - 2;
        for (int column = 0; column < side; column++)
        {
            Array.Clear(line);
            line[column] = 1;
            if (side > 1)
                Filter(line, pole);
            for (int row = 0; row < side; row++)
                matrix[row * side + column] = line[row];
        }
        return matrix;
    }

    private static void Filter(double[] line, double pole)
    {
        int n = line.Length;
        for (int i = 0; i < n; i++)
            line[i] *= 6;
        double power = pole, last = Math.Pow(pole, n - 1), start = line[0] + last * line[^1];
        for (int i = 1; i < n - 1; i++, power *= pole)
            start += power * (line[i] + last * line[n - 1 - i]);
        line[0] = start / (1 - last * last);
        for (int i = 1; i < n; i++)
            line[i] += pole * line[i - 1];
        line[^1] = pole / (pole * pole - 1) * (line[^1] + pole * line[^2]);
        for (int i = n - 2; i >= 0; i--)
            line[i] = pole * (line[i + 1] - line[i]);
    }
}
