using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'config show': every setting with its value and where that comes from.</summary>
internal sealed class ConfigShowCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "config show";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override string Help =>
        """
        Shows every setting with its value and where that comes from.

        Takes the options of 'distill' and starts nothing. With a run it shows the settings of that run. The JSON of --json can
        be given to --config.

        Examples:
          infmatch config show --preset trajectory --ipc 1
          infmatch config show --method dm --dataset cifar-10
          infmatch config show --config my.json
          infmatch config show latest
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var run = new Argument<string?>("RUN")
        {
            Description = "A run folder, or latest; without one what 'distill' would take.", Arity = ArgumentArity.ZeroOrOne,
        };
        command.Arguments.Add(run);
        AddSettings(command, Settings.All);
        Option<string> preset = AddPreset(command);
        return at => new ConfigCommands(at.Terminal).Show(at.Value(run), at.ResolveBy(preset));
    }
}
