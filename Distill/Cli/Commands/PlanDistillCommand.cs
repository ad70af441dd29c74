namespace InfMatch.Distill;

/// <summary>'plan distill': what a distillation would take.</summary>
internal sealed class PlanDistillCommand() : PlannedCommand(new DistillCommand())
{
    /// <inheritdoc/>
    public override string Help =>
        """
        Tells what 'distill' with these options would do and need.

        Example:
          infmatch plan distill --preset trajectory --ipc 10
        """;
}
