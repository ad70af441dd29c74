using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'picture': random real images above a distilled set, with what networks trained on either reach.</summary>
internal sealed class PictureCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "picture";

    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override string Help =>
        """
        Draws random real images above the images of a distilled set, a class a column, with the accuracies below them. The
        random images are those that the first network of the run's own baseline was trained on. Accuracies are the run's,
        and need its folder.

        Examples:
          ./infmatch picture runs/RUN/synthetic/ipc1.safetensors
          ./infmatch picture runs/RUN/synthetic/ipc10.safetensors --out fashion.png
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var file = new Argument<string>("FILE") { Description = "A distilled set in the folder of its run." };
        command.Arguments.Add(file);
        Option<string> to = Add(command, new Option<string>("--out")
        {
            Description = "The PNG file to make; without it FILE's name with .png behind it.", HelpName = "FILE",
        });
        AddSettings(command, Named("Data"));
        return at => at.Artifacts().Draw(at.Value(file)!, at.Value(to), at.Resolve().Settings);
    }
}
