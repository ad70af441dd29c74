using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Starting values of settings under a name: one type, found by enumeration.</summary>
internal abstract class Preset : IKind
{
    private RunSettings? _settings;

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>The preset whose values it changes; null for none, and then it gives all settings of every run.</summary>
    public virtual string? Base => null;

    /// <summary>Names that it had in earlier versions.</summary>
    public virtual IReadOnlyList<string> OlderNames => [];

    /// <summary>What it is for, in one sentence.</summary>
    public virtual string Help => "";

    /// <summary>What it changes, by the names of the settings, as text.</summary>
    public abstract IReadOnlyList<(string Property, string Text)> Values { get; }

    /// <summary>All settings.</summary>
    public RunSettings Settings => _settings ??= Values.Aggregate(
        Base is null ? new RunSettings() : Presets.Of(Base), (settings, value) => settings.With(value.Property, value.Text));
}

/// <summary>The presets by name.</summary>
internal static class Presets
{
    /// <summary>The preset of every command that names none.</summary>
    public const string Usual = "standard";

    /// <summary>The run without arguments.</summary>
    public static RunSettings Demo => Of("demo");

    /// <summary>Where nothing else is asked for.</summary>
    public static RunSettings Standard => Of("standard");

    /// <summary>The names, for options and messages.</summary>
    public static IReadOnlyList<string> Names => Kinds.Names<Preset>();

    /// <summary>Whether there is a preset of a name, today's or that of an earlier version.</summary>
    public static bool Has(string name) => Find(name) is not null;

    /// <summary>The settings of a preset.</summary>
    /// <exception cref="ArgumentException">There is none of the name.</exception>
    public static RunSettings Of(string name) => Find(name)?.Settings
        ?? throw new ArgumentException($"There is no preset {name}.", nameof(name));

    /// <summary>Today's name of a preset.</summary>
    /// <param name="place">What names it, for the error.</param>
    /// <param name="name">Its name, today's or an older one.</param>
    /// <exception cref="DistillException">There is none; the message names the nearest.</exception>
    public static string Require(string place, string name)
    {
        if (Find(name) is { } found)
            return found.Name == name ? name : found.Name;
        IEnumerable<string> known = Kinds.Of<Preset>().SelectMany(p => p.OlderNames.Prepend(p.Name));
        string near = Nearest.To(name, known) is { } word ? $" (did you mean {Find(word)!.Name}?)" : "";
        throw DistillException.BadValue(place, name, $"one of {string.Join(", ", Names)}{near}");
    }

    private static Preset? Find(string name) => Kinds.Of<Preset>()
        .FirstOrDefault(p => p.Name == name || p.OlderNames.Contains(name, StringComparer.Ordinal));
}
