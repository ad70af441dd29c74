namespace InfMatch.Methods;

/// <summary>A value of a method's setting that is not acceptable.</summary>
/// <param name="setting">The setting's name, such as StartLast; empty where the caller knows it.</param>
/// <param name="got">The value.</param>
/// <param name="expected">What is acceptable.</param>
public sealed class SettingException(string setting, string got, string expected)
    : Exception($"{setting} is {got}, expected {expected}.")
{
    /// <summary>The setting's name.</summary>
    public string Setting { get; } = setting;

    /// <summary>The value.</summary>
    public string Got { get; } = got;

    /// <summary>What is acceptable.</summary>
    public string Expected { get; } = expected;
}
