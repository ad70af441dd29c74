using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'datasets list': every data set and where it is found.</summary>
internal sealed class DatasetsListCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "datasets list";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override string Help =>
        """
        Lists every data set: what it is, how large, and where its files are found.
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Data"));
        return at => at.Datasets().List(DatasetSettings.Of(at, null).Data);
    }
}
