using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What the settings of a grid of runs are resolved from.</summary>
/// <param name="Preset">The preset that is named, or null.</param>
/// <param name="Given">The text of a setting on the command line, or null.</param>
/// <param name="Environment">The value of a variable, or null.</param>
/// <param name="File">A file of settings, or null.</param>
/// <param name="Sets">Each text behind --set; METHOD:KEY=VALUE is of one method.</param>
/// <param name="IsOfCommand">Whether the command has a setting.</param>
internal sealed record GridInput(
    string? Preset, Func<Setting, string?> Given, Func<string, string?> Environment, string? File, IReadOnlyList<string> Sets,
    Func<Setting, bool> IsOfCommand)
{
    /// <summary>Whether each method's experts are trained as its authors did, and not all alike.</summary>
    public bool HasOwnExperts { get; init; }
}

/// <summary>
/// The settings of the cells of a grid. Data, networks, experts, protocol and machine are the same for all; the rest of a method is
/// what its authors published (<see cref="DistillationMethod.Published"/>), and what is given goes before both.
/// </summary>
internal sealed class GridSettings
{
    private static readonly Setting[] s_ofAll =
    [
        .. Settings.OfData, .. Settings.OfExperts, .. Settings.OfEvaluation,
        .. Settings.OfMachine.Where(s => s.Property != nameof(RunSettings.Seed)),
        .. ((string[])[
            nameof(RunSettings.EvaluateEvery), nameof(RunSettings.EvaluateEpochs), nameof(RunSettings.ProbeEvery),
            nameof(RunSettings.SaveEvery), nameof(RunSettings.Budget),
        ]).Select(Settings.Of),
    ];

    // Data and device are opened once for all cells.
    private static readonly Setting[] s_ofMachineAndData =
    [
        .. Settings.OfData.Concat(Settings.OfMachine).Where(s => s.Property != nameof(RunSettings.Zca)),
        Settings.Of(nameof(RunSettings.ExpertsFrom)),
    ];

    // Sets that are made with one network are evaluated on it: methods are compared on the same.
    private static readonly string[] s_ofNetwork =
    [
        nameof(RunSettings.Model), nameof(RunSettings.Norm), nameof(RunSettings.Pooling), nameof(RunSettings.Width),
        nameof(RunSettings.Depth),
    ];

    private readonly GridInput _input;
    private readonly string _preset;
    private readonly ImmutableArray<int> _ipcs;

    /// <summary>The settings that all cells have in common.</summary>
    /// <exception cref="DistillException">A value is not acceptable, or a method that --set names is not there.</exception>
    public GridSettings(GridInput input)
    {
        _input = input;
        foreach (string text in input.Sets)
        {
            if (MethodOf(text) is { } method)
            {
                OptionText.OneOf(ConfigInput.SetOption, method, Kinds.Names<DistillationMethod>());
                ConfigInput own = InputOf(method, isOwn: true);
                if (s_ofMachineAndData.FirstOrDefault(s => own.OfSet(s) is not null) is { } alike)
                {
                    throw DistillException.BadValue(
                        ConfigInput.SetOption, text, $"a key that a method may have apart; {alike.Key} is that of all cells: give {alike.Name}");
                }
            }
        }
        ConfigInput file = InputOf(null);
        _preset = input.Preset is { } named ? Presets.Require("--preset", named) : file.Preset ?? file.PresetOfRun ?? Presets.Usual;
        _ipcs = FindIpcs();
        ResolvedSettings first = Resolve(
            DistillationMethod.Default, null, property => property == nameof(RunSettings.Ipc) ? FormattableString.Invariant($"{_ipcs[0]}") : null);
        Common = first with { Settings = first.Settings with { Ipc = _ipcs } };
    }

    // Each number has a run of its own, so a preset may have other values for each.
    private ImmutableArray<int> FindIpcs()
    {
        Setting ipc = Settings.Of(nameof(RunSettings.Ipc));
        RunSettings start = Presets.Of(_preset);
        ConfigInput given = InputOf(null);
        RunSettings read = _input.Given(ipc) is { } text ? ipc.Set(start, text) : (given.OfSet(ipc) ?? given.OfFile(ipc))?.In(start) ?? start;
        return read.Ipc.IsEmpty ? throw DistillException.BadValue("--ipc", "", "at least one number from 1") : read.Ipc;
    }

    /// <summary>What all have in common, with the settings of the usual method.</summary>
    public ResolvedSettings Common { get; }

    /// <summary>Each text behind --set.</summary>
    public IReadOnlyList<string> Sets => _input.Sets;

    /// <summary>Whether each method's experts are trained as its authors did.</summary>
    public bool HasOwnExperts => _input.HasOwnExperts;

    /// <summary>The settings of a cell.</summary>
    /// <param name="method">Its method.</param>
    /// <param name="ipc">Images per class.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="expertSeed">The seed of the experts, where none is given.</param>
    /// <exception cref="DistillException">A value is not acceptable, or two do not go together.</exception>
    public ResolvedSettings Of(string method, int ipc, ulong seed, ulong expertSeed)
    {
        ResolvedSettings resolved = Resolve(method, method, property => property switch
        {
            nameof(RunSettings.Ipc) => FormattableString.Invariant($"{ipc}"),
            nameof(RunSettings.Seed) => FormattableString.Invariant($"{seed}"),
            _ => null,
        });
        RunSettings settings = resolved.Settings;
        var origins = new Dictionary<string, string>(resolved.Origins, StringComparer.Ordinal);
        ConfigInput own = InputOf(method, isOwn: true);
        foreach ((string property, string text) in settings.MethodKind.Published(new PublishedCase(settings.Dataset, ipc)))
        {
            if (resolved.IsGiven(property) || IsCommon(Settings.Of(property), own))
                continue;
            settings = settings.With(property, text);
            origins[property] = Settings.OfMethod(method);
        }
        foreach (RunSetting setting in s_ofAll.OfType<RunSetting>().Where(setting => IsCommon(setting, own)))
        {
            settings = setting.Copy(settings, Common.Settings);
            origins[setting.Property] = Common.Origins[setting.Property];
        }
        settings = WithWindowsInEpochs(settings, resolved, origins) with { ExpertSeed = settings.ExpertSeed ?? expertSeed };
        Settings.CheckTogether(settings);
        return Settings.WithBudget(new ResolvedSettings(settings, origins));
    }

    // A window is a part of an expert's training. Where all share experts that store more or fewer checkpoints in an epoch than a
    // method's values are meant for, those values are changed so that windows begin and end in the same epochs.
    private RunSettings WithWindowsInEpochs(RunSettings settings, ResolvedSettings resolved, Dictionary<string, string> origins)
    {
        int meant = CheckpointsMeantBy(settings), now = settings.Checkpoints;
        if (meant == now || meant < 1 || now < 1)
            return settings;
        foreach (MethodSetting counting in settings.MethodKind.CountingCheckpoints(settings.OfMethod))
        {
            if (resolved.IsGiven(counting.Name))
                continue;
            double count = double.Parse(settings.OfMethod[counting], CultureInfo.InvariantCulture);
            double scaled = count == 0 ? 0 : Math.Max(1, Math.Round(count * now / meant));
            settings = settings.With(counting.Name, FormattableString.Invariant($"{scaled}"));
            origins[counting.Name] = FormattableString.Invariant($"scaled to {now} checkpoints an epoch from {count} of {meant}: {origins[counting.Name]}");
        }
        return settings;
    }

    private int CheckpointsMeantBy(RunSettings settings)
    {
        (string dataset, int ipc) = (settings.Dataset, settings.Ipc[0]);
        (string Property, string Text)[] published = [.. settings.MethodKind.Published(new PublishedCase(dataset, ipc))];
        return Array.Find(published, v => v.Property == nameof(RunSettings.Checkpoints)).Text is { } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : Presets.Find(_preset)!.SettingsAt(dataset, ipc).Checkpoints;
    }

    // Whether all cells have it alike: what --set gives a method is its own.
    private bool IsCommon(Setting setting, ConfigInput own) => s_ofAll.Contains(setting) && own.OfSet(setting) is null
        && !(_input.HasOwnExperts && !Common.IsGiven(setting.Property) && !s_ofNetwork.Contains(setting.Property, StringComparer.Ordinal)
            && (Settings.OfExperts.Contains(setting) || setting.Property == nameof(RunSettings.Zca)));

    /// <summary>The first setting that all cells share and in which two benchmarks differ, with both values; null for none. Where
    /// things are and on what is computed does not count.</summary>
    public static string? FirstOther(RunSettings began, RunSettings now) => s_ofAll
        .Where(s => s.Property is not (nameof(RunSettings.Data) or nameof(RunSettings.Out) or nameof(RunSettings.Threads)
            or nameof(RunSettings.Device) or nameof(RunSettings.MemoryLimit) or nameof(RunSettings.ExpertsFrom)
            or nameof(RunSettings.ExpertSeed) or nameof(RunSettings.SaveEvery)))
        .Where(s => s.Show(began) != s.Show(now)).Select(s => $"{s.Name} is {s.Show(now)}, and was {s.Show(began)}").FirstOrDefault();

    /// <summary>A name for experts: equal for settings that train them in the same way on the same data.</summary>
    public static string NameOfExperts(RunSettings s)
    {
        IEnumerable<string> deciding = Settings.OfExperts
            .Where(setting => setting.Property is not (nameof(RunSettings.Experts) or nameof(RunSettings.ExpertsFrom)))
            .Concat(((string[])[nameof(RunSettings.Dataset), nameof(RunSettings.Zca), nameof(RunSettings.ImageSize)]).Select(Settings.Of))
            .Select(setting => $"{setting.Key}={setting.Show(s)}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', deciding))))[..8];
    }

    private ResolvedSettings Resolve(string method, string? own, Func<string, string?> ofCell) => Settings.Resolve(
        _preset,
        setting => ofCell(setting.Property) is { } text ? text
            : setting.Property == nameof(RunSettings.Method) ? method
            : IsOf(setting, method) ? _input.Given(setting) : null,
        // What a run's own file has of the same preset goes before nothing that a method's authors published.
        _input.Environment, InputOf(own).Without(_preset).Only(setting => IsOf(setting, method)), _ipcs);

    // Of all methods, and of one more; or of one alone.
    private ConfigInput InputOf(string? method, bool isOwn = false) => ConfigInput.Read(
        isOwn ? null : _input.File,
        [
            .. _input.Sets.Where(text => !isOwn && MethodOf(text) is null),
            .. _input.Sets.Where(text => method is not null && MethodOf(text) == method).Select(text => text[(method!.Length + 1)..]),
        ],
        _input.IsOfCommand);

    private static bool IsOf(Setting setting, string method) =>
        setting is RunSetting || setting.IsOf(Presets.Standard with { Method = method });

    // "mtt" of "mtt:lrImg=100".
    private static string? MethodOf(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal), equals = text.IndexOf('=', StringComparison.Ordinal);
        return colon > 0 && (equals < 0 || colon < equals) ? text[..colon] : null;
    }
}
