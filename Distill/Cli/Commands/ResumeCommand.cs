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
    public override bool TakesRanks => true;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Make;

    /// <inheritdoc/>
    public override string Help =>
        """
        Continues an interrupted run, evaluation, ablation or training of experts.

        It goes on from the last saved state, and the result has the same bits as an uninterrupted one. Every file that is read must
        have the hash that it states. Settings stay as config.json has them. What may change is where the data, the experts, the
        start, the image encoder and the baselines are, and on what is computed. Without a name it takes the latest run, or the newest unfinished one where that is
        complete or stopped because its numbers grew too large: there it would come to the same numbers, and a new run is meant.

        Examples:
          infmatch resume
          infmatch resume runs/RUN
          infmatch resume runs/RUN --data /mnt/data
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Out", "Data", "ExpertsFrom", "StartFrom", "LabelFrom", "ImageEncoder", "BaselinesFrom", "Device", "Threads", "MemoryLimit"));
        var run = new Argument<string?>("RUN")
        {
            Description = "A run folder; without one the latest below --out.", Arity = ArgumentArity.ZeroOrOne,
        };
        command.Arguments.Add(run);
        return at => at.Runs(Name).Resume(at.Value(run), at.ResolveOfEitherTask());
    }
}
