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
    public override string Help =>
        """
        Distils a data set and evaluates the result.

        Trains and records experts (or takes those of --experts-from), then learns --ipc images per class whose influence on
        the experts' parameters matches that of the whole set. Values in brackets are the defaults of the preset 'standard'
        and, where they differ, of the others. The preset 'trajectory' gives the best sets on full data sets, with one image a
        class by --start-first 5 --start-last 30, and takes longer.

        Examples:
          dotnet run --project Distill -- distill --ipc 1
          dotnet run --project Distill -- distill --preset trajectory --dataset fashion-mnist --data ~/data --ipc 10
          dotnet run --project Distill -- distill --preset demo --estimator unrolled --dense-steps 60 --window 20
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Settings.All);
        Option<string> preset = AddPreset(command);
        return at => at.Runs(Name).Distill(Name, at.ResolveBy(preset));
    }
}
