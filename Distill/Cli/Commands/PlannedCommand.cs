using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>A command of 'plan': that of a run, with all its options, which ends where the run would begin.</summary>
/// <param name="planned">The command of the run.</param>
internal abstract class PlannedCommand(CommandDefinition planned) : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => $"plan {planned.Name}".TrimEnd();

    /// <inheritdoc/>
    public override int Place => planned.Place;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Make;

    /// <inheritdoc/>
    public override IReadOnlyList<string> CommonOptions => planned.CommonOptions;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        Action<CommandContext>? run = planned.Build(command);
        // A plan makes no folder, and is of the whole.
        foreach (Option option in command.Options.Where(o => o.Name is RunChoice.NameOption or RunChoice.PartOption or RunChoice.RowOption).ToArray())
            command.Options.Remove(option);
        return run is null ? null : at => run(at.Planning());
    }
}
