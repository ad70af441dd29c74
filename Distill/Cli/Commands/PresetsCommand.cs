using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'presets': their names, and what one of them changes.</summary>
internal sealed class PresetsCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "presets";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Settings;

    /// <inheritdoc/>
    public override string Help =>
        """
        Lists the presets, or shows what one of them changes.

        A method with published settings has a preset of its name: what its authors ran, for the data set and the images per
        class. For a data set that they did not use it takes the values of the nearest. The same values stand behind --method
        where no preset is named. --preset standard --method NAME keeps the usual ones.

        Examples:
          infmatch presets
          infmatch presets trajectory
          infmatch presets dm
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "The preset to show beside 'standard'; without one all are listed.", Arity = ArgumentArity.ZeroOrOne,
        };
        name.CompletionSources.Add([.. Presets.Names]);
        command.Arguments.Add(name);
        return at =>
        {
            var commands = new PresetCommands(at.Terminal);
            if (at.Value(name) is { } chosen)
                commands.Show(Presets.Require("NAME", chosen));
            else
                commands.List();
        };
    }
}
