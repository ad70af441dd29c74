using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'datasets …': the data sets of this machine.</summary>
internal sealed class DatasetsCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "datasets";

    /// <inheritdoc/>
    public override int Place => 9;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Machine;

    /// <inheritdoc/>
    public override string Help =>
        """
        Lists, downloads, checks and prepares data sets.
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        return null;
    }
}
