using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'train': experts alone.</summary>
internal sealed class TrainCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "train";

    /// <inheritdoc/>
    public override int Place => 2;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Make;

    /// <inheritdoc/>
    public override string Help =>
        """
        Trains experts on a data set and records their trajectories.

        'distill --experts-from' uses them. Several calls with the same folder share the work. With --part each does a numbered share, as
        tasks of a job array do; then the same command without it gathers (docs/scale-out.md).

        Examples:
          infmatch train --dataset fashion-mnist --experts 10 --experts-from experts/fashion
          infmatch train --dataset fashion-mnist --experts 10 --experts-from experts/fashion --part 0/10
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, [.. Settings.OfData, .. Settings.OfExperts, .. Settings.OfMachine]);
        Option<string> preset = AddPreset(command);
        Option<string?> run = AddRun(command), part = AddPart(command, "experts");
        return at => at.Runs(Name, at.Choice(run, part)).Train(at.ResolveBy(preset));
    }
}
