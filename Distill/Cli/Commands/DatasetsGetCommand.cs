using System.CommandLine;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>'datasets get': downloads a data set.</summary>
internal sealed class DatasetsGetCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "datasets get";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override string Help =>
        """
        Downloads a data set from its publisher.

        Length and MD5 are checked, then it is unpacked and read. A download that was cut goes on where it was. Without a network it
        says which files to put where.

        Examples:
          infmatch datasets get cifar-10 --to ~/data
          infmatch distill --dataset cifar-10 --data ~/data
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        Argument<string> name = DatasetSettings.AddName(command, withPairs: true);
        Option<string> to = Add(command, new Option<string>("--to")
        {
            Description = $"The folder to download into [data] (env: {DatasetCatalog.FolderVariable})",
            HelpName = "FOLDER",
        });
        return at => at.Datasets().Get(
            DatasetLoading.PairsOf(at.Value(name)!)?.Name ?? DatasetSettings.Of(at, name).Dataset, at.Value(to));
    }
}
