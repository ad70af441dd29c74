using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'influence scores': every training example's score.</summary>
internal sealed class InfluenceScoresCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "influence scores";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override string Help =>
        """
        Scores every training example by what it does to the test loss.

        A network is trained; the score says what the weight of an example does to the loss of test images, and positive is harmful.
        Writes scores.csv and pictures of the most helpful and most harmful images of each class by the first estimate. With
        --flip-labels a share of the labels is made wrong first, and the table tells how well each estimate finds them.

        Examples:
          infmatch influence scores --flip-labels 0.1
          infmatch influence scores --model convnet --estimators unrolled tracin --number-type float32
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Dataset", "Data", "ImageSize", "Seed", "Threads", "Out"));
        var options = new FidelityOptions(isValidation: false);
        options.Options.ForEach(command.Options.Add);
        return at => at.Influence().Scores(at.Resolve().Settings, options.Read(at.Result));
    }
}
