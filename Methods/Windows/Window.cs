using System.Collections.Immutable;

namespace InfMatch.Methods;

/// <summary>
/// The part of an expert's trajectory from checkpoint First to checkpoint Last on which the objective is taken: over a
/// whole trajectory the linearisation loses its meaning (docs/theory.md, "Windows").
/// </summary>
/// <param name="Expert">The number of the expert.</param>
/// <param name="First">The checkpoint at which the window begins.</param>
/// <param name="Last">The checkpoint at which it ends.</param>
public readonly record struct Window(int Expert, int First, int Last)
{
    /// <summary>The number of (macro-)steps.</summary>
    public int Length => Last - First;

    /// <summary>The metrics by which metrics.jsonl tells which window an update was on.</summary>
    public ImmutableArray<Metric> AsMetrics() =>
        [new("expert", Expert) { IsPlace = true }, new("first", First) { IsPlace = true }, new("last", Last) { IsPlace = true }];
}
