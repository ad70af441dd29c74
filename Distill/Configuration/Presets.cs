using System.Collections.Immutable;

namespace InfMatch.Distill;

/// <summary>
/// The starting values of every setting; this file is the one place where they stand. <see cref="Demo"/> is the run
/// without arguments: a minute or two on two cores. <see cref="Standard"/> is for real runs, <see cref="Retrained"/> for the best
/// sets of ten images and more a class (docs/results.md), which take longer.
/// </summary>
internal static class Presets
{
    /// <summary>The preset of every command that names none.</summary>
    public const string Usual = "standard";

    /// <summary>The names, for options and messages.</summary>
    public static ImmutableArray<string> Names { get; } = ["demo", "standard", "retrained"];

    /// <summary>What runs without arguments.</summary>
    public static RunSettings Demo { get; } = new()
    {
        Dataset = "fashion-mnist-small",
        Ipc = [1, 10],
        Estimator = "first-order",
        Iterations = 200,
        Width = 32,
        Depth = 3,
        LrImg = 800,
        LrLabel = 15,
        MomentumImg = 0.5,
        MomentumLabel = 0.9,
        RateSchedule = "cosine",
        Mass = "closed-form",
        Partition = "whole",
        MatchAugment = "none",
        Threshold = 1.5,
        Temperature = 1,
        LabelStart = "hard",
        RealBatch = 100,
        Window = 2,
        StartFirst = 4,
        StartLast = 24,
        StartGrowth = 200,
        Experts = 3,
        ExpertEpochs = 3,
        ExpertSteps = 0,
        ExpertBatch = 64,
        ExpertRate = 0.05,
        ExpertAugment = "none",
        ExpertSchedule = "cosine",
        Checkpoints = 16,
        DenseSteps = 0,
        Epochs = 200,
        Repeats = 3,
        EvalWidth = 32,
        EvalRate = 0.01,
        Augment = "none",
        EvaluateEvery = 0,
        SaveEvery = 20,
        Seed = 0,
        Threads = 0,
        Device = "auto",
        Out = "runs",
    };

    /// <summary>For real runs: wider, longer, evaluated as in the literature.</summary>
    public static RunSettings Standard { get; } = Demo with
    {
        Ipc = [10],
        Iterations = 400,
        RealBatch = 200,
        StartFirst = 16,
        StartLast = 48,
        Experts = 4,
        ExpertEpochs = 4,
        Checkpoints = 64,
        Epochs = 1000,
        Repeats = 5,
        EvalWidth = 128,
        SaveEvery = 25,
    };

    /// <summary>Training on S itself, held against experts of large batches, both under the augmentation of the
    /// evaluate.</summary>
    public static RunSettings Retrained { get; } = Standard with
    {
        Estimator = "retrained",
        SyntheticRate = 0.02,
        Iterations = 600,
        LrImg = 500,
        LrLabel = 20,
        LabelStart = "experts",
        MatchAugment = "auto",
        Window = 20,
        StartFirst = 20,
        StartLast = 150,
        StartGrowth = 300,
        Experts = 10,
        ExpertBatch = 256,
        ExpertAugment = "auto",
        ExpertSchedule = "constant",
        Checkpoints = 47,
        Augment = "auto",
    };

    /// <summary>The preset of a name.</summary>
    public static RunSettings Of(string name) => name switch
    {
        "demo" => Demo,
        "standard" => Standard,
        "retrained" => Retrained,
        _ => throw new ArgumentException($"There is no preset {name}.", nameof(name)),
    };
}
