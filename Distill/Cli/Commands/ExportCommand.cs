using System.CommandLine;
using InfMatch.Tensors;

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

        The forms are arrays (npz, safetensors), numbered pictures with tables (png), a folder of pictures for each class
        (imagefolder), and what Hugging Face's datasets load (huggingface). Beside it stand a dataset card and
        load_infmatch.py, which loads it in PyTorch, preprocesses test images and trains on it. Pictures hold 8 bits a
        channel: the command says what that loses.

        With --to onnx it writes a trained network into a file for ONNX Runtime. Of a run folder that is an expert; of an
        expert's file, that expert. Of a set it is the first network of its claim, which is trained on the set again.
        Standardisation and whitening are in the model.

        A set of image-text pairs has the forms npz and safetensors, each with its texts and a page that says how to train on it.

        Examples:
          infmatch export latest --to npz
          infmatch export set.safetensors --to imagefolder --out pictures --measure
          infmatch export set.safetensors --to huggingface --test-images
          infmatch export runs/RUN --to onnx --expert 2 --out expert.onnx
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A distilled set, a run folder, or latest; for --to onnx also an expert's file.",
        };
        command.Arguments.Add(file);
        IReadOnlyList<string> forms = Kinds.Names<ExportForm>();
        Option<string> to = Add(command, new Option<string>("--to")
        {
            Description = $"The form. {string.Join(". ", Kinds.Of<ExportForm>().Select(form => $"{form.Name}: {form.Help}"))}.",
            HelpName = "NAME",
        });
        to.CompletionSources.Add([.. forms]);
        Option<string> folder = Add(command, new Option<string>("--out")
        {
            Description = "The folder to make, for onnx the file; without it FILE's name with the form behind it.", HelpName = "PATH",
        });
        Option<string> expert = Add(command, new Option<string>("--expert")
        {
            Description = "Which expert of a run folder, counted from 0, for --to onnx.", HelpName = "NUMBER",
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
            string target = OptionText.OneOf(
                "--to",
                at.Value(to) ?? throw DistillException.BadCommand(
                    $"'export' takes --to with a form: {string.Join(", ", forms)}. See export --help."),
                forms);
            RunSettings given = at.Resolve().Settings;
            string? made = at.Value(folder);
            if (made?.Trim().Length == 0)
                throw DistillException.BadValue("--out", made, "a path");
            int? number = at.Value(expert) is { } text ? OptionText.Whole("--expert", text, 0, 999) : null;
            if (Kinds.Find<ExportForm>(target) is SetForm)
            {
                if (number is not null)
                    throw new DistillException(ExitCode.Usage, "IM2022", "--expert goes with --to onnx only. Leave it out.");
                at.Artifacts().Export(
                    at.SetFile(at.Value(file)!, given),
                    new ExportRequest(target, made) { Measures = at.Value(measure), HasTestImages = at.Value(testImages) }, given);
                return;
            }
            if (at.Value(measure) || at.Value(testImages))
                throw new DistillException(ExitCode.Usage, "IM2022", "--measure and --test-images go with forms of a set. Leave them out.");
            at.Network().Export(at.Value(file)!, number, made, given);
        };
    }
}
