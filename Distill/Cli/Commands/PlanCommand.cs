namespace InfMatch.Distill;

/// <summary>'plan': what a run would take; without a command the demonstration.</summary>
internal sealed class PlanCommand() : PlannedCommand(new DemoCommand())
{
    /// <inheritdoc/>
    public override int Place => 5;

    /// <inheritdoc/>
    public override string Help =>
        """
        Tells what a run would do and need, without starting it: the steps of each stage, memory of the device, disk, and a time.

        The command of the run follows with its own options; without one it is the demonstration. Everything is checked as
        before the run itself. Times come from a few steps of each kind on the device; where a single step is too long for
        that, they are estimated from what it computes. No run folder is made.

        Examples:
          dotnet run --project Distill -- plan distill --dataset cifar-10 --data ~/data --ipc 10
          dotnet run --project Distill -- plan evaluate runs/RUN/synthetic/ipc10.safetensors --epochs 1000
          dotnet run --project Distill -- plan resume
        """;
}
