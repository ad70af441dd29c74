namespace InfMatch.Distill;

/// <summary>'plan evaluate': what an evaluation would take.</summary>
internal sealed class PlanEvaluateCommand() : PlannedCommand(new EvaluateCommand())
{
    /// <inheritdoc/>
    public override string Help =>
        """
        Tells what 'evaluate' with these options would do and need.

        Example:
          infmatch plan evaluate runs/RUN/synthetic/ipc10.safetensors --epochs 1000
        """;
}
