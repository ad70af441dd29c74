namespace InfMatch.Distill;

/// <summary>The options with which 'distill' has the settings of a run again, whatever command, file or grid these came from.</summary>
/// <param name="Preset">The preset to name; null for none.</param>
/// <param name="Settings">The settings whose options are to be given.</param>
internal sealed record RepeatedOptions(string? Preset, IReadOnlyList<Setting> Settings)
{
    // What a given protocol stands for can follow from it, so it comes before what it leaves to be given.
    private const int MostRounds = 4;

    private const string PresetOrigin = "preset ";

    // Where files are and what computes; it is repeated where it was given.
    private static readonly string[] s_ofPlace =
    [
        nameof(RunSettings.Data), nameof(RunSettings.Out), nameof(RunSettings.ExpertsFrom), nameof(RunSettings.BaselinesFrom),
        nameof(RunSettings.Threads), nameof(RunSettings.Device), nameof(RunSettings.MemoryLimit),
    ];

    /// <summary>Whether a setting was given, in whatever way, and did not follow from something else.</summary>
    public static bool IsGiven(ResolvedSettings resolved, Setting setting) =>
        setting.IsOf(resolved.Settings) && setting.Show(resolved.Settings).Length > 0
        && resolved.Origins.TryGetValue(setting.Property, out string? origin)
        && origin.Split(' ')[0] is not ("preset" or "method" or "protocol" or "budget" or "not");

    /// <summary>The preset that settings name as the origin of some; null for none.</summary>
    public static string? PresetOf(ResolvedSettings resolved) => resolved.Origins.Values
        .Where(o => o.StartsWith(PresetOrigin, StringComparison.Ordinal)).Select(o => o[PresetOrigin.Length..]).FirstOrDefault();

    /// <summary>The value of a setting as words of a command.</summary>
    public static string Words(Setting setting, RunSettings settings) => setting.Many
        ? string.Join(' ', setting.Show(settings).Split(' ').Select(ShellWord.Of))
        : ShellWord.Of(setting.Show(settings));

    /// <summary>The fewest options that were found, by resolving them: with the preset of the settings, and without one. Null where
    /// none give the settings again.</summary>
    public static RepeatedOptions? Of(ResolvedSettings resolved)
    {
        string? named = PresetOf(resolved) is { } name ? Presets.Find(name)?.Name : null;
        return new[] { null, named }.Distinct(StringComparer.Ordinal).Select(preset => Of(resolved, preset)).OfType<RepeatedOptions>()
            .MinBy(found => found.Settings.Count + (found.Preset is null ? 0 : 1));
    }

    private static RepeatedOptions? Of(ResolvedSettings resolved, string? preset)
    {
        RunSettings wanted = resolved.Settings;
        HashSet<Setting> given = [.. Distill.Settings.All.Where(s => IsGiven(resolved, s))];
        for (int round = 0; round < MostRounds; round++)
        {
            Setting[] differ;
            try
            {
                RunSettings found = Distill.Settings.Resolve(preset, s => given.Contains(s) ? s.Show(wanted) : null, _ => null).Settings;
                differ = [.. Distill.Settings.All.Where(s => s.IsOf(wanted) && !s_ofPlace.Contains(s.Property, StringComparer.Ordinal)
                    && s.Show(found) != s.Show(wanted))];
            }
            catch (DistillException) // these options do not go together without others
            {
                return null;
            }
            if (differ.Length == 0)
                return new RepeatedOptions(preset, [.. Distill.Settings.All.Where(given.Contains)]);
            string[] before = [nameof(RunSettings.Method), nameof(RunSettings.Protocol)];
            if (Array.Find(differ, s => before.Contains(s.Property, StringComparer.Ordinal)) is { } first && given.Add(first))
                continue;
            if (!differ.Where(s => s.Show(wanted).Length > 0).Aggregate(false, (isNew, s) => given.Add(s) || isNew))
                return null;
        }
        return null;
    }
}
