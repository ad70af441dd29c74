using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>The options of a command under the headings of its help.</summary>
internal static class CommandOptions
{
    /// <summary>Fewer options than these need no headings.</summary>
    private const int FewOptions = 15;

    /// <summary>Headings with their options, each option once: the most used, those of the command alone, then the settings by
    /// group. Options that every command has are not among them.</summary>
    public static IReadOnlyList<(string Heading, IReadOnlyList<Option> Options)> Of(CommandDefinition definition, Command command)
    {
        Option[] own = [.. command.Options.Where(o => !o.Hidden && !o.Recursive && o.Name is not ("--help" or "--version"))];
        if (own.Length < FewOptions)
            return own.Length == 0 ? [] : [("Options", own)];
        Option[] common = [.. definition.CommonOptions.Select(name => own.FirstOrDefault(o => o.Name == name)).OfType<Option>()];
        Option[] rest = [.. own.Except(common)];
        return
        [
            .. new (string Heading, IReadOnlyList<Option> Options)[]
            {
                ("Most used options", common), ("More options", [.. rest.Where(o => SettingOf(o) is null)]),
            }.Where(g => g.Options.Count > 0),
            .. rest.Where(o => SettingOf(o) is not null).GroupBy(o => SettingGroups.Of(SettingOf(o)!)).OrderBy(g => g.Key)
                .Select(g => (SettingGroups.Heading(g.Key), (IReadOnlyList<Option>)[.. g])),
        ];
    }

    /// <summary>The setting whose option it is; null for an option of a command alone, which may have the name of one.</summary>
    public static Setting? SettingOf(Option option) => Settings.All.FirstOrDefault(s => ReferenceEquals(s.Option, option));

    /// <summary>The options that every command has.</summary>
    public static IReadOnlyList<Option> Everywhere(RootCommand root) =>
        [.. root.Options.Where(o => !o.Hidden && (o.Recursive || o.Name is "--help" or "--version"))];

    /// <summary>An option with the place of its value, such as "--lr-img X".</summary>
    public static string Label(Option option) =>
        string.Join(", ", option.Aliases.Where(a => a.Length == 2 && a[0] == '-').Append(option.Name))
        + (string.IsNullOrEmpty(option.HelpName) ? "" : $" {option.HelpName}");
}
