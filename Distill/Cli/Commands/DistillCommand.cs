using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'distill': a new run.</summary>
internal sealed class DistillCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "distill";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <inheritdoc/>
    public override bool TakesRanks => true;

    /// <inheritdoc/>
    public override CommandGroup Group => CommandGroup.Make;

    /// <inheritdoc/>
    public override string Help =>
        """
        Distils a data set and evaluates the result.

        Trains and records experts (or takes those of --experts-from). Then it learns --ipc images per class whose influence on the
        experts' parameters matches that of the whole set. Values in brackets are those of the preset 'standard' and, where they
        differ, of the others. The preset 'trajectory' gives the best sets on full data sets, and takes longer; with one image per
        class add --start-first 5 --start-last 30. Started by mpirun or srun --mpi=pmix, several ranks share out the windows of
        an update, of which --windows says how many (docs/scale-out.md).

        Of a set of image-text pairs it learns --pairs pairs, by the preset 'pairs' (docs/vision-language.md).

        Examples:
          infmatch distill --ipc 1
          infmatch distill --preset trajectory --dataset fashion-mnist --data ~/data --ipc 10
          infmatch distill --dataset flickr8k --data ~/flickr8k --pairs 100
          infmatch distill --config my.json --set lrImg=500
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Settings.All);
        Option<string> preset = AddPreset(command);
        Option<string?> run = AddRun(command);
        return at => at.Runs(Name, at.Choice(run)).Distill(Name, at.ResolveBy(preset));
    }
}
