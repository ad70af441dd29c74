using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'runs': what lies in the folder of runs.</summary>
internal class RunsCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "runs";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override string Help =>
        """
        Lists the runs with their data, status and accuracy, the newest first.

        'resume RUN' continues an unfinished run.

        Examples:
          infmatch runs
          infmatch runs list --json
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Out"));
        return at => new RunListCommands(at.Terminal).List(at.Resolve().Settings.Out);
    }
}
