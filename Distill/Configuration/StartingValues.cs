using System.Collections.Immutable;
using InfMatch.Methods;

namespace InfMatch.Distill;

/// <summary>Starting values of settings under a name: a <see cref="Preset"/>, or what the authors of a method published. They may depend
/// on the data set and on the images per class.</summary>
internal abstract class StartingValues
{
    private RunSettings? _settings;
    private bool? _varies;

    /// <summary>The name behind --preset.</summary>
    public abstract string Name { get; }

    /// <summary>The preset whose values it changes; null for none, and then it gives all settings of every run.</summary>
    public virtual string? Base => null;

    /// <summary>Names that it had in earlier versions.</summary>
    public virtual IReadOnlyList<string> OlderNames => [];

    /// <summary>What it is for, in one sentence.</summary>
    public virtual string Help => "";

    /// <summary>What it changes whatever the data set, by the names of the settings, as text.</summary>
    public abstract IReadOnlyList<(string Property, string Text)> Values { get; }

    /// <summary>What it changes besides for a data set and so many images per class, neither of which is among it.</summary>
    public virtual IReadOnlyList<(string Property, string Text)> ValuesAt(PublishedCase at) => [];

    /// <summary>What it changes besides for a method that is not its own, where nobody gives it; none of it stands before the method among
    /// the settings.</summary>
    public virtual IReadOnlyList<(string Property, string Text)> ValuesOf(string method) => [];

    /// <summary>All settings for the data set that it begins with, and the first of its numbers of images per class.</summary>
    public RunSettings Settings => _settings ??= UsualSettings();

    /// <summary>Whether its values depend on the data set or on the images per class, besides those that each set of a run has of its
    /// own.</summary>
    public bool Varies => _varies ??= Presets.Cases
        .Select(at => string.Join('\n', ValuesAt(at).Where(v => !Distill.Settings.Of(v.Property).IsOfEachSet)))
        .Distinct(StringComparer.Ordinal).Count() > 1;

    /// <summary>What it changes for a data set and so many images per class.</summary>
    public IReadOnlyList<(string Property, string Text)> At(string dataset, int ipc) =>
        [.. Values, .. ValuesAt(new PublishedCase(dataset, ipc))];

    /// <summary>All settings for a data set and so many images per class, with what their protocol stands for.</summary>
    public RunSettings SettingsAt(string dataset, int ipc)
    {
        RunSettings plain = PlainAt(dataset, ipc) with { Dataset = dataset, Ipc = [ipc] };
        IReadOnlySet<string> beside = StatedBesideProtocol(dataset, ipc);
        return Protocols.Complete(plain, property => !beside.Contains(property));
    }

    /// <summary>All settings for a data set and sets of so many images per class: those of the first, and what each set has of its
    /// own.</summary>
    public RunSettings SettingsAt(string dataset, ImmutableArray<int> ipc) => SettingsAt(dataset, ipc[0]) with
    {
        Ipc = ipc, Factor = TileFactors.Of([.. ipc.Select(n => SettingsAt(dataset, n).FactorOf(n))]),
    };

    /// <summary>What is stated together with the protocol, and so goes before what the protocol stands for; nothing where no protocol
    /// is stated.</summary>
    public IReadOnlySet<string> StatedBesideProtocol(string dataset, int ipc)
    {
        HashSet<string> own = [.. At(dataset, ipc).Select(v => v.Property)];
        if (own.Contains(nameof(RunSettings.Protocol)))
            return own;
        IReadOnlySet<string> below = BaseValues?.StatedBesideProtocol(dataset, ipc) ?? new HashSet<string>(StringComparer.Ordinal);
        return below.Count == 0 ? below : own.Union(below, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
    }

    private StartingValues? BaseValues => Base is null ? null : Presets.Find(Base)
        ?? throw new InvalidOperationException($"The preset {Name} changes the preset {Base}, which there is not.");

    private RunSettings UsualSettings()
    {
        RunSettings first = Values.Aggregate(BaseValues?.Settings ?? new RunSettings(), (settings, value) => With(settings, value));
        return SettingsAt(first.Dataset, first.Ipc);
    }

    private RunSettings PlainAt(string dataset, int ipc) =>
        At(dataset, ipc).Aggregate(BaseValues?.PlainAt(dataset, ipc) ?? new RunSettings(), (settings, value) => With(settings, value));

    private RunSettings With(RunSettings settings, (string Property, string Text) value) =>
        Distill.Settings.All.Any(s => s.Property == value.Property)
            ? settings.With(value.Property, value.Text)
            : throw new InvalidOperationException($"{Name} has a value of {value.Property}, which is no setting.");
}
