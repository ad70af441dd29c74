using System.Collections.Immutable;

namespace InfMatch.Methods;

/// <summary>The values of a method's settings, as canonical text; what is not among them has its standard. Equal where all values
/// are.</summary>
public sealed class MethodValues : IEquatable<MethodValues>
{
    private readonly ImmutableSortedDictionary<string, string> _values;

    private MethodValues(ImmutableSortedDictionary<string, string> values) => _values = values;

    /// <summary>Standards alone.</summary>
    public static MethodValues Standard { get; } = new(ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));

    /// <summary>The value of a setting.</summary>
    public string this[MethodSetting setting] => _values.GetValueOrDefault(setting.Name, setting.Standard);

    /// <summary>The values with one of them from text.</summary>
    /// <exception cref="SettingException">The text is not acceptable.</exception>
    public MethodValues With(MethodSetting setting, string text) =>
        new(_values.SetItem(setting.Name, setting.Canonical(text)));

    /// <inheritdoc/>
    public bool Equals(MethodValues? other) => other is not null && _values.SequenceEqual(other._values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MethodValues);

    /// <inheritdoc/>
    public override int GetHashCode() => _values.Aggregate(0, (hash, p) => HashCode.Combine(hash, p.Key, p.Value));
}
