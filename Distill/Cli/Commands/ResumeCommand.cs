using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'resume': the rest of a run.</summary>
internal sealed class ResumeCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "resume";

    /// <inheritdoc/>
    public override int Place => 8;

    /// <inheritdoc/>
    public override string Help =>
        """
        Continues an interrupted run, ablation, training of experts or evaluation from its last saved state; the result has the
        same bits as an uninterrupted one. Every file that is read is held to the hash that it states. Settings stay as
        config.json has them; what may change is where the data, the experts and the start are, and on what is computed.

        Examples:
          dotnet run --project Distill -- resume
          dotnet run --project Distill -- resume runs/RUN
          dotnet run --project Distill -- resume runs/RUN --data /mnt/data
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Out", "Data", "ExpertsFrom", "StartFrom", "Device", "Threads", "MemoryLimit"));
        var run = new Argument<string?>("RUN")
        {
            Description = "A run folder; without one the latest below --out.", Arity = ArgumentArity.ZeroOrOne,
        };
        command.Arguments.Add(run);
        return at => at.Runs(Name).Resume(at.Value(run), at.Resolve());
    }
}
