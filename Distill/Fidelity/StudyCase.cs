using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>A recorded training with all that estimates of it are held against.</summary>
/// <param name="Settings">What is asked.</param>
/// <param name="Recorded">The training.</param>
/// <param name="Interventions">What it was done again under.</param>
/// <param name="Measure">What influence is had on.</param>
/// <param name="Points">The same of each test point, for the subsets.</param>
/// <param name="Seed">The repetition.</param>
internal sealed record StudyCase(
    FidelitySettings Settings, RecordedCase Recorded, StudyInterventions Interventions, ParameterLoss Measure,
    ParameterLoss[] Points, int Seed)
{
    /// <summary>The name of the row of perturbed retraining, in which retraining itself is the estimate.</summary>
    public const string TwinName = "twin";

    /// <summary>What retraining says after each of the horizons.</summary>
    public GroundTruth[] GroundTruths(RetrainingCache retrainings, StudyFiles files)
    {
        var reader = new GroundTruthReader(retrainings, Measure, Points, Settings.Displacements);
        (Tensor Images, int[] Labels)? unseen = Interventions.Candidates.Length > 0 ? Recorded.AllTestImages() : null;
        return
        [
            .. Settings.Horizons.Select((steps, h) =>
            {
                using var scope = TensorScope.Begin();
                Tensor end = Recorded.ContextAt(steps).Theta(steps);
                GroundTruth groundTruth = reader.At(files, h, end);
                return unseen is { } images
                    ? groundTruth with { Candidates = reader.Candidates(Recorded.Network, files.Replaced, h, end, images) }
                    : groundTruth;
            }),
        ];
    }

    /// <summary>The row of perturbed retraining (the twin), whose changes are the estimate.</summary>
    public FidelityRow TwinRow(RetrainingCache retrainings, (string Itself, StudyFiles Files) twin, GroundTruth groundTruth)
    {
        using var scope = TensorScope.Begin();
        Tensor end = retrainings.Theta(twin.Itself, groundTruth.Index);
        GroundTruth found = new GroundTruthReader(retrainings, Measure, Points, groundTruth.Displacements.Length)
            .At(twin.Files, groundTruth.Index, end);
        var row = new FidelityRow(Seed, groundTruth.Steps, TwinName)
        {
            LeaveOneOut = Agreement.Spearman(found.Singles, groundTruth.Singles),
            GroupOut = Agreement.Spearman(found.Groups, groundTruth.Groups),
        };
        if (Interventions.Subsets.Length > 0)
            row.Lds = found.Subsets.Zip(groundTruth.Subsets, (mine, right) => Agreement.Spearman(mine, right)).Average();
        if (groundTruth.Displacements.Length > 0)
            (row.Error, row.Cosine) = Compare(i => found.Displacements[i], groundTruth.Displacements);
        return row;
    }

    /// <summary>The mean relative error and cosine of displacements. An example that training has not met yet is left out to no
    /// effect: there is nothing to be right or wrong about.</summary>
    public static (double Error, double Cosine) Compare(Func<int, double[]> displacement, double[][] groundTruths)
    {
        int[] met = [.. Enumerable.Range(0, groundTruths.Length).Where(i => Array.Exists(groundTruths[i], x => x != 0))];
        (double error, double cosine) = (0, 0);
        foreach (int i in met)
        {
            double[] found = displacement(i);
            error += Agreement.RelativeError(found, groundTruths[i]);
            cosine += Agreement.Cosine(found, groundTruths[i]);
        }
        return (error / met.Length, cosine / met.Length);
    }
}
