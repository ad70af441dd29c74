namespace InfMatch.Distill;

/// <summary>Work of one kind in a stage: so many units, each as long as the others.</summary>
/// <param name="Stage">Which stage it is in.</param>
/// <param name="Kind">Its kind: units of one kind take as long in every stage, and are measured once.</param>
/// <param name="Count">How many units there are.</param>
/// <param name="Measure">Seconds of a unit.</param>
internal sealed record PlannedWork(
    PlannedStage Stage, string Kind, double Count, Func<StepProbe, ProbeSlot, double> Measure)
{
    /// <summary>The units that cannot be taken apart, such as the images that are classified together.</summary>
    public double Together { get; init; } = 1;
}

/// <summary>A part of a run as it is planned, or what is left of it.</summary>
/// <param name="Name">What it is: data, experts, distil, evaluate.</param>
/// <param name="Ipc">Of which set, by its images per class; null for none.</param>
/// <param name="What">What is done, such as "3 × 471 steps of 64 images".</param>
internal sealed record PlannedStage(string Name, int? Ipc, string What)
{
    /// <summary>The names of stages.</summary>
    public const string Data = "data", Experts = "experts", Distil = "distil", Evaluate = "evaluate";

    /// <summary>The set as files name it: ipc10.</summary>
    public string? Set => Ipc is { } n ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(IsOfPairs ? "pairs" : "ipc")}{n}") : null;

    /// <summary>Whether the number is one of pairs.</summary>
    public bool IsOfPairs { get; init; }

    /// <summary>How many of its things there are, for a line of all stages: sets, or networks.</summary>
    public int Things { get; init; } = 1;
}

/// <summary>How long a stage takes.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Seconds">In all.</param>
/// <param name="IsMeasured">Whether its steps were measured, or their time follows from what they compute.</param>
internal sealed record TimedStage(PlannedStage Stage, double Seconds, bool IsMeasured);
