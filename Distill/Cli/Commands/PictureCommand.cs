using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'picture': random real images above a distilled set, with what networks trained on either reach; or what is nearest to learned
/// pairs.</summary>
internal sealed class PictureCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "picture";

    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Use;

    /// <inheritdoc/>
    public override string Help =>
        """
        Draws random real images above a distilled set, with their accuracies below.

        Each class is a column. The random images are those that the first network of the run's own baseline was trained on. The
        accuracies are the run's, so the set must be in the run's folder. A distilled image that reaches beyond the values of pixels is
        drawn within its own range.

        Of a set of image-text pairs it draws the training image whose features are nearest to each learned pair, with the nearest
        captions. The files of the images are read from the folder of the data; without them captions stand alone.

        Examples:
          infmatch picture latest
          infmatch picture runs/RUN/synthetic/ipc1.safetensors --out fashion.png
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A distilled set in the folder of its run, a run folder, or latest; a set of pairs may be anywhere.",
        };
        command.Arguments.Add(file);
        Option<string> to = Add(command, new Option<string>("--out")
        {
            Description = "The PNG file to make; without it FILE's name with .png behind it.", HelpName = "FILE",
        });
        AddSettings(command, Named("Data"));
        return at =>
        {
            RunSettings settings = at.Resolve().Settings;
            at.Artifacts().Draw(at.SetFile(at.Value(file)!, settings), at.Value(to), settings);
        };
    }
}
