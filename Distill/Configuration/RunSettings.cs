using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace InfMatch.Distill;

/// <summary>Every setting of a run, resolved. The options' table (<see cref="Settings"/>) says what each means.</summary>
internal sealed record RunSettings
{
    public required string Dataset { get; init; }

    public string? Data { get; init; }

    /// <summary>Side that decoded images are brought to; null leaves them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ImageSize { get; init; }

    /// <summary>ε of the ZCA whitening of the standardised images; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Zca { get; init; }

    public required ImmutableArray<int> Ipc { get; init; }

    public required string Estimator { get; init; }

    public required int Iterations { get; init; }

    /// <summary>The architecture of experts, distilling and evaluating; null, as in runs from before there was a choice, for
    /// convnet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Model { get; init; }

    /// <summary>The ConvNet's norm; null for instance.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Norm { get; init; }

    /// <summary>The ConvNet's pooling; null for avg.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Pooling { get; init; }

    public required int Width { get; init; }

    public required int Depth { get; init; }

    public required double LrImg { get; init; }

    public required double LrLabel { get; init; }

    public required double MomentumImg { get; init; }

    public required double MomentumLabel { get; init; }

    public required string RateSchedule { get; init; }

    public required string Mass { get; init; }

    /// <summary>Of what the influences are matched: whole, classes or both.</summary>
    public required string Partition { get; init; }

    public required string MatchAugment { get; init; }

    public required double Threshold { get; init; }

    public required double Temperature { get; init; }

    /// <summary>Where the labels start: experts (their mean logits) or hard (the image's class).</summary>
    public required string LabelStart { get; init; }

    /// <summary>What the images start from: noise or real; null, as in runs from before there was a choice, for correct.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ImageStart { get; init; }

    /// <summary>hard or soft where the labels stay as they start; null for learned labels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Labels { get; init; }

    /// <summary>The rate of each step by which the estimator retrained trains on S; null for the sum of the experts' rates.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? SyntheticRate { get; init; }

    public required int RealBatch { get; init; }

    /// <summary>f: a stored image is f×f tiles that are enlarged where it is used; null for 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Factor { get; init; }

    public required int Window { get; init; }

    public required int StartFirst { get; init; }

    public required int StartLast { get; init; }

    public required int StartGrowth { get; init; }

    public required int Experts { get; init; }

    public string? ExpertsFrom { get; init; }

    public required int ExpertEpochs { get; init; }

    public required int ExpertSteps { get; init; }

    public required int ExpertBatch { get; init; }

    public required double ExpertRate { get; init; }

    public required string ExpertAugment { get; init; }

    /// <summary>How the experts' rate changes: constant, cosine or step.</summary>
    public required string ExpertSchedule { get; init; }

    /// <summary>The probability with which an expert's batch is mixed by CutMix; null for never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertCutmix { get; init; }

    public required int Checkpoints { get; init; }

    public required int DenseSteps { get; init; }

    /// <summary>How networks are trained on a set that is evaluated: A, B or DC; null for A with what the preset says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Protocol { get; init; }

    /// <summary>Epochs between two looks at the test images; null for what the protocol says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? BestEvery { get; init; }

    /// <summary>The probability with which their batches are mixed by CutMix; null for what the protocol says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Cutmix { get; init; }

    public required int Epochs { get; init; }

    public required int Repeats { get; init; }

    public required int EvalWidth { get; init; }

    public required double EvalRate { get; init; }

    public required string Augment { get; init; }

    public required int EvaluateEvery { get; init; }

    public required int SaveEvery { get; init; }

    public required ulong Seed { get; init; }

    public required int Threads { get; init; }

    public required string Device { get; init; }

    /// <summary>The most device memory that tensors may take, such as 4GiB; null for all there is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MemoryLimit { get; init; }

    /// <summary>What large products are computed in: tf32 or 3xtf32; null, as in runs from before there was a choice, for
    /// float32.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Precision { get; init; }

    public required string Out { get; init; }
}
