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

    /// <summary>Older names, which work and are shown nowhere.</summary>
    public virtual IReadOnlyList<string> HiddenNames => [];

    /// <summary>What --help says.</summary>
    public abstract string Help { get; }

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

    /// <summary>Adds --preset.</summary>
    protected static Option<string> AddPreset(Command command) => Add(command, new Option<string>("--preset")
    {
        Description = $"Starting values of all settings: {string.Join(", ", Presets.Names)}.",
        HelpName = "NAME",
    });
}
