using System.CommandLine;
using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>'evaluate': a set beside random real images, or these alone.</summary>
internal sealed class EvaluateCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "evaluate";

    /// <inheritdoc/>
    public override int Place => 3;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Use;

    /// <inheritdoc/>
    public override string Help =>
        """
        Evaluates a distilled set beside random real images of the same number.

        Networks are trained by protocol A, B, release or DC. Without a set only the random real images of --ipc are evaluated: that
        calibrates the protocol against published figures. The set's own data are expected. Other classes, or the same in another
        order, are refused by name; --allow-other-data evaluates all the same.

        Soft labels and the accuracy on the whole set come from the experts of the set's run folder, or of --experts-from, recorded
        with the same expert options; --label-from names other networks for the labels. The evaluation gets a folder below --out, in
        which each network is kept as soon as it is evaluated. An interrupted one continues with 'resume'.

        With --part each of several calls evaluates a share of the networks and keeps them below --out in 'evaluated'. The same command
        without it takes them from there, evaluates what is missing and tells the result, with the bits of a single process.

        Of image-text pairs, heads are trained on them and retrieval is measured, beside real pairs that are chosen in several ways
        (docs/vision-language.md).

        Examples:
          infmatch evaluate latest --eval-width 128 --protocol B
          infmatch evaluate runs/RUN/synthetic/ipc10.safetensors --models convnet,resnet18
          infmatch evaluate --dataset mnist --ipc 1 10 --eval-width 128 --augment none
          infmatch evaluate --dataset flickr8k --data ~/flickr8k --pairs 100 200 --split test
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(
            command,
            [
                .. Settings.OfData, .. Settings.OfEvaluation, .. Settings.OfMachine,
                .. Named("Ipc", "Pairs", "ImageEncoder", "Temperature", "LabelFrom", "LabelStart"), .. Settings.OfExperts,
            ]);
        Option<string[]> models = Add(command, new Option<string[]>("--models")
        {
            Description = $"Evaluate with each of these architectures: {string.Join(", ", Architectures.Names)}.",
            HelpName = "NAMES", AllowMultipleArgumentsPerToken = true,
        });
        Option<bool> otherData = Add(command, new Option<bool>(SetAgreement.Option)
        {
            Description = "Evaluate a set on data that are not its own, whose classes have other names or another order.",
        });
        var set = new Argument<string?>("SET")
        {
            Description = "A file that 'distill' wrote, a run folder, or latest.", Arity = ArgumentArity.ZeroOrOne,
        };
        command.Arguments.Add(set);
        Option<string> preset = AddPreset(command);
        Option<string?> run = AddRun(command), part = AddPart(command, "networks");
        return at =>
        {
            ResolvedSettings resolved = at.ResolveBy(preset, at.DatasetOfPairs(at.Value(set)));
            at.Runs(Name, at.Choice(run, part)).Evaluate(
                at.Value(set) is { } named ? at.SetFile(named, resolved.Settings) : null, resolved,
                [.. (at.Value(models) ?? []).SelectMany(m => m.Split(',', StringSplitOptions.RemoveEmptyEntries))],
                at.Value(otherData));
        };
    }
}
