namespace InfMatch.Distill;

/// <summary>'plan train': what experts would take.</summary>
internal sealed class PlanTrainCommand() : PlannedCommand(new TrainCommand())
{
    /// <inheritdoc/>
    public override string Help =>
        """
        Tells what 'train' with these options would do and need.

        Example:
          infmatch plan train --experts 10
        """;
}
