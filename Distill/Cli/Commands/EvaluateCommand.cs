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
    public override string Help =>
        """
        Evaluates a distilled set by protocol A, B or DC beside random real images of the same number. Without a set only the
        random real images of --ipc are evaluated: that calibrates the protocol against published figures. The set's own data
        are expected: other classes, or the same in another order, are refused by name (--allow-other-data evaluates all the
        same). Soft labels and the accuracy on the whole set come from the experts of the set's run folder, or of
        --experts-from, recorded with the same expert options. The evaluation gets a folder below --out, in which each
        network is kept as soon as it is evaluated; an interrupted one continues with 'resume'.

        Examples:
          dotnet run --project Distill -- evaluate runs/RUN/synthetic/ipc10.safetensors --eval-width 128 --protocol B
          dotnet run --project Distill -- evaluate runs/RUN/synthetic/ipc10.safetensors --models convnet,resnet18
          dotnet run --project Distill -- evaluate --dataset mnist --ipc 1 10 --eval-width 128 --augment none
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(
            command,
            [.. Settings.OfData, .. Settings.OfEvaluation, .. Settings.OfMachine, .. Named("Ipc", "Temperature"),
                .. Settings.OfExperts]);
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
            Description = "A file that 'distill' wrote.", Arity = ArgumentArity.ZeroOrOne,
        };
        command.Arguments.Add(set);
        Option<string> preset = AddPreset(command);
        return at => at.Runs(Name).Evaluate(
            at.Value(set), at.ResolveBy(preset),
            [.. (at.Value(models) ?? []).SelectMany(m => m.Split(',', StringSplitOptions.RemoveEmptyEntries))],
            at.Value(otherData));
    }
}
