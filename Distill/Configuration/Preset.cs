using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Starting values of settings under a name: one type, found by enumeration.</summary>
internal abstract class Preset : StartingValues, IKind;

/// <summary>The presets by name: those of their own, and one for each method that has published settings.</summary>
internal static class Presets
{
    /// <summary>The preset of every command that names none.</summary>
    public const string Usual = "standard";

    /// <summary>The preset of data sets of image-text pairs.</summary>
    public const string UsualOfPairs = "pairs";

    private static readonly Lazy<IReadOnlyList<PublishedSettings>> s_published = new(FindPublished);

    /// <summary>Data sets and images per class for which values are shown, and by which is seen whether they depend on them.</summary>
    public static IReadOnlyList<PublishedCase> Cases { get; } =
        [.. DatasetCatalog.Names.SelectMany(name => ((int[])[1, 10, 50]).Select(ipc => new PublishedCase(name, ipc)))];

    /// <summary>The run without arguments.</summary>
    public static RunSettings Demo => Of("demo");

    /// <summary>Where nothing else is asked for.</summary>
    public static RunSettings Standard => Of("standard");

    /// <summary>What every command that names no preset begins with.</summary>
    /// <param name="areOfPairs">Whether the data are image-text pairs.</param>
    public static StartingValues For(bool areOfPairs) => Find(areOfPairs ? UsualOfPairs : Usual)!;

    /// <summary>All: those of their own, then those of methods.</summary>
    public static IReadOnlyList<StartingValues> All => [.. Kinds.Of<Preset>(), .. s_published.Value];

    /// <summary>The names, for options and messages.</summary>
    public static IReadOnlyList<string> Names => [.. All.Select(p => p.Name)];

    /// <summary>The names in a sentence.</summary>
    public static string NamesInWords =>
        string.Join(", ", Kinds.Names<Preset>()) +
        (s_published.Value.Count == 0 ? "" : $", or the published ones of a method: {string.Join(", ", s_published.Value.Select(p => p.Name))}");

    /// <summary>Whether there is a preset of a name, today's or that of an earlier version.</summary>
    public static bool Has(string name) => Find(name) is not null;

    /// <summary>The settings of a preset, where nothing else is given.</summary>
    /// <exception cref="ArgumentException">There is none of the name.</exception>
    public static RunSettings Of(string name) => Find(name)?.Settings
        ?? throw new ArgumentException($"There is no preset {name}.", nameof(name));

    /// <summary>The published settings of a method; null where it has none.</summary>
    public static PublishedSettings? PublishedOf(string method) => s_published.Value.FirstOrDefault(p => p.Name == method);

    /// <summary>Settings with another method in the place of theirs, and its published values for a data set and so many images per
    /// class in the place of those that nobody gave. A method without published values leaves the others as they are.</summary>
    /// <param name="on">What the others are as.</param>
    /// <param name="method">The method.</param>
    /// <param name="at">The data set and the images per class.</param>
    /// <param name="isOpen">Whether nobody gave a setting, by its property; a protocol that stays as it is keeps its own values.</param>
    public static RunSettings WithPublished(RunSettings on, string method, PublishedCase at, Func<string, bool> isOpen)
    {
        RunSettings settings = on.With(nameof(RunSettings.Method), method) with { Dataset = at.Dataset, Ipc = [at.Ipc] };
        if (PublishedOf(method) is not { } published)
            return settings;
        IReadOnlyList<(string Property, string Text)> values = published.ValuesAt(at);
        settings = values.Where(v => isOpen(v.Property)).Aggregate(settings, (s, v) => s.With(v.Property, v.Text));
        bool ofProtocol = isOpen(nameof(RunSettings.Protocol)) && values.Any(v => v.Property == nameof(RunSettings.Protocol));
        return ofProtocol
            ? Protocols.Complete(settings, property => isOpen(property) && values.All(v => v.Property != property))
            : settings;
    }

    /// <summary>Today's name of a preset.</summary>
    /// <param name="place">What names it, for the error.</param>
    /// <param name="name">Its name, today's or an older one.</param>
    /// <exception cref="DistillException">There is none; the message names the nearest.</exception>
    public static string Require(string place, string name)
    {
        if (Find(name) is { } found)
            return found.Name == name ? name : found.Name;
        IEnumerable<string> known = All.SelectMany(p => p.OlderNames.Prepend(p.Name));
        string near = Nearest.To(name, known) is { } word ? $" (did you mean {Find(word)!.Name}?)" : "";
        throw DistillException.BadValue(place, name, $"one of {string.Join(", ", Names)}{near}");
    }

    /// <summary>The preset of a name, today's or that of an earlier version; null for none.</summary>
    public static StartingValues? Find(string name) => All
        .FirstOrDefault(p => p.Name == name || p.OlderNames.Contains(name, StringComparer.Ordinal));

    private static IReadOnlyList<PublishedSettings> FindPublished()
    {
        DistillationMethod[] methods =
            [.. Kinds.Of<DistillationMethod>().Where(method => Cases.Any(at => method.Published(at).Count > 0))];
        return Array.Find(methods, method => Kinds.Find<Preset>(method.Name) is not null) is { } twice
            ? throw new InvalidOperationException(
                $"A preset and a method with published settings have the name '{twice.Name}'. Rename one.")
            : [.. methods.Select(method => new PublishedSettings(method))];
    }
}
