using System.Globalization;

namespace InfMatch.Influence;

/// <summary>A run of consecutive steps, all of whose parameters are recorded.</summary>
/// <param name="Start">The first step.</param>
/// <param name="Length">The number of steps; Length + 1 parameter vectors are stored.</param>
public readonly record struct DenseSegment(int Start, int Length);

/// <summary>
/// Which θ^t of a training run are stored: some evenly spaced in every epoch (sparse), and whole segments of
/// consecutive steps (dense), which the unrolled estimator needs: a macro-step of n steps with the Hessian at its
/// start is unstable once n·η·λ_max &gt; 2 (docs/theory.md, "Windows").
/// </summary>
/// <param name="PerEpoch">Sparse checkpoints an epoch; 0 for none but the first and the last.</param>
/// <param name="Dense">Dense segments.</param>
public sealed record CheckpointSchedule(int PerEpoch, IReadOnlyList<DenseSegment> Dense)
{
    /// <summary>Sparse checkpoints only.</summary>
    public static CheckpointSchedule Sparse(int perEpoch) => new(perEpoch, []);

    /// <summary>Every step.</summary>
    public static CheckpointSchedule Every(int steps) => new(0, [new DenseSegment(0, steps)]);

    /// <summary>The numbers of the steps before which θ is stored, ascending, 0 and the last included.</summary>
    public int[] Steps(int stepsPerEpoch, int steps)
    {
        var chosen = new SortedSet<int> { 0, steps };
        for (int i = 0; PerEpoch > 0; i++)
        {
            int step = (int)((long)i * stepsPerEpoch / PerEpoch);
            if (step > steps)
                break;
            chosen.Add(step);
        }
        foreach (DenseSegment segment in Dense)
        {
            for (int step = segment.Start; step <= Math.Min(steps, segment.Start + segment.Length); step++)
                chosen.Add(step);
        }
        return [.. chosen];
    }

    /// <summary>The schedule as text, for a file's metadata.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{PerEpoch} per epoch{string.Concat(Dense.Select(d => $", steps {d.Start}..{d.Start + d.Length}"))}");
}
