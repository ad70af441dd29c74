using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'export': a finished set for other programs.</summary>
internal sealed class ExportCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "export";

    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Use;

    /// <inheritdoc/>
    public override string Help =>
        """
        Writes a distilled set for other programs into a new folder.

        The forms are arrays (npz, safetensors), numbered pictures with tables (png), and a folder of pictures for each class
        (imagefolder). Beside it stand a dataset card and load_infmatch.py, which loads it in PyTorch, preprocesses test images and
        trains on it. Pictures hold 8 bits a channel: the command says what that loses.

        Examples:
          infmatch export latest --to npz
          infmatch export set.safetensors --to imagefolder --out pictures --measure
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var file = new Argument<string>("FILE") { Description = "A distilled set, a run folder, or latest." };
        command.Arguments.Add(file);
        Option<string> to = Add(command, new Option<string>("--to")
        {
            Description = $"The form: {string.Join(", ", ArtifactExport.Targets)}.", HelpName = "NAME", Required = true,
        });
        to.CompletionSources.Add([.. ArtifactExport.Targets]);
        Option<string> folder = Add(command, new Option<string>("--out")
        {
            Description = "The folder to make; without it FILE's name with the form behind it.", HelpName = "FOLDER",
        });
        Option<bool> measure = Add(command, new Option<bool>("--measure")
        {
            Description = "Train on the set and on its pixels by its own protocol, and tell both accuracies.",
        });
        Option<bool> testImages = Add(command, new Option<bool>("--test-images")
        {
            Description = "Also write test.npz: the test images of the claim as uint8 with their labels, for load_infmatch.py.",
        });
        AddSettings(command, Named("Data", "Device", "Threads", "MemoryLimit"));
        return at =>
        {
            RunSettings settings = at.Resolve().Settings;
            at.Artifacts().Export(
                at.SetFile(at.Value(file)!, settings),
                new ExportRequest(OptionText.OneOf("--to", at.Value(to)!, ArtifactExport.Targets), at.Value(folder))
                {
                    Measures = at.Value(measure), HasTestImages = at.Value(testImages),
                },
                settings);
        };
    }
}
