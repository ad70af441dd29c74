using InfMatch.Autograd;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>What retraining says after so many steps.</summary>
/// <param name="Index">Which of the horizons it is.</param>
/// <param name="Steps">The horizon.</param>
internal sealed record GroundTruth(int Index, int Steps)
{
    /// <summary>δ of each example left out whose displacement is compared.</summary>
    public required double[][] Displacements { get; init; }

    /// <summary>The change of the measure for each example left out.</summary>
    public required double[] Singles { get; init; }

    /// <summary>The same for each group.</summary>
    public required double[] Groups { get; init; }

    /// <summary>The change of each test point's measure for each subset.</summary>
    public required double[][] Subsets { get; init; }

    /// <summary>How far from θ_D training on each candidate ends, and the accuracy of that network; empty without candidates.
    /// </summary>
    public (double Distance, double Accuracy)[] Candidates { get; init; } = [];
}

/// <summary>Reads ground truth from the files of retrainings.</summary>
/// <param name="retrainings">The files.</param>
/// <param name="measure">What influence is had on.</param>
/// <param name="points">The same of each test point, for the subsets.</param>
/// <param name="displacements">How many displacements of single examples are kept.</param>
internal sealed class GroundTruthReader(
    RetrainingCache retrainings, ParameterLoss measure, ParameterLoss[] points, int displacements)
{
    /// <summary>What the files say after a horizon.</summary>
    /// <param name="files">The retrainings.</param>
    /// <param name="horizon">Which of the horizons, from 0.</param>
    /// <param name="end">θ of the unchanged training there [p].</param>
    public GroundTruth At(StudyFiles files, int horizon, Tensor end) => new(horizon, retrainings.Horizons[horizon])
    {
        Displacements = [.. files.Singles.Take(displacements).Select(file => Moved(file, horizon, end))],
        Singles = Changes(files.Singles, horizon, measure, end),
        Groups = Changes(files.Groups, horizon, measure, end),
        Subsets = [.. points.Select(p => Changes(files.Subsets, horizon, p, end))],
    };

    /// <summary>Where training on each candidate ends.</summary>
    public (double Distance, double Accuracy)[] Candidates(
        Network network, string[] files, int horizon, Tensor end, (Tensor Images, int[] Labels) unseen) =>
    [
        .. files.Select(file =>
        {
            using var scope = TensorScope.Begin();
            Tensor theta = retrainings.Theta(file, horizon);
            return (theta.Minus(end).Norm(), network.Accuracy(theta, unseen.Images, unseen.Labels));
        }),
    ];

    private double[] Moved(string file, int horizon, Tensor end)
    {
        using var scope = TensorScope.Begin();
        return retrainings.Theta(file, horizon).Minus(end).ToArray<double>();
    }

    private double[] Changes(string[] files, int horizon, ParameterLoss measured, Tensor end)
    {
        double before = Value(measured, end);
        return [.. files.Select(file =>
        {
            using var scope = TensorScope.Begin();
            return Value(measured, retrainings.Theta(file, horizon)) - before;
        })];
    }

    private static double Value(ParameterLoss measured, Tensor theta)
    {
        using var scope = TensorScope.Begin();
        using IDisposable off = Recording.Off();
        return measured(Variable.Constant(theta)).Value.ToScalar();
    }
}
