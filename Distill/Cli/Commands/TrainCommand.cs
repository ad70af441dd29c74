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

        'distill --experts-from' uses them.

        Example:
          infmatch train --dataset fashion-mnist --experts 10 --experts-from experts/fashion
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, [.. Settings.OfData, .. Settings.OfExperts, .. Settings.OfMachine]);
        Option<string> preset = AddPreset(command);
        return at => at.Runs(Name).Train(at.ResolveBy(preset));
    }
}
