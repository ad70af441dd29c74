using System.Globalization;

namespace InfMatch.Nn;

/// <summary>A number that stopped being finite, or that is finite and can mean nothing: further out than what it stands
/// for can be.</summary>
public sealed class NumericalException : Exception
{
    /// <summary>At a step.</summary>
    /// <param name="what">What was being computed.</param>
    /// <param name="step">The step at which it happened.</param>
    /// <param name="value">The value that was found.</param>
    /// <param name="advice">What to change.</param>
    public NumericalException(string what, int step, double value, string advice)
        : base($"Step {step}: {what} became {Shown(value)}. {advice}") => Step = step;

    /// <summary>Of something that has no steps.</summary>
    /// <param name="what">What was being computed.</param>
    /// <param name="value">The value that was found.</param>
    /// <param name="advice">What to change.</param>
    public NumericalException(string what, double value, string advice)
        : base($"{what} became {Shown(value)}. {advice}")
    {
    }

    /// <summary>The step at which it happened; −1 where there are none.</summary>
    public int Step { get; } = -1;

    // Six digits: how far out a number is matters, and not its last places.
    private static string Shown(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
