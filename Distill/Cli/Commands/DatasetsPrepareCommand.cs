using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'datasets prepare': decodes the images of a data set and keeps them.</summary>
internal sealed class DatasetsPrepareCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "datasets prepare";

    /// <inheritdoc/>
    public override int Place => 4;

    /// <inheritdoc/>
    public override string Help =>
        """
        Decodes the images of a data set and keeps them for later commands.

        It is of use for tiny-imagenet and image-folder, whose files are pictures.

        Example:
          infmatch datasets prepare image-folder --data ~/pictures --image-size 32
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        Argument<string> name = DatasetSettings.AddName(command);
        AddSettings(command, Named("Data", "ImageSize"));
        return at => at.Datasets().Prepare(DatasetSettings.Of(at, name));
    }
}
