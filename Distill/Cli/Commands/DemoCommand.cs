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
    public override bool TakesRanks => true;

    /// <inheritdoc/>
    public override string Help =>
        """
        InfMatch.Native learns small data sets that stand for large ones: dataset distillation.
        Without a command the demonstration runs, on built-in images: a minute or two on two cores.

        Examples:
          infmatch distill --dataset fashion-mnist --data ~/data --ipc 1 10

        All options, variables and codes: docs/commands.md.
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Settings.OfMachine);
        Option<string?> run = AddRun(command);
        return at => at.Runs("distill", at.Choice(run)).Distill("demo", at.Resolve("demo"));
    }
}
