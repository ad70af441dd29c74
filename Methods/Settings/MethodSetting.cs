using System.Globalization;

namespace InfMatch.Methods;

/// <summary>A setting of a method: from its text to its value. The program makes an option of it, a key of config.json and a line
/// of help.</summary>
/// <param name="name">In Pascal case, such as StartFirst: the option is --start-first.</param>
/// <param name="help">One line.</param>
/// <param name="standard">The value where a preset gives none, as text.</param>
public abstract class MethodSetting(string name, string help, string standard)
{
    /// <summary>In Pascal case, such as StartFirst.</summary>
    public string Name { get; } = name;

    /// <summary>One line.</summary>
    public string Help { get; } = help;

    /// <summary>The value where a preset gives none.</summary>
    public string Standard { get; } = standard;

    /// <summary>The value that a run had before there was the setting; it is left out of what decides a run's numbers, so that
    /// runs from before it go on. Null where every run has it.</summary>
    public string? Neutral { get; init; }

    /// <summary>What stands for the value in help.</summary>
    public abstract string Hint { get; }

    /// <summary>Whether its values are numbers in JSON.</summary>
    public virtual bool IsNumber => true;

    /// <summary>The choices where there are some, else empty.</summary>
    public virtual IReadOnlyList<string> Choices => [];

    /// <summary>The same value as every text for it is written: "1e1" is "10".</summary>
    /// <exception cref="SettingException">It is not acceptable.</exception>
    public abstract string Canonical(string text);

    /// <summary>The exception for a text.</summary>
    protected SettingException Refuse(string text, string expected) => new(Name, text, expected);
}

/// <summary>A whole number in a range.</summary>
public sealed class WholeSetting(string name, string help, int standard, int low, int high)
    : MethodSetting(name, help, standard.ToString(CultureInfo.InvariantCulture))
{
    /// <inheritdoc/>
    public override string Hint => "N";

    /// <summary>The value among those of a method.</summary>
    public int Of(MethodValues values) => int.Parse(values[this], CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string Canonical(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int v) && v >= low && v <= high
            ? v.ToString(CultureInfo.InvariantCulture)
            : throw Refuse(text, $"a whole number from {low} to {high}");
}

/// <summary>A number above 0; what is smaller than 1e-30 would be 0 in float32 or make an infinity of what it divides.</summary>
public sealed class RealSetting(string name, string help, double standard, bool zero = false)
    : MethodSetting(name, help, standard.ToString("R", CultureInfo.InvariantCulture))
{
    private const double Smallest = 1e-30;

    /// <inheritdoc/>
    public override string Hint => "X";

    /// <summary>The value among those of a method.</summary>
    public double Of(MethodValues values) => double.Parse(values[this], CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string Canonical(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double v) && double.IsFinite(v)
            && (v >= Smallest || (zero && v == 0))
            ? v.ToString("R", CultureInfo.InvariantCulture)
            : throw Refuse(text, zero ? "a number from 0" : "a number above 0");
}

/// <summary>One of some words.</summary>
public sealed class ChoiceSetting(string name, string help, string standard, params string[] choices)
    : MethodSetting(name, help, standard)
{
    /// <summary>Words of earlier versions, with those that they mean; they are read and not shown.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override string Hint => "NAME";

    /// <inheritdoc/>
    public override bool IsNumber => false;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Choices => choices;

    /// <summary>The value among those of a method.</summary>
    public string Of(MethodValues values) => values[this];

    /// <inheritdoc/>
    public override string Canonical(string text) => choices.Contains(text, StringComparer.Ordinal) ? text
        : Aliases.TryGetValue(text, out string? meant) ? meant
        : throw Refuse(text, $"one of {string.Join(", ", choices)}");
}
