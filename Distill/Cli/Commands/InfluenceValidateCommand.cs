using System.CommandLine;

namespace InfMatch.Distill;

/// <summary>'influence validate': estimates against retraining.</summary>
internal sealed class InfluenceValidateCommand : CommandDefinition
{
    /// <inheritdoc/>
    public override string Name => "influence validate";

    /// <inheritdoc/>
    public override int Place => 1;

    /// <summary>Its name before there was a common word for it.</summary>
    public override IReadOnlyList<string> HiddenNames => ["influence truth"];

    /// <inheritdoc/>
    public override string Help =>
        """
        Compares estimates of influence with training again.

        A small network is trained again without single examples, groups and random halves, and on candidate sets, always with the
        same initialisation and order. Compared are the displacement of the parameters, Spearman's correlation, LDS, and J with the
        distance at which training on a set really ends. Trainings are kept below --out, and a second call uses them. --threads says
        how many trainings or estimates run at once.

        Examples:
          infmatch influence validate --horizons 10 30 100 --seeds 1
          infmatch influence validate --dataset mnist --data ~/data --model mlp --momentum 0.9 --json
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Dataset", "Data", "ImageSize", "Seed", "Threads", "Out"));
        var options = new FidelityOptions(isValidation: true);
        options.Options.ForEach(command.Options.Add);
        Option<string?> part = AddPart(command, "retrainings");
        return at => at.Influence().Validate(at.Resolve().Settings, options.Read(at.Result), at.Choice(run: null, part));
    }
}
