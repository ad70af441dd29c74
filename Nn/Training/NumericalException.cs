namespace InfMatch.Nn;

/// <summary>A loss or an objective that stopped being a finite number.</summary>
/// <param name="what">What was being computed.</param>
/// <param name="step">The step at which it happened.</param>
/// <param name="value">The value that was found.</param>
/// <param name="advice">What to change.</param>
public sealed class NumericalException(string what, int step, double value, string advice)
    : Exception($"Step {step}: {what} became {value}. {advice}")
{
    /// <summary>The step at which it happened.</summary>
    public int Step { get; } = step;
}
