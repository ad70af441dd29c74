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
    public override string Help =>
        """
        Lists, downloads, checks and prepares data sets.

        Environment:
          INFMATCH_DATA   folder of the data sets, where --data or --to is not given
          INFMATCH_CACHE  folder of decoded images, in place of infmatch in the user's cache folder
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        return null;
    }
}
