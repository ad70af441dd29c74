using System.CommandLine;
using System.Globalization;
using InfMatch.Datasets;

namespace InfMatch.Distill;

/// <summary>'influence pairs': what every training pair does, by both of its roles.</summary>
internal sealed class InfluencePairsCommand : CommandDefinition
{
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
        var usual = new PairStudySettings(Presets.Of(Presets.UsualOfPairs));
        Option<string?> pairs = Number("--examples", "N", "Training pairs, drawn at random", usual.Pairs);
        Option<string?> steps = Number("--steps", "N", "Steps of plain SGD", usual.Steps);
        Option<string?> batch = Number("--batch", "N", "Pairs in a step", usual.Batch);
        Option<string?> rate = Number("--rate", "X", "Their learning rate", usual.Rate);
        Option<string?> queries = Number("--queries", "N", "Evaluated pairs whose loss is predicted", usual.Queries);
        Option<string?> retrain = Number("--retrain", "N", "Pairs that lose weight, each in a training of its own", usual.Retrained);
        Option<string?> share = Number("--share", "X", "Share of its weight that such a pair loses; 1 leaves it out", usual.Share);
        return at =>
        {
            int Whole(Option<string?> option, int low, int other) =>
                at.Value(option) is { } text ? OptionText.Whole(option.Name, text, low, 1_000_000) : other;
            double Real(Option<string?> option, Func<double, bool> isFine, string expected, double other) =>
                at.Value(option) is { } text ? OptionText.Number(option.Name, text, isFine, expected) : other;
            at.Influence().Pairs(new PairStudySettings(Resolve(at))
            {
                Pairs = Whole(pairs, 2, usual.Pairs),
                Steps = Whole(steps, 1, usual.Steps),
                Batch = Whole(batch, 2, usual.Batch),
                Rate = Real(rate, v => v > 0, "a number above 0", usual.Rate),
                Queries = Whole(queries, 2, usual.Queries),
                Retrained = Whole(retrain, 0, usual.Retrained),
                Share = Real(share, v => v is > 0 and <= 1, "a number above 0 and at most 1", usual.Share),
            });
        };

        Option<string?> Number(string name, string hint, string help, double value) => Add(command, new Option<string?>(name)
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"{help} [{value}]."), HelpName = hint,
        });
    }

    private static RunSettings Resolve(CommandContext at)
    {
        string? dataset = at.Given(Settings.Of(nameof(RunSettings.Dataset)));
        if (dataset is not null && DatasetLoading.PairsOf(dataset) is null)
        {
            throw DistillException.BadValue(
                "--dataset", dataset, $"a set of image-text pairs: {string.Join(", ", PairCatalog.Names)}. Images with classes have 'influence scores'");
        }
        return Settings.Resolve(
            Presets.UsualOfPairs, s => s.Property == nameof(RunSettings.Dataset) ? dataset ?? PairCatalog.DefaultName : at.Given(s),
            Environment.GetEnvironmentVariable).Settings;
    }
}
