namespace InfMatch.Distill;

/// <summary>'plan ablate': what an ablation would take.</summary>
internal sealed class PlanAblateCommand() : PlannedCommand(new AblateCommand())
{
    /// <inheritdoc/>
    public override string Help =>
        """
        Tells what 'ablate' with these options would do and need.

        Example:
          infmatch plan ablate --preset demo --ipc 1
        """;
}
