using System.Globalization;

namespace InfMatch.Distill;

/// <summary>From the text of an option to its value; an error names the option.</summary>
internal static class OptionText
{
    /// <summary>A whole number from low to high.</summary>
    /// <exception cref="DistillException">It is none.</exception>
    public static int Whole(string name, string text, int low, int high) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int v) && v >= low && v <= high
            ? v
            : throw DistillException.BadValue(name, text, $"a whole number from {low} to {high}");

    /// <summary>A finite number that passes a check.</summary>
    /// <exception cref="DistillException">It is none.</exception>
    public static double Number(string name, string text, Func<double, bool> isFine, string expected) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double v) && double.IsFinite(v) && isFine(v)
            ? v
            : throw DistillException.BadValue(name, text, expected);

    /// <summary>One of some words; the error for another word names the nearest of them.</summary>
    /// <exception cref="DistillException">It is none of them.</exception>
    public static string OneOf(string name, string text, IReadOnlyList<string> choices) =>
        choices.Contains(text, StringComparer.Ordinal)
            ? text
            : throw DistillException.BadValue(
                name, text,
                $"one of {string.Join(", ", choices)}" + (Nearest.To(text, choices) is { } near ? $" (did you mean {near}?)" : ""));
}
