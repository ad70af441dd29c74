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
        growing or whole. 'resume' continues an interrupted ablation. With --run and --row each of several calls runs one row; the same
        command without --row runs the rows that are missing and gathers.

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
        Option<string?> run = AddRun(command);
        Option<string?> row = Add(command, new Option<string?>(RunChoice.RowOption)
        {
            Description = $"Run this row alone: {string.Join(", ", AblationGrid.Of(AblationGrid.Names[0]).Select(r => r.Name))}; --grid full has more.",
            HelpName = "NAME",
        });
        row.CompletionSources.Add([.. AblationGrid.Names.SelectMany(name => AblationGrid.Of(name)).Select(r => r.Name).Distinct(StringComparer.Ordinal)]);
        return at =>
        {
            at.RequireImages();
            string named = OptionText.OneOf("--grid", at.Value(grid) ?? AblationGrid.Names[0], AblationGrid.Names);
            string? one = at.Value(row) is { } text ? OptionText.OneOf(RunChoice.RowOption, text, [.. AblationGrid.Of(named).Select(r => r.Name)]) : null;
            at.Runs(Name, at.Choice(run, row)).Ablate(named, at.ResolveBy(preset), one);
        };
    }
}
