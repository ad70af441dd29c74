using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'influence …': estimates of what training examples do.</summary>
internal sealed class InfluenceCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "influence";

    /// <inheritdoc/>
    public override int Place => 7;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Results;

    /// <inheritdoc/>
    public override string Help =>
        """
        Estimates what training examples do to a trained network.

        'validate' compares estimates with training again. 'scores' gives every example of a training its score. 'windows' measures what
        distilled sets do on parts of recorded trainings. 'pairs' gives every image-text pair its scores.
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        return null;
    }
}
