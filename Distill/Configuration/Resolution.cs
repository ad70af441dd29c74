using System.Collections.Immutable;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>
/// From where the values of a run come: the option, --set, the environment, the file, the published values of the method, the preset;
/// the first that gives one counts. A method stands for its published values where no preset is named.
/// </summary>
/// <param name="commandLine">The text of a setting's option, or null.</param>
/// <param name="environment">The value of a variable, or null.</param>
/// <param name="input">What --set and --config give; null for nothing.</param>
internal sealed class Resolution(
    Func<Setting, string?> commandLine, Func<string, string?> environment, ConfigInput? input)
{
    /// <summary>The images per class of all sets for which values of each set are given, where the run has some of them; null where it
    /// has all.</summary>
    public ImmutableArray<int>? AllSets { get; init; }

    private sealed record Given(Func<RunSettings, RunSettings> Set, string Origin);

    private static readonly string[] s_ofCase = [nameof(RunSettings.Dataset), nameof(RunSettings.Ipc), nameof(RunSettings.Method)];

    /// <summary>Every setting with its origin.</summary>
    /// <param name="preset">The preset that is named; null for none.</param>
    /// <exception cref="DistillException">A value is not acceptable, or two do not go together, or the values of a preset for several
    /// numbers of images per class differ.</exception>
    public ResolvedSettings From(string? preset)
    {
        StartingValues named = Presets.Find(preset ?? Presets.Usual)
            ?? throw new ArgumentException($"There is no preset {preset}.", nameof(preset));
        RunSettings of = CaseOn(named);
        if (preset is null && of.IsOfPairs)
            of = CaseOn(named = Presets.For(areOfPairs: true));
        RequireTask(named, of);
        if (of.Ipc.IsEmpty)
            throw DistillException.BadValue("--ipc", "", "at least one number from 1");
        StartingValues begin = preset is null && !of.IsOfPairs ? Presets.PublishedOf(of.MethodName) ?? named : named;
        HashSet<string> stated = [.. begin.At(of.Dataset, of.Ipc[0]).Select(v => v.Property)];
        RequireOne(begin, of);
        RunSettings settings = begin.SettingsAt(of.Dataset, of.Ipc);
        var origins = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (Setting setting in Settings.All)
        {
            Given? given = GivenTo(setting);
            settings = given?.Set(settings) ?? settings;
            if (setting.Property == nameof(RunSettings.Method))
                settings = WithValuesOfMethod(settings, begin);
            origins.Add(setting.Property, given?.Origin ?? OriginOf(begin, preset, stated.Contains(setting.Property)));
        }
        settings = WithoutBatchesOfAnother(settings, origins);
        settings = WithoutTilesOfWhitened(settings, origins);
        settings = WithProtocol(settings, begin, origins);
        // A file means the augmentation that it names, with cutout as protocol B once had it.
        if (origins[nameof(RunSettings.Augment)].StartsWith("command line", StringComparison.Ordinal))
            settings = Protocols.WithoutCutoutUnderCutMix(settings);
        RequireNothingBesideStart(settings, origins);
        // INFMATCH_DATA may stand in a shell for other sets; it does not turn the built-in set into an error.
        if (settings.Dataset is DatasetCatalog.DefaultName or PairCatalog.DefaultName
            && origins["Data"].StartsWith("environment", StringComparison.Ordinal))
        {
            settings = settings with { Data = null };
            origins["Data"] = $"not used: {settings.Dataset} is built in";
        }
        if (AllSets is { } all)
            settings = settings with { Factor = settings.Factor?.Of(all, settings.Ipc) };
        Settings.CheckTogether(settings);
        return new ResolvedSettings(settings, origins);
    }

    private RunSettings CaseOn(StartingValues begin) =>
        s_ofCase.Select(Settings.Of).Aggregate(begin.Settings, (s, setting) => GivenTo(setting)?.Set(s) ?? s);

    private RunSettings WithValuesOfMethod(RunSettings settings, StartingValues begin) => begin.ValuesOf(settings.MethodName)
        .Where(value => GivenTo(Settings.Of(value.Property)) is null)
        .Aggregate(settings, (s, value) => s.With(value.Property, value.Text));

    private static void RequireTask(StartingValues named, RunSettings of)
    {
        if (named.Settings.IsOfPairs != of.IsOfPairs)
        {
            throw DistillException.BadValue(
                "--preset", named.Name,
                of.IsOfPairs
                    ? $"{Presets.UsualOfPairs}, or no preset, beside --dataset {of.Dataset}, which is of image-text pairs"
                    : $"another preset beside --dataset {of.Dataset}: this one is for image-text pairs");
        }
    }

    private Given? GivenTo(Setting setting)
    {
        if (commandLine(setting) is { } option)
            return new(s => setting.Set(s, option), $"command line ({setting.Name})");
        if (input?.OfSet(setting) is { } set)
            return new(set.In, set.Origin);
        if (setting.Variable is { } variable && environment(variable) is { Length: > 0 } found)
            return new(s => setting.Set(s, found), $"environment ({variable})");
        return input?.OfFile(setting) is { } read ? new(read.In, read.Origin) : null;
    }

    private static string OriginOf(StartingValues begin, string? preset, bool isStated) =>
        preset is not null ? $"preset {begin.Name}"
        : begin is not PublishedSettings ? $"preset {begin.Name}"
        : isStated ? Settings.OfMethod(begin.Name)
        : $"preset {Presets.Usual}";

    // A preset has batches of the set for its own method; one that takes the set at once has none of them.
    private RunSettings WithoutBatchesOfAnother(RunSettings settings, Dictionary<string, string> origins)
    {
        const string Batch = nameof(RunSettings.BatchSyn);
        if (settings is not { BatchSyn: not null, MethodKind.TakesBatchesOfS: false } || GivenTo(Settings.Of(Batch)) is not null)
            return settings;
        origins[Batch] = $"method {settings.MethodName} (takes all of the set)";
        return settings with { BatchSyn = null, BatchOf = null };
    }

    // A preset has tiles for images that can be shrunk; whitened ones cannot.
    private RunSettings WithoutTilesOfWhitened(RunSettings settings, Dictionary<string, string> origins)
    {
        const string Factor = nameof(RunSettings.Factor);
        if (settings is not { Zca: not null, Factor: not null } || GivenTo(Settings.Of(Factor)) is not null)
            return settings;
        origins[Factor] = "not used: whitened images cannot be shrunk and enlarged";
        return settings with { Factor = null };
    }

    // What a protocol stands for goes before the values of a preset, but not before those that a preset states beside the protocol.
    private RunSettings WithProtocol(RunSettings settings, StartingValues begin, Dictionary<string, string> origins)
    {
        string protocol = Settings.OfProtocol(settings);
        foreach (string property in OpenToProtocol(settings, begin))
            origins[property] = protocol;
        return Protocols.Complete(settings, property => origins[property] == protocol);
    }

    private IEnumerable<string> OpenToProtocol(RunSettings settings, StartingValues begin)
    {
        IReadOnlySet<string> beside = GivenTo(Settings.Of(nameof(RunSettings.Protocol))) is null
            ? begin.StatedBesideProtocol(settings.Dataset, settings.Ipc[0])
            : new HashSet<string>(StringComparer.Ordinal);
        return Protocols.ValuesOf(settings.Protocol).Select(v => v.Property)
            .Where(property => GivenTo(Settings.Of(property)) is null && !beside.Contains(property));
    }

    // One run has one value of each setting.
    private void RequireOne(StartingValues begin, RunSettings of)
    {
        if (of.Ipc.Length < 2)
            return;
        RunSettings[] each = [.. of.Ipc.Select(ipc => begin.SettingsAt(of.Dataset, ipc))];
        HashSet<string> free = [.. Settings.All.Where(s => !s.IsOfEachSet && GivenTo(s) is null).Select(s => s.Property)];
        if (GivenTo(Settings.Of(nameof(RunSettings.Protocol))) is { } given)
            free.ExceptWith(Protocols.ValuesOf(given.Set(each[0]).Protocol).Select(v => v.Property));
        string[] differ =
        [
            .. Settings.All.Where(s => free.Contains(s.Property) && s.IsOf(of) && s.IsOf(each[0])
                && each.Select(s.Show).Distinct(StringComparer.Ordinal).Count() > 1)
                .Select(s => $"{s.Name} ({string.Join(", ", each.Select(s.Show))})"),
        ];
        if (differ.Length == 0)
            return;
        string whose = begin is PublishedSettings ? $"the published settings of {begin.Name}" : $"the preset {begin.Name}";
        throw DistillException.BadValue(
            "--ipc", string.Join(' ', of.Ipc),
            $"one number in a run, because {whose} for them differ in {string.Join(", ", differ)}. Run each number on its own, or give " +
            "these options yourself");
    }

    private static void RequireNothingBesideStart(RunSettings settings, Dictionary<string, string> origins)
    {
        string[] ofStart = ["ImageStart", "LabelStart"];
        if (settings.StartFrom is not null && Array.Find(ofStart, p => origins[p].StartsWith("command line", StringComparison.Ordinal)) is { } dropped)
        {
            throw DistillException.BadValue(
                Setting.OptionOf(dropped), Settings.Of(dropped).Show(settings),
                "nothing beside --start-from: images and labels come from that set");
        }
    }
}
