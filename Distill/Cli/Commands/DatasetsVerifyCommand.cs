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
        and the test set. Kept decoded images are not used. Of image-text pairs it reads captions, splits and feature vectors, and the
        images where --image-size is given.

        Examples:
          infmatch datasets verify mnist --data ~/data
          infmatch datasets verify image-folder --data ~/pictures --image-size 32
          infmatch datasets verify flickr8k --data ~/data
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        Argument<string> name = DatasetSettings.AddName(command, withPairs: true);
        AddSettings(command, Named("Data", "ImageSize"));
        return at =>
        {
            if (DatasetLoading.PairsOf(at.Value(name)!) is not { } pairs)
            {
                at.Datasets().Verify(DatasetSettings.Of(at, name));
                return;
            }
            (string? data, int? side) = DatasetSettings.OfPairs(at);
            at.Pairs().Verify(pairs, data, side);
        };
    }
}
