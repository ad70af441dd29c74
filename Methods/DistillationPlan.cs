namespace InfMatch.Methods;

/// <summary>How S is learned, whatever the method; equal plans, experts and seeds give equal sets.</summary>
public sealed record DistillationPlan
{
    /// <summary>Updates of S.</summary>
    public int Iterations { get; init; } = 300;

    /// <summary>How each part is learned, by its name; a part without a plan stays as it is.</summary>
    public required IReadOnlyDictionary<string, PartPlan> Parts { get; init; }

    /// <summary>How the rates change over the updates.</summary>
    public SetSchedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>What the updates may cost together; null for any. The schedule then follows the share of it that is spent.</summary>
    public DistillationBudget? Budget { get; init; }

    /// <summary>Tells how long updates take.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The most that the norm of the gradient of all parts that are learned may be; a longer one is scaled down to it.
    /// 0 for any.</summary>
    public double MostGradient { get; init; }

    /// <summary>The most that it may be as a multiple of the median norm of the last 25 gradients; a longer one is scaled down to
    /// that. A single step along a spike destroys S (docs/results.md, "CIFAR-10"). 0 for any.</summary>
    public double MostSpike { get; init; }
}
