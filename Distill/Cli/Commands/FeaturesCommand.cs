using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'features …': feature vectors of image-text pairs.</summary>
internal sealed class FeaturesCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "features";

    /// <inheritdoc/>
    public override int Place => 9;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Machine;

    /// <inheritdoc/>
    public override string Help =>
        """
        Computes feature vectors of images and captions.
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        return null;
    }
}
