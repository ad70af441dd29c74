using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>What runs without a command: the demonstration. Its settings are those of the machine alone.</summary>
internal sealed class DemoCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "";

    /// <inheritdoc/>
    public override int Place => 0;

    /// <inheritdoc/>
    public override string Help =>
        """
        InfMatch.Native learns small data sets that stand for large ones: dataset distillation.

        Without a command the demonstration runs. It trains networks on the built-in part of Fashion-MNIST, distils 1 and 10 images
        per class, and evaluates them beside random real images. It takes a minute or two on two cores.

        Examples:
          infmatch
          infmatch distill --dataset fashion-mnist --data ~/data --ipc 1 10
          infmatch evaluate latest --epochs 1000 --repeats 5

        More:
          infmatch help distill                     the options of a command
          docs/commands.md                          all options, variables, exit codes and error codes
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Settings.OfMachine);
        return at => at.Runs("distill").Distill("demo", at.Resolve("demo"));
    }
}
