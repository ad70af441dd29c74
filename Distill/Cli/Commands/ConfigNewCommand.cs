using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'config new': a file of settings to fill in.</summary>
internal sealed class ConfigNewCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "config new";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override string Help =>
        """
        Writes a file of settings to fill in.

        Every setting stands in it behind a comment that says what it is, with the value of the preset.

        Examples:
          infmatch config new my.json
          infmatch config new my.json --preset trajectory
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var file = new Argument<string>("FILE") { Description = "The file to make." };
        command.Arguments.Add(file);
        Option<string> preset = Add(command, new Option<string>("--preset")
        {
            Description = $"Whose values: {Presets.NamesInWords}. [{Presets.Usual}]", HelpName = "NAME",
        });
        preset.CompletionSources.Add([.. Presets.Names]);
        return at => new ConfigCommands(at.Terminal).New(
            at.Value(file)!, Presets.Require("--preset", at.Value(preset) ?? Presets.Usual));
    }
}
