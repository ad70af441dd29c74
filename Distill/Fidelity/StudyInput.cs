using InfMatch.Datasets;
using InfMatch.Nn;

namespace InfMatch.Distill;

/// <summary>What a study of influence works on and where.</summary>
/// <param name="Pair">The data set.</param>
/// <param name="Seed">Every random number follows from it.</param>
/// <param name="Threads">How much is done at a time.</param>
/// <param name="Folder">Where trainings and results are kept.</param>
/// <param name="Progress">Shows how far it is.</param>
/// <param name="Cancel">Stops it.</param>
internal sealed record StudyInput(
    DatasetPair Pair, ulong Seed, int Threads, string Folder, IProgressView Progress, CancellationToken Cancel)
{
    /// <summary>Which of the retrainings are made, and nothing else; null for the whole study.</summary>
    public Part? Part { get; init; }
}
