using System.CommandLine;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A command of the program: one type in one file of this folder, found by enumeration.</summary>
internal abstract class CommandDefinition : IKind
{
    /// <summary>The words by which it is called, such as "distill" or "datasets get"; none for the program without a command.
    /// </summary>
    public abstract string Name { get; }

    /// <summary>Where it stands in the help of the command above it: smaller numbers first, equal ones by name.</summary>
    public virtual int Place => int.MaxValue;

    /// <summary>Under which heading it stands in the help of the program.</summary>
    public virtual CommandGroup Group => CommandGroup.Results;

    /// <summary>Older names, which work and are shown nowhere.</summary>
    public virtual IReadOnlyList<string> HiddenNames => [];

    /// <summary>Whether it is shown nowhere.</summary>
    public virtual bool IsHidden => false;

    /// <summary>Whether several ranks of MPI can do its work together.</summary>
    public virtual bool TakesRanks => false;

    /// <summary>What --help says. Paragraphs are broken at the width of the terminal; indented lines stay as they are. An
    /// example is a line that begins with two spaces and "infmatch", which is shown as the program was started.</summary>
    public abstract string Help { get; }

    /// <summary>One line for lists of commands: the first sentence of <see cref="Help"/>.</summary>
    public virtual string Summary => HelpText.FirstSentence(Help);

    /// <summary>The options that --help shows first, the most used one at the front; those that it does not have are passed
    /// over.</summary>
    public virtual IReadOnlyList<string> CommonOptions { get; } =
    [
        "--preset", "--dataset", "--data", "--ipc", "--iterations", "--lr-img", "--experts-from", "--repeats", "--device", "--config",
    ];

    /// <summary>What --help says of an option; a command overrides it where a setting means less to it than to others.</summary>
    public virtual string DescriptionOf(Option option) => option.Description ?? "";

    /// <summary>Adds the options and arguments, and says what runs; null for a command that only has others below it.</summary>
    public abstract Action<CommandContext>? Build(Command command);

    /// <summary>Adds the options of settings.</summary>
    protected static void AddSettings(Command command, IEnumerable<Setting> settings)
    {
        foreach (Setting setting in settings)
            command.Options.Add(setting.Option);
    }

    /// <summary>The settings of these properties.</summary>
    protected static IEnumerable<Setting> Named(params string[] properties) =>
        Settings.All.Where(s => properties.Contains(s.Property, StringComparer.Ordinal));

    /// <summary>Adds an option of the command's own.</summary>
    protected static Option<T> Add<T>(Command command, Option<T> option)
    {
        command.Options.Add(option);
        return option;
    }

    /// <summary>Adds --run, the name of a run folder.</summary>
    protected static Option<string?> AddRun(Command command) => Add(command, new Option<string?>(RunChoice.NameOption)
    {
        Description = "Begin the run of this name below --out, or continue it where it is there. 'latest' stays as it is.",
        HelpName = "NAME",
    });

    /// <summary>Adds --part, a share of the jobs.</summary>
    /// <param name="command">The command.</param>
    /// <param name="jobs">What the jobs are, for its help.</param>
    protected static Option<string?> AddPart(Command command, string jobs) => Add(command, new Option<string?>(RunChoice.PartOption)
    {
        Description = $"Do only a share of the {jobs}, such as 0/10 for the first of ten. Without it, what is missing is done and all is gathered.",
        HelpName = "I/N",
    });

    /// <summary>Adds --preset, and with it --config and --set, which <see cref="CommandContext.ResolveBy(Option{string})"/> reads.</summary>
    protected static Option<string> AddPreset(Command command)
    {
        Option<string> preset = Add(command, new Option<string>("--preset")
        {
            Description = $"Starting values of all settings: {Presets.NamesInWords}. See 'presets'.",
            HelpName = "NAME",
        });
        preset.CompletionSources.Add([.. Presets.Names]);
        Add(command, new Option<string>(ConfigInput.FileOption)
        {
            Description = "Read settings from this JSON file, such as the config.json of a run. Options go before it. See 'config'.",
            HelpName = "FILE",
        });
        Option<string[]> set = Add(command, new Option<string[]>(ConfigInput.SetOption)
        {
            Description = "Set one setting by its key, such as --set lrImg=500. Can be given again.",
            HelpName = "KEY=VALUE",
        });
        set.CompletionSources.Add([.. Settings.All.Select(s => $"{s.Key}=")]);
        return preset;
    }
}
