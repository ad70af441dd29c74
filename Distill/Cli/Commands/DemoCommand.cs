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
        InfMatch.Native: dataset distillation by influence matching.

        Without a command the demonstration runs: on the built-in part of Fashion-MNIST it trains and records experts,
        distils 1 and 10 images per class, and evaluates them beside random real images. A minute or two on two cores.

        Examples:
          dotnet run --project Distill
          dotnet run --project Distill -- distill --dataset fashion-mnist --data ~/data --ipc 1 10
          dotnet run --project Distill -- evaluate runs/RUN/synthetic/ipc10.safetensors --epochs 1000 --repeats 5

        Environment:
          INFMATCH_DATA     folder of the data sets, where --data is not given
          INFMATCH_DEVICE   device, where --device is not given
          INFMATCH_PLUGINS  assemblies that bring methods, networks, data sets and the like
          NO_COLOR          no colours

        Exit codes: 0 done, 1 bug, 2 usage, 3 data, 4 device, 5 memory, 6 numerical, 7 files, 8 diverged, 130 interrupted.
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Settings.OfMachine);
        return at => at.Runs("distill").Distill("demo", at.Resolve("demo"));
    }
}
