using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'datasets verify': reads every image of a data set.</summary>
internal sealed class DatasetsVerifyCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "datasets verify";

    /// <inheritdoc/>
    public override int Place => 3;

    /// <inheritdoc/>
    public override string Help =>
        """
        Reads every image of a data set and prints what it found.

        That is counts, mean and deviation, the SHA-256 of the contents, and which images occur twice, above all in both the training
        and the test set. Kept decoded images are not used.

        Examples:
          infmatch datasets verify mnist --data ~/data
          infmatch datasets verify image-folder --data ~/pictures --image-size 32
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        Argument<string> name = DatasetSettings.AddName(command);
        AddSettings(command, Named("Data", "ImageSize"));
        return at => at.Datasets().Verify(DatasetSettings.Of(at, name));
    }
}
