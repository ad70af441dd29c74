using System.Collections.Immutable;
using System.Text.Json.Serialization;
using InfMatch.Datasets;
using InfMatch.Methods;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>Every setting of a run, resolved. <see cref="Settings"/> makes the options, their help and checks.</summary>
internal sealed record RunSettings
{
    /// <summary>The name of the data set, as --dataset takes it.</summary>
    public string Dataset { get; init; } = "";

    /// <summary>The folder of the data set's files; null for the built-in set, or for the usual folders.</summary>
    public string? Data { get; init; }

    /// <summary>Side that decoded images are brought to; null leaves them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ImageSize { get; init; }

    /// <summary>The share of the training images of each class that is held out and evaluated on; null for none, and evaluation on the
    /// test images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ValidationShare { get; init; }

    /// <summary>ε of the ZCA whitening of the standardised images; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Zca { get; init; }

    /// <summary>Synthetic images per class; each number gives one set.</summary>
    public ImmutableArray<int> Ipc { get; init; } = [];

    /// <summary>Whether the data set is of image-text pairs, and not of classified images.</summary>
    [JsonIgnore]
    public bool IsOfPairs => PairCatalog.Named(Dataset) is not null;

    /// <summary>Synthetic pairs; each number gives one set. Null for classified images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<int>? Pairs { get; init; }

    /// <summary>The choice of real pairs that a set starts from, by name; null for random.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PairStart { get; init; }

    /// <summary>The heads of images and texts, by name; null for residual.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Head { get; init; }

    /// <summary>Numbers of an embedding that the heads give; null for 256.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? HeadSize { get; init; }

    /// <summary>The loss of the training on synthetic pairs, by name; null for infonce.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PairLoss { get; init; }

    /// <summary>r of the learned similarity, 0 for none; null for what the loss takes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? SimilarityRank { get; init; }

    /// <summary>The weight of the low-rank part of the similarity; null for 3.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? SimilarityScale { get; init; }

    /// <summary>Learning rate of the image features of S; null for classified images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LrImageFeatures { get; init; }

    /// <summary>Learning rate of the text features of S; null for classified images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LrTextFeatures { get; init; }

    /// <summary>pixels where the image of a pair is learned as pixels; null for features.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ImagePart { get; init; }

    /// <summary>Pixels along a side of the learned images of pairs; null for 96.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? PixelSize { get; init; }

    /// <summary>Learning rate of the pixels of pairs; null for the usual one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LrPixels { get; init; }

    /// <summary>The file of the encoder that the pixels of pairs are seen through; null for the usual one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ImageEncoder { get; init; }

    /// <summary>Learning rate of the similarity of S; null for the usual one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LrSimilarity { get; init; }

    /// <summary>test where retrieval is measured on the test part; null for dev.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Split { get; init; }

    /// <summary>The folder of a table whose rows of real pairs are taken; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? BaselinesFrom { get; init; }

    /// <summary>Epochs of the heads that are trained on all pairs; null for classified images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? FullEpochs { get; init; }

    /// <summary>Learning rate of the heads that are trained on all pairs; null for classified images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? FullRate { get; init; }

    /// <summary>The distillation method, by name; null for influence, as in earlier versions.</summary>
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

    /// <summary>The method as tables name it, such as its estimator.</summary>
    [JsonIgnore]
    public string MethodLabel => MethodKind.Describe(OfMethod);

    /// <summary>Updates of S.</summary>
    public int Iterations { get; init; }

    /// <summary>What the updates of each set may cost, such as 1200s or 2000000images; null for any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Budget { get; init; }

    /// <summary>What the updates of each set may cost; null for any.</summary>
    [JsonIgnore]
    public DistillationBudget? BudgetOfSet => Budget is null ? null : BudgetText.Of(Budget);

    /// <summary>f of the set of so many images per class; the one of all sets where none has so many.</summary>
    public int FactorOf(int ipc) => Factor?.At(Math.Max(0, Ipc.IndexOf(ipc))) ?? 1;

    /// <summary>How many updates to look at where what is looked for shows in some of them: by a budget nobody knows how many there
    /// will be.</summary>
    [JsonIgnore]
    public int LookedIterations => Budget is null ? Iterations : Math.Min(Iterations, MostLooked);

    /// <summary>The iterations of a run that its budget alone ends.</summary>
    public const int AnyIterations = 10_000_000;

    private const int MostLooked = 10_000;

    /// <summary>The architecture of experts, distilling and evaluating; null for convnet, as in earlier versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Model { get; init; }

    /// <summary>The ConvNet's norm; null for instance.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Norm { get; init; }

    /// <summary>The ConvNet's pooling; null for avg.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Pooling { get; init; }

    /// <summary>Channels of the ConvNet's layers, for experts and distilling.</summary>
    public int Width { get; init; }

    /// <summary>Blocks of the ConvNet: convolution, norm, ReLU, pooling.</summary>
    public int Depth { get; init; }

    /// <summary>Learning rate of the images of S.</summary>
    public double LrImg { get; init; }

    /// <summary>Learning rate of the label logits of S; 0 keeps the labels.</summary>
    public double LrLabel { get; init; }

    /// <summary>Momentum of the images, from 0 to below 1.</summary>
    public double MomentumImg { get; init; }

    /// <summary>Momentum of the label logits, from 0 to below 1.</summary>
    public double MomentumLabel { get; init; }

    /// <summary>Optimiser of S, by name; null for sgd.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Optimiser { get; init; }

    /// <summary>Weight decay λ of the parts of S; null for 0.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? WeightDecay { get; init; }

    /// <summary>"pixels" where images stay in the range of pixels; null for no range.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Clamp { get; init; }

    /// <summary>Norm to which a longer gradient of S is scaled down; null for never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ClipGradient { get; init; }

    /// <summary>How many times the median of the last ones a gradient of S may be before it is scaled down; null for any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ClipSpikes { get; init; }

    /// <summary>Rows of S in a step of training on it; null for all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? BatchSyn { get; init; }

    /// <summary>tile where those rows are tiles; null where they are stored images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? BatchOf { get; init; }

    /// <summary>The file of the set that S starts from; null for real images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? StartFrom { get; init; }

    /// <summary>How both rates change over the iterations: the name of a <see cref="SetSchedule"/>.</summary>
    public string RateSchedule { get; init; } = "";

    /// <summary>Augmentation of S while matching, by name.</summary>
    public string MatchAugment { get; init; } = "";

    /// <summary>Divides the experts' logits that the labels start from.</summary>
    public double Temperature { get; init; }

    /// <summary>Where the labels start: experts (their mean logits), right (of those that are) or hard (the image's class).</summary>
    public string LabelStart { get; init; } = "";

    /// <summary>The folder of other networks that give the labels; null for the experts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LabelFrom { get; init; }

    /// <summary>What the images start from: noise or real; null for correct, as in earlier versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ImageStart { get; init; }

    /// <summary>hard or soft where the labels stay as they start; null for learned labels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Labels { get; init; }

    /// <summary>tile where each tile of a stored image has a label of its own; null where they share the image's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LabelsOf { get; init; }

    /// <summary>f: a stored image is f×f tiles that are enlarged where it is used; null for 1.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TileFactors? Factor { get; init; }

    /// <summary>Networks trained on the real data and recorded.</summary>
    public int Experts { get; init; }

    /// <summary>What the random numbers of the experts follow from; null for the run's seed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ulong? ExpertSeed { get; init; }

    /// <summary>A folder of recorded experts, which also takes missing ones; null for the run's own.</summary>
    public string? ExpertsFrom { get; init; }

    /// <summary>Passes over the data in the training of each expert.</summary>
    public int ExpertEpochs { get; init; }

    /// <summary>Steps after which an expert's training ends before its epochs do; 0 for never.</summary>
    public int ExpertSteps { get; init; }

    /// <summary>Images in a training step of an expert.</summary>
    public int ExpertBatch { get; init; }

    /// <summary>Learning rate of the experts.</summary>
    public double ExpertRate { get; init; }

    /// <summary>Momentum of the experts' training; null for none, as in earlier versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertMomentum { get; init; }

    /// <summary>Weight decay of the experts' training; null for none, as in earlier versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertDecay { get; init; }

    /// <summary>gsam where the experts' steps are sharpness-aware; null for sgd, as in earlier versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExpertOptimiser { get; init; }

    /// <summary>How far from θ gsam takes its second gradient; null for 0.01.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertRho { get; init; }

    /// <summary>The weight of gsam's surrogate gap; null for 0.3.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertAlpha { get; init; }

    /// <summary>Augmentation of the experts' training, by name.</summary>
    public string ExpertAugment { get; init; } = "";

    /// <summary>How the experts' rate changes: the name of a <see cref="Nn.RateSchedule"/>.</summary>
    public string ExpertSchedule { get; init; } = "";

    /// <summary>The probability with which an expert's batch is mixed by CutMix; null for never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ExpertCutmix { get; init; }

    /// <summary>Parameter vectors that an expert stores in each epoch; 0 for the dense ones only.</summary>
    public int Checkpoints { get; init; }

    /// <summary>Consecutive steps stored from the beginning, for the unrolled estimator.</summary>
    public int DenseSteps { get; init; }

    /// <summary>How networks are trained on a set that is evaluated: the name of a <see cref="Distill.Protocol"/>; null for A with what the preset says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Protocol { get; init; }

    /// <summary>Epochs between two evaluations on the test images; null for what the protocol says.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? BestEvery { get; init; }

    /// <summary>Probability of CutMix in the training of networks that evaluate a set; null for the protocol's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Cutmix { get; init; }

    /// <summary>Weight decay of networks that evaluate a set; null for the protocol's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? EvalDecay { get; init; }

    /// <summary>Epochs for which a network is trained on a set that is evaluated.</summary>
    public int Epochs { get; init; }

    /// <summary>Networks from different initialisations that evaluate a set: mean ± std.</summary>
    public int Repeats { get; init; }

    /// <summary>Channels of the networks that evaluate a set.</summary>
    public int EvalWidth { get; init; }

    /// <summary>Learning rate of the networks that evaluate a set; <see cref="LearnedRate.Value"/> for the rate that was learned with
    /// it, while real images are trained on at the rate of the protocol.</summary>
    [JsonConverter(typeof(LearnedRateConverter))]
    public double EvalRate { get; init; }

    /// <summary>Whether a distilled set is evaluated at the rate that was learned with it.</summary>
    [JsonIgnore]
    public bool RateIsLearned => double.IsNaN(EvalRate);

    /// <summary>Augmentation in the training of networks that evaluate a set, by name.</summary>
    public string Augment { get; init; } = "";

    /// <summary>Iterations between two evaluations by one network during distilling; 0 for none.</summary>
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

    /// <summary>By what a set is evaluated while it is distilled.</summary>
    [JsonIgnore]
    public RunSettings OnTheWay => this with { Epochs = EvaluateEpochs ?? Epochs, BestEvery = 0 };

    // Each takes about as long as one and a half updates.
    private const int LeastProbeInterval = 100, MostProbes = 50;

    /// <summary>Iterations between two saved states.</summary>
    public int SaveEvery { get; init; }

    /// <summary>Every random number of the run follows from it.</summary>
    public ulong Seed { get; init; }

    /// <summary>Threads of the processor; 0 for one per core.</summary>
    public int Threads { get; init; }

    /// <summary>The device, as --device takes it: auto, cpu, cuda, cuda:1, …</summary>
    public string Device { get; init; } = "";

    /// <summary>The most device memory that tensors may take, such as 4GiB; null for no limit.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? MemoryLimit { get; init; }

    /// <summary>Precision of large products: tf32 or 3xtf32; null for float32, as in earlier versions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Precision { get; init; }

    /// <summary>The folder in which run folders are made.</summary>
    public string Out { get; init; } = "";

    /// <summary>The settings with one of them from text, whether it is of every run or of the method.</summary>
    /// <exception cref="DistillException">The text is no acceptable value.</exception>
    public RunSettings With(string property, string text) => Settings.Of(property).Set(this, text);

    /// <summary>A setting as text.</summary>
    public string Text(string property) => Settings.Of(property).Show(this);
}
