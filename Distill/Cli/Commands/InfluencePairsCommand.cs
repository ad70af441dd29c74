using System.CommandLine;
using System.Globalization;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>'influence pairs': what every training pair does, by both of its roles.</summary>
internal sealed class InfluencePairsCommand : CommandDefinition
{
    private const int Pairs = 500, Steps = 200, Batch = 50, Queries = 200, Retrained = 20;

    private const double Rate = 0.1;

    /// <inheritdoc/>
    public override string Name => "influence pairs";

    /// <inheritdoc/>
    public override int Place => 4;

    /// <inheritdoc/>
    public override string Help =>
        """
        Scores every image-text pair of a training by what it does to the loss of other pairs.

        Heads are trained on random pairs. A pair has two roles there: it is to be found by its own text, and others are told apart from
        it. The score of each role says what the weight of the pair does to the loss of evaluated pairs by it, and positive is harmful.
        Some pairs are left out and the heads are trained again, so that the scores can be compared with what really happens. Scores are
        derivatives: they rank well what --share 0.1 of a weight does, and less well what a whole pair does. Writes a table of all pairs.

        Examples:
          infmatch influence pairs
          infmatch influence pairs --dataset flickr8k --data FOLDER --examples 1000 --retrain 50
        """;

    /// <inheritdoc/>
    public override Action<CommandContext>? Build(Command command)
    {
        AddSettings(command, Named("Dataset", "Data", "Split", "Head", "HeadSize", "Seed", "Threads", "Out"));
        Option<string?> pairs = Whole("--examples", "Training pairs, drawn at random", Pairs);
        Option<string?> steps = Whole("--steps", "Steps of plain SGD", Steps);
        Option<string?> batch = Whole("--batch", "Pairs in a step", Batch);
        Option<string?> rate = Add(command, new Option<string?>("--rate")
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"Their learning rate [{Rate}]."), HelpName = "X",
        });
        Option<string?> queries = Whole("--queries", "Evaluated pairs whose loss is predicted", Queries);
        Option<string?> retrain = Whole("--retrain", "Pairs that lose weight, each in a training of its own", Retrained);
        Option<string?> share = Add(command, new Option<string?>("--share")
        {
            Description = "Share of its weight that such a pair loses; 1 leaves it out [1].", HelpName = "X",
        });
        return at =>
        {
            string? dataset = at.Given(Settings.Of(nameof(RunSettings.Dataset)));
            if (dataset is not null && DatasetSettings.PairsOf(dataset) is null)
            {
                throw DistillException.BadValue(
                    "--dataset", dataset, $"a set of image-text pairs: {string.Join(", ", PairCatalog.Names)}. Images with classes have 'influence scores'");
            }
            RunSettings settings = Settings.Resolve(
                Presets.UsualOfPairs, s => s.Property == nameof(RunSettings.Dataset) ? dataset ?? PairCatalog.DefaultName : at.Given(s),
                Environment.GetEnvironmentVariable).Settings;
            int Number(Option<string?> option, int low, int usual) =>
                at.Value(option) is { } text ? OptionText.Whole(option.Name, text, low, 1_000_000) : usual;
            at.Influence().Pairs(new PairStudySettings(
                settings, Number(pairs, 2, Pairs), Number(steps, 1, Steps), Number(batch, 2, Batch),
                at.Value(rate) is { } r ? OptionText.Number("--rate", r, v => v > 0, "a number above 0") : Rate,
                Number(queries, 2, Queries), Number(retrain, 0, Retrained),
                at.Value(share) is { } taken ? OptionText.Number("--share", taken, v => v is > 0 and <= 1, "a number above 0 and at most 1") : 1));
        };

        Option<string?> Whole(string name, string help, int usual) => Add(command, new Option<string?>(name)
        {
            Description = $"{help} [{usual}].", HelpName = "N",
        });
    }
}
