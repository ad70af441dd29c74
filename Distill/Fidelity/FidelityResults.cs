using System.Globalization;

namespace InfMatch.Distill;

/// <summary>What one estimate reached on one training after so many steps; NaN where it was not measured.</summary>
/// <param name="Seed">The repetition.</param>
/// <param name="Horizon">Steps of training.</param>
/// <param name="Estimator">The estimate.</param>
internal sealed record FidelityRow(int Seed, int Horizon, string Estimator)
{
    /// <summary>‖δ̂ − δ‖/‖δ‖, mean over examples left out that training has met by then.</summary>
    public double Error { get; set; } = double.NaN;

    /// <summary>cos(δ̂, δ), mean over the same.</summary>
    public double Cosine { get; set; } = double.NaN;

    /// <summary>Spearman's ρ of the change of the validation measure over examples left out.</summary>
    public double LeaveOneOut { get; set; } = double.NaN;

    /// <summary>The same over groups left out.</summary>
    public double GroupOut { get; set; } = double.NaN;

    /// <summary>The mean over test images of ρ over half-subsets.</summary>
    public double Lds { get; set; } = double.NaN;

    /// <summary>ρ of J(S) and ‖θ_S − θ_D‖ over candidate sets.</summary>
    public double CandidateDistance { get; set; } = double.NaN;

    /// <summary>ρ of −J(S) and the test accuracy of a network trained on S.</summary>
    public double CandidateAccuracy { get; set; } = double.NaN;

    /// <summary>Gradients of an image for the scores of all examples, in multiples of their number.</summary>
    public double Gradients { get; set; } = double.NaN;

    /// <summary>Seconds for the scores of all examples.</summary>
    public double Seconds { get; set; } = double.NaN;

    /// <summary>Whether the scores of all examples were finite and not all the same; others have no rank, so that the row
    /// lacks its correlations.</summary>
    public bool IsRanked { get; set; } = true;

    /// <summary>The measured numbers with their names, in the order of the table.</summary>
    public IEnumerable<(string Name, double Value)> Values() =>
    [
        ("error", Error), ("cosine", Cosine), ("leaveOneOut", LeaveOneOut), ("groupOut", GroupOut), ("lds", Lds),
        ("candidateDistance", CandidateDistance), ("candidateAccuracy", CandidateAccuracy), ("gradients", Gradients),
        ("seconds", Seconds),
    ];
}
