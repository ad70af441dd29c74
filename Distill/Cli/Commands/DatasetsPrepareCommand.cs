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
        Decodes the images of tiny-imagenet or image-folder and keeps them, so that later commands begin at once.

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
