using System.Globalization;
using System.Text;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>What 'influence pairs' trains and scores.</summary>
/// <param name="Settings">The data, the heads and the seed.</param>
internal sealed record PairStudySettings(RunSettings Settings)
{
    /// <summary>Training pairs, drawn at random.</summary>
    public int Pairs { get; init; } = 500;

    /// <summary>Steps of plain SGD.</summary>
    public int Steps { get; init; } = 200;

    /// <summary>Pairs in a step.</summary>
    public int Batch { get; init; } = 50;

    /// <summary>The rate of steps.</summary>
    public double Rate { get; init; } = 0.1;

    /// <summary>Evaluated pairs whose loss is predicted.</summary>
    public int Queries { get; init; } = 200;

    /// <summary>Pairs that lose weight, each in a training of its own.</summary>
    public int Retrained { get; init; } = 20;

    /// <summary>How much of it: 1 leaves the pair out.</summary>
    public double Share { get; init; } = 1;
}

/// <summary>A training pair and what it does to the loss of others: dm/dw of its weight, positive is harmful.</summary>
/// <param name="Image">The name of its image.</param>
/// <param name="Caption">Its caption.</param>
/// <param name="AsPositive">What it does by its own terms.</param>
/// <param name="AsNegative">What it does as what others are told apart from.</param>
/// <param name="Retrained">The change of the loss when it lost weight; NaN where it did not.</param>
internal sealed record ScoredPair(string Image, string Caption, double AsPositive, double AsNegative, double Retrained)
{
    /// <summary>What it does.</summary>
    public double Whole => AsPositive + AsNegative;
}

/// <summary>'influence pairs': what every training pair does to the loss of evaluated pairs, by both of its roles, and what training
/// again with less of some does. Source: docs/vision-language.md, "The influence of a pair".</summary>
internal sealed class PairInfluenceStudy(PairStudySettings asked, PairData data, IProgressView progress, CancellationToken cancel)
{
    private readonly RandomKey _key = RandomKey.FromSeed(asked.Settings.Seed).Split("pair influence");

    /// <summary>The loss of the evaluated pairs before the training and after it.</summary>
    public (double Before, double After) Losses { get; private set; }

    /// <summary>Scores every pair.</summary>
    /// <param name="folder">Where trainings are kept while it works.</param>
    /// <exception cref="DistillException">There are not so many pairs.</exception>
    /// <exception cref="NumericalException">A loss or a score stops being finite.</exception>
    public IReadOnlyList<ScoredPair> Run(string folder)
    {
        Require("--examples", asked.Pairs, data.Train.Count, "training images");
        Require("--queries", asked.Queries, data.Evaluated.Count, "evaluated images");
        Require("--retrain", asked.Retrained, asked.Pairs, "pairs that are scored");
        using var scope = TensorScope.Begin();
        int[] chosen = [.. _key.Split("pairs").Permutation(data.Train.Count).Take(asked.Pairs)];
        // One caption each, so that a weight is that of one pair.
        LabelledImages some = data.Train.Rows(chosen), train = some.WithOneLabelEach(_key.Split("captions"));
        int[] drawn = some.DrawnLabelsOf([.. Enumerable.Range(0, chosen.Length)], _key.Split("captions"));
        PairNetwork network = data.NetworkOf(asked.Settings);
        int perEpoch = (asked.Pairs + asked.Batch - 1) / asked.Batch;
        var plan = new TrainingPlan((asked.Steps + perEpoch - 1) / perEpoch, asked.Batch, asked.Rate, 0, 0, RateSchedule.Constant)
        {
            MostSteps = asked.Steps,
        };
        using Expert expert = Expert.Record(
            new ExpertTraining(network, train, plan, CheckpointSchedule.Every(asked.Steps), _key.Split("training")),
            Path.Combine(folder, "training.safetensors"));
        var context = new ExampleContext(expert, new SecondOrderProducts(SecondDerivatives.Exact), asked.Steps);
        ParameterLoss measure = MeasureOf(network);
        double LossAt(Tensor theta) => Recorded(measure, theta);
        Losses = (LossAt(context.Theta(0)), LossAt(context.Theta(asked.Steps)));
        PairScoresByPart scores;
        using (IProgressStage stage = progress.Begin("Scores", 1))
        {
            scores = new PairInfluence(context).Scores(measure);
            stage.Report(1, "");
        }
        if (Array.FindIndex(scores.Whole, s => !double.IsFinite(s)) is >= 0 and int broken)
            throw new NumericalException($"the score of pair {broken}", asked.Steps, scores.Whole[broken], "Lower --rate.");
        double[] changes = Changes(expert, folder, LossAt);
        PairDataset all = data.Splits.Train;
        return
        [
            .. chosen.Select((image, i) => new ScoredPair(
                all.ImageNames[image], all.Captions[all.CaptionsOf(image)[drawn[i] - i * some.LabelsEach]].Text,
                scores.AsPositive[i], scores.AsNegative[i], changes[i])),
        ];
    }

    /// <summary>The scores as a table for other programs.</summary>
    public static string Csv(IReadOnlyList<ScoredPair> pairs)
    {
        var text = new StringBuilder("image,caption,as_positive,as_negative,whole,retrained\n");
        foreach (ScoredPair pair in pairs)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{TableText.Cell(pair.Image)},{TableText.Cell(pair.Caption)},{pair.AsPositive:R},{pair.AsNegative:R},{pair.Whole:R},");
            text.Append(double.IsNaN(pair.Retrained) ? "\n" : string.Create(CultureInfo.InvariantCulture, $"{pair.Retrained:R}\n"));
        }
        return text.ToString();
    }

    // The mean loss of evaluated pairs, each with one of its captions.
    private ParameterLoss MeasureOf(PairNetwork network)
    {
        int[] chosen = [.. _key.Split("queries").Permutation(data.Evaluated.Count).Take(asked.Queries)];
        LabelledImages queries = data.Evaluated.Rows(chosen).WithOneLabelEach(_key.Split("query captions"));
        return theta => network.Loss(theta, Variable.Constant(queries.Images), Variable.Constant(queries.Labels));
    }

    private double[] Changes(Expert expert, string folder, Func<Tensor, double> lossAt)
    {
        double[] changes = [.. Enumerable.Repeat(double.NaN, asked.Pairs)];
        if (asked.Retrained == 0)
            return changes;
        int[] left = [.. _key.Split("left out").Permutation(asked.Pairs).Take(asked.Retrained)];
        var cache = new RetrainingCache(expert, Path.Combine(folder, "left-out"), [asked.Steps]);
        IReadOnlyList<string> files;
        using (IProgressStage stage = progress.Begin("Training again with less of a pair", left.Length))
            files = cache.Run([.. left.Select(i => Intervention.TakeAway(asked.Pairs, asked.Share, i))], observe: done => stage.Report(done, ""), cancel: cancel);
        for (int k = 0; k < left.Length; k++)
        {
            using var scope = TensorScope.Begin();
            changes[left[k]] = lossAt(cache.Theta(files[k], 0)) - Losses.After;
        }
        return changes;
    }

    private static double Recorded(ParameterLoss measure, Tensor theta)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        return measure(Variable.Constant(theta)).Value.ToScalar();
    }

    private static void Require(string option, int wanted, int there, string what)
    {
        if (wanted > there)
            throw DistillException.BadValue(option, $"{wanted}", $"at most the {there} {what}");
    }
}
