using System.Collections.Immutable;

namespace InfMatch.Distill;

/// <summary>
/// The starting values of every setting; this file is the one place where they stand. <see cref="Demo"/> is the run
/// without arguments: two minutes on two cores. <see cref="Standard"/> is for real runs.
/// </summary>
internal static class Presets
{
    /// <summary>The names, for options and messages.</summary>
    public static ImmutableArray<string> Names { get; } = ["demo", "standard"];

    /// <summary>What runs without arguments.</summary>
    public static RunSettings Demo { get; } = new()
    {
        Dataset = "fashion-mnist-small",
        Ipc = [1, 10],
        Estimator = "first-order",
        Iterations = 60,
        Width = 32,
        Depth = 3,
        LrImg = 200,
        LrLabel = 5,
        MomentumImg = 0.5,
        MomentumLabel = 0.9,
        RateSchedule = "constant",
        Mass = "closed-form",
        MatchAugment = "auto",
        Threshold = 1.5,
        Temperature = 1,
        RealBatch = 100,
        Window = 4,
        StartFirst = 4,
        StartLast = 8,
        StartGrowth = 30,
        Experts = 3,
        ExpertEpochs = 3,
        ExpertBatch = 128,
        ExpertRate = 0.01,
        ExpertAugment = "none",
        Checkpoints = 4,
        DenseSteps = 0,
        Epochs = 150,
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
        Iterations = 500,
        Width = 64,
        RealBatch = 200,
        StartLast = 20,
        StartGrowth = 200,
        Experts = 6,
        ExpertEpochs = 8,
        ExpertBatch = 256,
        Epochs = 1000,
        Repeats = 5,
        EvalWidth = 128,
        Augment = "auto",
        SaveEvery = 25,
    };

    /// <summary>The preset of a name.</summary>
    public static RunSettings Of(string name) => name == "demo" ? Demo : Standard;
}
