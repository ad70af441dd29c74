using System.Collections.Immutable;
using System.Text.Json.Serialization;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Every setting of a run, resolved. The options' table (<see cref="Settings"/>) says what each means.</summary>
internal sealed record RunSettings
{
    public string Dataset { get; init; } = "";

    public string? Data { get; init; }

    /// <summary>Side that decoded images are brought to; null leaves them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ImageSize { get; init; }

    /// <summary>ε of the ZCA whitening of the standardised images; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Zca { get; init; }

    public ImmutableArray<int> Ipc { get; init; } = [];

    /// <summary>What is matched; null, as in runs from before there was a choice, for influence.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Method { get; init; }

    /// <summary>The name of the method.</summary>
    [JsonIgnore]
    public string MethodName => Method ?? DistillationMethod.Default;

    /// <summary>The method.</summary>
    [JsonIgnore]
    public DistillationMethod MethodKind => Kinds.Find<DistillationMethod>(MethodName)!;

    /// <summary>The values of the method's own settings; <see cref="ConfigFile"/> writes them beside the others.</summary>
    [JsonIgnore]
    public MethodValues OfMethod { get; init; } = MethodValues.Standard;

    /// <summary>How results of these settings are called in tables.</summary>
    [JsonIgnore]
    public string MethodLabel => MethodKind.Describe(OfMethod);

    public int Iterations { get; init; }

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

    public int Width { get; init; }

    public int Depth { get; init; }

    public double LrImg { get; init; }

    public double LrLabel { get; init; }

    public double MomentumImg { get; init; }

    public double MomentumLabel { get; init; }

    /// <summary>What moves S along its gradient; null for sgd.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Optimiser { get; init; }

    /// <summary>λ of S's parts; null for 0.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? WeightDecay { get; init; }

    /// <summary>pixels where images are kept to values that pixels can have; null for anywhere.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Clamp { get; init; }

    /// <summary>The most that the norm of S's gradient may be; null for any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ClipGradient { get; init; }

    /// <summary>Rows of S in a step of training on it; null for all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? BatchSyn { get; init; }

    /// <summary>The file of the set that S starts from; null for real images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StartFrom { get; init; }

    public string RateSchedule { get; init; } = "";

    public string MatchAugment { get; init; } = "";

    public double Temperature { get; init; }

    /// <summary>Where the labels start: experts (their mean logits) or hard (the image's class).</summary>
    public string LabelStart { get; init; } = "";

    /// <summary>What the images start from: noise or real; null, as in runs from before there was a choice, for correct.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ImageStart { get; init; }

    /// <summary>hard or soft where the labels stay as they start; null for learned labels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Labels { get; init; }

    /// <summary>f: a stored image is f×f tiles that are enlarged where it is used; null for 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Factor { get; init; }

    public int Experts { get; init; }

    public string? ExpertsFrom { get; init; }

    public int ExpertEpochs { get; init; }

    public int ExpertSteps { get; init; }

    public int ExpertBatch { get; init; }

    public double ExpertRate { get; init; }

    public string ExpertAugment { get; init; } = "";

    /// <summary>How the experts' rate changes: constant, cosine or step.</summary>
    public string ExpertSchedule { get; init; } = "";

    /// <summary>The probability with which an expert's batch is mixed by CutMix; null for never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertCutmix { get; init; }

    public int Checkpoints { get; init; }

    public int DenseSteps { get; init; }

    /// <summary>How networks are trained on a set that is evaluated: A, B or DC; null for A with what the preset says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Protocol { get; init; }

    /// <summary>Epochs between two evaluations on the test images; null for what the protocol says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? BestEvery { get; init; }

    /// <summary>The probability with which their batches are mixed by CutMix; null for what the protocol says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Cutmix { get; init; }

    public int Epochs { get; init; }

    public int Repeats { get; init; }

    public int EvalWidth { get; init; }

    public double EvalRate { get; init; }

    public string Augment { get; init; } = "";

    public int EvaluateEvery { get; init; }

    /// <summary>Epochs of the network of an evaluation on the way; null for as many as in any evaluation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? EvaluateEpochs { get; init; }

    /// <summary>Updates between two measurements of the loss in fixed places; 0 for none, null for as many as cost little.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ProbeEvery { get; init; }

    /// <summary>Updates between two measurements of the loss in fixed places; 0 for none.</summary>
    [JsonIgnore]
    public int ProbeInterval => ProbeEvery ?? Math.Max(LeastProbeInterval, Iterations / MostProbes);

    // Each takes about as long as one and a half updates.
    private const int LeastProbeInterval = 100, MostProbes = 50;

    public int SaveEvery { get; init; }

    public ulong Seed { get; init; }

    public int Threads { get; init; }

    public string Device { get; init; } = "";

    /// <summary>The most device memory that tensors may take, such as 4GiB; null for all there is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MemoryLimit { get; init; }

    /// <summary>What large products are computed in: tf32 or 3xtf32; null, as in runs from before there was a choice, for
    /// float32.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Precision { get; init; }

    public string Out { get; init; } = "";

    /// <summary>The settings with one of them from text, whether it is of every run or of the method.</summary>
    /// <exception cref="DistillException">The text is no acceptable value.</exception>
    public RunSettings With(string property, string text) => Settings.Of(property).Set(this, text);

    /// <summary>A setting as text.</summary>
    public string Text(string property) => Settings.Of(property).Show(this);
}
