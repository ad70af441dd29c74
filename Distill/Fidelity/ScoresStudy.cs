using System.Globalization;
using System.Text;
using InfMatch.Autograd;
using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;
using InfMatch.Tensors.IO;

namespace InfMatch.Distill;

/// <summary>How well an estimate finds wrong labels, and what it took.</summary>
/// <param name="Estimator">The estimate.</param>
/// <param name="AreaUnderCurve">The area under the ROC curve for planted wrong labels; NaN without any.</param>
/// <param name="Gradients">Gradients of an image, in multiples of the examples.</param>
/// <param name="Seconds">What the scores took.</param>
/// <param name="Remark">What a reader must know of them, or why there are none; null for nothing.</param>
internal sealed record ScoresRow(
    string Estimator, double AreaUnderCurve, double Gradients, double Seconds, string? Remark);

/// <summary>'influence scores': what every training example does to the measure of test images, as CSV and as pictures
/// of the most helpful and the most harmful ones.</summary>
internal sealed class ScoresStudy(FidelitySettings settings, StudyInput input)
{
    private const byte White = 255;

    private readonly CpuBackend _backend = new(input.Threads);

    /// <summary>The files that were written.</summary>
    public List<string> Files { get; } = [];

    /// <summary>The network whose examples were scored.</summary>
    public ScoredNetwork? Network { get; private set; }

    /// <summary>Scores all examples by every estimate.</summary>
    /// <exception cref="DistillException">More images are asked for than there are.</exception>
    /// <exception cref="NumericalException">A loss stops being finite, or scores of every estimate.</exception>
    public IReadOnlyList<ScoresRow> Run()
    {
        using var scope = TensorScope.Begin();
        using RecordedCase recorded = RecordedCase.Open(
            settings, input, RandomKey.FromSeed(input.Seed).Split("influence"), _backend);
        Network = recorded.Fit();
        (LabelledImages validation, _) = recorded.TestImages(settings.Validation, 0);
        ParameterLoss measure = recorded.MeasureOf(validation);
        ExampleContext context = recorded.ContextAt(settings.Steps);
        var rows = new List<ScoresRow>();
        var columns = new List<double[]?>();
        NumericalException? failed = null;
        using (IProgressStage stage = input.Progress.Begin("Scores", settings.Estimators.Length))
        {
            foreach (string name in settings.Estimators)
            {
                input.Cancel.ThrowIfCancellationRequested();
                ExampleInfluence estimate = ExampleInfluences.Create(name, context, settings.Damping);
                long start = TimeProvider.System.GetTimestamp();
                double[]? harm = null;
                try
                {
                    harm = HarmBy(estimate, measure);
                }
                catch (NumericalException e) // the other estimates are none the worse for it
                {
                    failed = e;
                }
                rows.Add(new ScoresRow(
                    name, harm is null ? double.NaN : Agreement.AreaUnderCurve(harm, recorded.IsFlipped),
                    estimate.ImageGradients / settings.Examples,
                    TimeProvider.System.GetElapsedTime(start).TotalSeconds, harm is null ? failed!.Message : estimate.Remark));
                columns.Add(harm);
                stage.Report(rows.Count, name);
            }
        }
        int shown = columns.FindIndex(c => c is not null);
        if (shown < 0)
            throw failed!;
        WriteTable(recorded, columns);
        WritePictures(recorded, columns[shown]!, settings.Estimators[shown]);
        return rows;
    }

    // Where the measure is the loss, an example that raises it is harmful; a margin is the other way round.
    private double[] HarmBy(ExampleInfluence estimate, ParameterLoss measure)
    {
        double[] scores = estimate.Scores(measure);
        if (Array.FindIndex(scores, s => !double.IsFinite(s)) is var broken and >= 0)
        {
            throw new NumericalException(
                $"the score of example {broken} by {estimate.Name}", settings.Steps, scores[broken],
                "Raise --damping, lower --rate or leave the estimate out.");
        }
        return settings.Measure == "loss" ? scores : [.. scores.Select(s => -s)];
    }

    // The cells of an estimate that failed are empty.
    private void WriteTable(RecordedCase recorded, List<double[]?> columns)
    {
        var text = new StringBuilder("index,label,given,flipped," + string.Join(',', settings.Estimators) + "\n");
        for (int i = 0; i < recorded.Examples.Length; i++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{recorded.Examples[i]},{recorded.Labels[i]},{recorded.Given[i]},{(recorded.IsFlipped[i] ? 1 : 0)}");
            foreach (double[]? column in columns)
                text.Append(CultureInfo.InvariantCulture, $",{column?[i]:R}");
            text.Append('\n');
        }
        string path = Path.Combine(recorded.Folder, "scores.csv");
        AtomicFile.WriteAllText(path, text.ToString());
        Files.Add(path);
    }

    private void WritePictures(RecordedCase recorded, double[] harm, string estimator)
    {
        int[][] ofClass =
        [
            .. Enumerable.Range(0, recorded.Classes).Select(c =>
                Enumerable.Range(0, harm.Length).Where(i => recorded.Given[i] == c).OrderBy(i => harm[i]).ToArray()),
        ];
        int each = Math.Min(settings.Pictures, ofClass.Max(c => c.Length));
        var captions = new ScoreCaptions(recorded, harm, input.Pair.Train.ClassNames);
        Write("helpful", [.. ofClass.Select(c => c.Take(each).ToArray())]);
        Write("harmful", [.. ofClass.Select(c => c.Reverse().Take(each).ToArray())]);

        // A class with fewer examples has empty places at the end of its row.
        void Write(string what, int[][] rows)
        {
            int size = input.Pair.Train.ImageSize;
            byte[] pixels =
            [
                .. rows.SelectMany(row => row.SelectMany(i => input.Pair.Train.Image(recorded.Examples[i]).ToArray())
                    .Concat(Enumerable.Repeat(White, each * size)).Take(each * size)),
            ];
            string path = Path.Combine(recorded.Folder, $"{what}.png");
            ImageGrid.Write(path, new ImageGrid(
                pixels, input.Pair.Train.Channels, input.Pair.Train.Height, input.Pair.Train.Width, input.Pair.Train.ClassNames)
            {
                Title = $"{input.Pair.Name}: the most {what} training images of each class, the most {what} first",
                Note = captions.Note(estimator),
                Labels = [.. rows.SelectMany(row => captions.Of(row, each))],
                Marked = captions.Marked(rows, each),
            });
            Files.Add(path);
        }
    }
}
