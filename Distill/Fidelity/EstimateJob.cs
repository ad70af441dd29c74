using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>One estimate after one number of steps, held against ground truth. Its result is a row in memory: the time that it takes
/// is a part of it, so that it is not kept.</summary>
internal sealed class EstimateJob(StudyCase study, GroundTruth groundTruth, string name) : Job
{
    private const int MostRealBatch = 250;

    /// <summary>The row; of an estimate that failed it has no numbers.</summary>
    public FidelityRow? Row { get; private set; }

    /// <summary>What a reader must know of it, or why there are no numbers; null for nothing.</summary>
    public string? Remark { get; private set; }

    /// <inheritdoc/>
    public override string Key => $"{name} after {groundTruth.Steps} steps";

    /// <inheritdoc cref="GroundTruth.Steps"/>
    public int Steps => groundTruth.Steps;

    /// <inheritdoc/>
    public override bool IsDone() => Row is not null;

    /// <inheritdoc/>
    public override void Make(CancellationToken cancel)
    {
        try
        {
            using var scope = TensorScope.Begin();
            ExampleInfluence estimate = ExampleInfluences.Create(
                name, study.Recorded.ContextAt(groundTruth.Steps), study.Settings.Damping);
            Row = RowOf(estimate, cancel);
            Remark = estimate.Remark;
        }
        catch (NumericalException e) // the other estimates are none the worse for it
        {
            Row = new FidelityRow(study.Seed, groundTruth.Steps, name) { IsRanked = false };
            Remark = $"{name}: {e.Message}";
        }
    }

    private FidelityRow RowOf(ExampleInfluence estimate, CancellationToken cancel)
    {
        (StudyInterventions asked, int n) = (study.Interventions, study.Settings.Examples);
        var row = new FidelityRow(study.Seed, groundTruth.Steps, name);
        long start = TimeProvider.System.GetTimestamp();
        double[] scores = ScoresOf(study.Measure);
        row.Seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        row.Gradients = estimate.ImageGradients / n;
        row.IsRanked = Array.TrueForAll(scores, double.IsFinite) && Array.Exists(scores, x => x != scores[0]);
        row.LeaveOneOut = Agreement.Spearman(Predicted(scores, asked.Singles), groundTruth.Singles);
        row.GroupOut = Agreement.Spearman(Predicted(scores, asked.Groups), groundTruth.Groups);
        if (asked.Subsets.Length > 0)
        {
            row.Lds = study.Points.Select((p, q) =>
                Agreement.Spearman(Predicted(ScoresOf(p), asked.Subsets), groundTruth.Subsets[q])).Average();
        }
        if (estimate.HasDisplacement && groundTruth.Displacements.Length > 0)
            (row.Error, row.Cosine) = StudyCase.Compare(
                i => Displacement(estimate, asked.Singles[i], cancel), groundTruth.Displacements);
        if (asked.Candidates.Length > 0 && Kinds.Find<InfluenceEstimator>(name) is { } estimator)
        {
            double[] j = Objectives(estimator);
            row.CandidateDistance = Agreement.Spearman(j, [.. groundTruth.Candidates.Select(c => c.Distance)]);
            row.CandidateAccuracy = Agreement.Spearman(
                [.. j.Select(x => -x)], [.. groundTruth.Candidates.Select(c => c.Accuracy)]);
        }
        return row;

        // An estimate is of many measures: who interrupts it does not wait for all.
        double[] ScoresOf(ParameterLoss measure)
        {
            cancel.ThrowIfCancellationRequested();
            return estimate.Scores(measure);
        }
    }

    private static double[] Displacement(ExampleInfluence estimate, Intervention intervention, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = TensorScope.Begin();
        return estimate.Displacement(intervention).ToArray<double>();
    }

    // Σ_i (w_i − 1)·dm/dw_i of each intervention.
    private static double[] Predicted(double[] scores, Intervention[] interventions) =>
        [.. interventions.Select(z => z.Changed.Sum(i => (z.Weights[i] - 1) * scores[i]))];

    // J(S) with a weight of 1, which is what training on S in D's place has.
    private double[] Objectives(InfluenceEstimator estimator)
    {
        int[] rows = [.. Enumerable.Range(0, Math.Min(MostRealBatch, study.Settings.Examples))];
        var context = new EstimationContext(
            [study.Recorded.Expert], study.Settings.Field, study.Recorded.Data.Rows(rows));
        using var objective = new InfluenceObjective(estimator, context, WeightRule.Fixed);
        var loss = new ImageLoss(study.Recorded.Network, Augmentation.None, default);
        return [.. study.Interventions.Candidates.Select(s =>
        {
            using var scope = TensorScope.Begin();
            return objective.Evaluate(new Window(0, 0, groundTruth.Steps), s, loss, gradient: false).Relative;
        })];
    }
}
