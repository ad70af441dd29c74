namespace InfMatch.Distill;

/// <summary>'plan resume': what is left of a run.</summary>
internal sealed class PlanResumeCommand() : PlannedCommand(new ResumeCommand())
{
    /// <inheritdoc/>
    public override string Help =>
        """
        Tells what is left of an interrupted run.

        Example:
          infmatch plan resume runs/RUN
        """;
}
