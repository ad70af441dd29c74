using System.CommandLine;
using System.Text;
using InfMatch.Datasets;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>docs/commands.md: everything that can be written behind the program's name, from the program itself.</summary>
internal sealed class ReferencePage
{
    private const int Width = 100;

    // Options of a group that a command names one by one; of a command with more those that it lacks are named.
    private const int MostNamed = 20;

    private readonly StringBuilder _text = new();

    private ReferencePage()
    {
    }

    /// <summary>The variables of the environment that the program reads, each with what it does.</summary>
    public static IReadOnlyList<(string Name, string Help)> Variables { get; } =
    [
        (DatasetCatalog.FolderVariable, "Folder of the data sets, where --data or --to is not given."),
        ("INFMATCH_DEVICE", "Device, where --device is not given."),
        (DecodedCache.FolderVariable, "Folder of decoded images and of the times of devices, in place of infmatch in the user's cache folder."),
        (Plugins.Variable, "Assemblies that bring methods, networks, data sets and the like, separated as in PATH."),
        (Launcher.LibraryVariable, "The MPI library of ranks that a launcher starts; none where its processes are to work alone."),
        (ProgramName.Variable, "How printed commands name the program; the script infmatch sets it."),
        ("NO_COLOR", "No colours, whatever its value."),
        ("TERM", "With the value dumb: no colours and no moving lines."),
    ];

    /// <summary>The meaning of an exit code.</summary>
    public static string MeaningOf(ExitCode code) => code switch
    {
        ExitCode.Done => "Everything asked for was done.",
        ExitCode.Bug => "A bug of the program.",
        ExitCode.Usage => "The command line or a configuration is wrong.",
        ExitCode.Data => "Data are missing or damaged, or a set does not keep what it claims.",
        ExitCode.Device => "The device or its driver is absent or failed.",
        ExitCode.Memory => "There is not enough memory.",
        ExitCode.Numerical => "A number stopped being finite.",
        ExitCode.FileSystem => "A file or folder cannot be written, or the disk is full.",
        ExitCode.Diverged => "A set was distilled, but it diverged.",
        ExitCode.Interrupted => "Stopped by Ctrl-C or SIGTERM.",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "It has no meaning yet."),
    };

    /// <summary>The page.</summary>
    public static string Write()
    {
        var page = new ReferencePage();
        page.Head();
        page.Commands();
        page.AllSettings();
        page.PresetValues();
        page.Codes();
        return page._text.ToString().TrimEnd('\n') + "\n";
    }

    private void Head()
    {
        Lines(
            "# Commands and options", "",
            "<!-- Generated: do not edit. `./infmatch reference > docs/commands.md` writes this file. -->", "");
        Paragraph(
            "The program starts in three ways. In a copy of the repository the script `./infmatch` builds it once and starts it; in " +
            "PowerShell it is `./infmatch.ps1`, in cmd `infmatch`. The .NET tool is called `infmatch`. From the sources " +
            "`dotnet run --project Distill --` does the same, and takes some seconds longer.");
        Paragraph(
            "A value comes from the first of these that gives it: the option, `--set`, the variable of the environment, the file of " +
            "`--config`, the published settings of the method where no preset is named, the preset. `./infmatch config show` tells each " +
            "value and its origin.");
        Paragraph("Results go to stdout. Notes, progress and errors go to stderr.");
        Lines("Every command has these options:", "");
        CommandTree.Everything(out RootCommand root);
        foreach (Option option in CommandOptions.Everywhere(root))
            Item($"`{CommandOptions.Label(option)}`: {HelpPage.DescriptionOf(option)}");
        Lines("");
    }

    private void Commands()
    {
        Lines("## Commands", "");
        IReadOnlyList<(CommandDefinition Definition, Command Command)> all = CommandTree.Everything(out _);
        foreach ((CommandDefinition first, Command command) in all.Where(c => !c.Definition.Name.Contains(' ')).OrderBy(c => c.Definition.Group))
        {
            Describe(first, command);
            foreach ((CommandDefinition below, Command inner) in all.Where(c =>
                c.Definition.Name.StartsWith(first.Name + " ", StringComparison.Ordinal)))
                Describe(below, inner);
        }
        Lines("### without a command", "");
        Paragraph("The demonstration runs. It takes the options of the group Running, apart from `--save-every`.");
    }

    private void Describe(CommandDefinition definition, Command command)
    {
        Lines($"### {definition.Name}", "");
        IReadOnlyList<string> paragraphs = HelpText.Paragraphs(ProgramName.In(definition.Help, "./infmatch"));
        foreach (string paragraph in paragraphs)
        {
            if (!HelpText.IsSection(paragraph))
            {
                Paragraph(paragraph);
                continue;
            }
            string[] lines = paragraph.Split('\n');
            Lines(lines[0], "");
            Lines([.. lines[1..].Select(l => "    " + l.Trim()), ""]);
        }
        foreach (Argument argument in command.Arguments)
            Item($"`{argument.Name}`{(argument.Arity.MinimumNumberOfValues == 0 ? " (can be left out)" : "")}: {argument.Description}");
        foreach (Option option in command.Options.Where(o => !o.Hidden && CommandOptions.SettingOf(o) is null))
            Item($"`{CommandOptions.Label(option)}`: {option.Description}");
        SettingsOf(command);
        Lines("");
    }

    // A group that a command has as a whole, or nearly so, by its name, else the options of it.
    private void SettingsOf(Command command)
    {
        HashSet<Setting> own = [.. command.Options.Select(CommandOptions.SettingOf).OfType<Setting>()];
        var parts = new List<string>();
        foreach (IGrouping<SettingGroup, Setting> group in Settings.All.GroupBy(SettingGroups.Of).OrderBy(g => g.Key))
        {
            Setting[] had = [.. group.Where(s => own.Contains(s))], missing = [.. group.Except(had)];
            if (missing.Length == 0)
                parts.Add($"all of {SettingGroups.Heading(group.Key)}");
            else if (had.Length > MostNamed)
                parts.Add($"all of {SettingGroups.Heading(group.Key)} but {Named(missing)}");
            else if (had.Length > 0)
                parts.Add(Named(had));
        }
        if (own.Count == Settings.All.Length)
            Item("All settings (below).");
        else if (parts.Count > 0)
            Item($"Settings (below): {string.Join("; ", parts)}.");

        static string Named(IEnumerable<Setting> settings) => string.Join(", ", settings.Select(s => $"`{s.Name}`"));
    }

    private void AllSettings()
    {
        Lines("## Settings", "");
        Paragraph(
            "Each has an option, and a key for `--set` and for files, here behind the option. In brackets stands the value of the " +
            $"preset `{Presets.Usual}`, with its methods behind it where methods differ in it, and where they differ those of the other " +
            "presets.");
        foreach (IGrouping<SettingGroup, Setting> group in Settings.All.GroupBy(SettingGroups.Of).OrderBy(g => g.Key))
        {
            Lines($"### {SettingGroups.Heading(group.Key)}", "");
            foreach (Setting setting in group)
                Item($"`{setting.Name} {setting.Hint}`, `{setting.Key}`: {setting.Option.Description}");
            Lines("");
        }
    }

    private void PresetValues()
    {
        Lines("## Presets", "");
        foreach (StartingValues preset in Presets.All)
            Item($"`{preset.Name}`: {preset.Help}");
        Lines("");
        StartingValues[] presets = [.. Kinds.Of<Preset>().Where(p => !p.Varies)];
        Paragraph(
            "Where no preset is named, a method stands for its published settings. A preset that is named goes before them: " +
            "`--preset standard --method dm` is `dm` with the values of `standard`.");
        Paragraph(
            "Values of the others follow from the data set and the images per class; `./infmatch presets NAME` shows them. These settings " +
            $"differ between {string.Join(", ", presets.Select(p => $"`{p.Name}`"))}:");
        Lines(
            $"| key | {string.Join(" | ", presets.Select(p => p.Name))} |", $"|---|{string.Concat(presets.Select(_ => "---|"))}");
        foreach (Setting setting in Settings.All)
        {
            string[] values = [.. presets.Select(p => setting.IsOf(p.Settings) ? setting.Show(p.Settings) : "")];
            if (values.Distinct(StringComparer.Ordinal).Count() > 1)
                Lines($"| `{setting.Key}` | {string.Join(" | ", values)} |");
        }
        Lines("");
    }

    private void Codes()
    {
        Lines("## Environment variables", "");
        foreach ((string name, string help) in Variables)
            Item($"`{name}`: {help}");
        Lines("", "## Exit codes", "");
        foreach (ExitCode code in Enum.GetValues<ExitCode>())
            Item($"{(int)code}: {MeaningOf(code)}");
        Lines("", "## Error codes", "");
        Paragraph("An error message ends with its code in brackets; the message says what to do.");
        foreach ((string code, string meaning) in ErrorCodes.All)
            Item($"`{code}`: {meaning}");
    }

    private void Paragraph(string text)
    {
        foreach (string line in TextLines.Broken(text, Width))
            Lines(line);
        Lines("");
    }

    private void Item(string text)
    {
        bool isFirst = true;
        foreach (string line in TextLines.Broken(text, Width - 2))
        {
            Lines((isFirst ? "- " : "  ") + line);
            isFirst = false;
        }
    }

    private void Lines(params IEnumerable<string> lines)
    {
        foreach (string line in lines)
            _text.Append(line).Append('\n');
    }
}
