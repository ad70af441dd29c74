namespace InfMatch.Autograd;

/// <summary>How derivatives are compared: |analytic − numeric| ≤ Absolute + Relative·|numeric|.</summary>
/// <param name="Step">The step of the differences, times max(1, |x|).</param>
/// <param name="Absolute">The tolerance near 0.</param>
/// <param name="Relative">The tolerance elsewhere.</param>
/// <param name="OneDirection">Whether each input moves once, along a random direction, instead of element by element:
/// cheap for large inputs.</param>
/// <param name="Seed">Of the random cotangents and directions.</param>
public sealed record GradCheckOptions(
    double Step = 1e-6, double Absolute = 1e-7, double Relative = 1e-6, bool OneDirection = false, ulong Seed = 1)
{
    /// <summary>Which inputs have a derivative; null means all.</summary>
    public IReadOnlyList<bool>? Differentiable { get; init; }
}

/// <summary>The comparison of a check that came closest to failing, or failed by most.</summary>
/// <param name="Subject">The operation with its parameters.</param>
/// <param name="Order">1 for the VJP, 2 for its derivative.</param>
public sealed record GradCheckReport(string Subject, int Order)
{
    /// <summary>How many numbers were compared.</summary>
    public int Comparisons { get; init; }

    /// <summary>Index of the input; in the second order the cotangents of the outputs follow the inputs. −1 if nothing
    /// was compared.</summary>
    public int Input { get; init; } = -1;

    /// <summary>Index in memory order; −1 for a random direction, or if nothing was compared.</summary>
    public int Element { get; init; } = -1;

    /// <summary>By the VJP.</summary>
    public double Analytic { get; init; }

    /// <summary>By central differences.</summary>
    public double Numeric { get; init; }

    /// <summary>|Analytic − Numeric| over what is allowed; more than 1 fails, +∞ stands for NaN.</summary>
    public double Ratio { get; init; }

    /// <summary>One sentence: what, where, and the two numbers.</summary>
    public override string ToString() =>
        $"{Subject}: order {Order}, input {Input}, {(Element < 0 ? "a random direction" : $"element {Element}")}: " +
        $"analytic {Analytic:G17}, numeric {Numeric:G17}, {Ratio:G3} of the tolerance ({Comparisons} comparisons).";

    internal GradCheckReport With(int input, int element, double analytic, double numeric, GradCheckOptions options)
    {
        double ratio = Math.Abs(analytic - numeric) / (options.Absolute + options.Relative * Math.Abs(numeric));
        if (double.IsNaN(ratio))
            ratio = double.PositiveInfinity;
        GradCheckReport counted = this with { Comparisons = Comparisons + 1 };
        return Comparisons > 0 && ratio <= Ratio
            ? counted
            : counted with { Input = input, Element = element, Analytic = analytic, Numeric = numeric, Ratio = ratio };
    }
}

/// <summary>A derivative that differs from its numeric value.</summary>
public sealed class GradCheckException(GradCheckReport report)
    : Exception(
        $"A derivative is wrong. {report} Far over the tolerance the formula is wrong; just over it, look for a kink.")
{
    /// <summary>Where, and by how much.</summary>
    public GradCheckReport Report { get; } = report;
}
