using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'ablate': the parts of the method switched on one by one.</summary>
internal sealed class AblateCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "ablate";

    /// <inheritdoc/>
    public override int Place => 6;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Make;

    /// <inheritdoc/>
    public override string Help =>
        """
        Switches parts of the method on one by one, all on the same experts.

        The parts are the start from real images, the growing range of windows, and learned labels. 'paper' is the grid of the paper,
        whose figures are shown next to ours. 'full' is every combination of three starts, three kinds of labels, and the range
        growing or whole. 'resume' continues an interrupted ablation.

        Examples:
          infmatch ablate --preset demo --ipc 1
          infmatch ablate --dataset cifar-10 --data ~/data --ipc 10 --grid full
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Settings.All);
        Option<string> preset = AddPreset(command);
        Option<string> grid = Add(command, new Option<string>("--grid")
        {
            Description = $"What is switched: {string.Join(", ", AblationGrid.Names)}. [{AblationGrid.Names[0]}]",
            HelpName = "NAME",
        });
        return at => at.Runs(Name).Ablate(
            OptionText.OneOf("--grid", at.Value(grid) ?? AblationGrid.Names[0], AblationGrid.Names), at.ResolveBy(preset));
    }
}
