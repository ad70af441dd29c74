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
        Trains a network and scores every training example by what its weight does to the loss of test images: positive is
        harmful. Writes scores.csv and pictures of the most helpful and most harmful images of each class by the first
        estimate. With --flip-labels a share of the labels is made wrong first, and the table tells how well each estimate
        finds them.

        Examples:
          dotnet run --project Distill -- influence scores --flip-labels 0.1
          dotnet run --project Distill -- influence scores --model convnet --estimators unrolled tracin --number-type float32
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
