namespace InfMatch.Distill;

/// <summary>'plan': what a run would take; without a command the demonstration.</summary>
internal sealed class PlanCommand() : PlannedCommand(new DemoCommand())
{
    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override string Help =>
        """
        Tells what a run would do and need, without starting it.

        Shows the steps of each stage, a time for each, the memory of the device and the disk. The command of the run follows with
        its own options; without one it is the demonstration. Everything is checked as before the run itself. Times come from a few
        steps of each kind on the device. Where a single step is too long for that, they are estimated from what it computes. No
        run folder is made.

        Examples:
          infmatch plan distill --dataset cifar-10 --data ~/data --ipc 10
          infmatch plan evaluate runs/RUN/synthetic/ipc10.safetensors --epochs 1000
          infmatch plan resume
        """;
}
