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
    public override Action<CommandContext>? Build(Command command) =>
        planned.Build(command) is { } run ? at => run(at.Planning()) : null;
}
