using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Methods;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>From settings to the plans and objects of the layers below.</summary>
internal static class PlanFactory
{
    // Pixels lie within about ±3 deviations, learned ones within tens; a set beyond has diverged, and norms in the network would
    // hide it. Float32 does not tell classes apart by less than 1e-3 at logits of 1e4, and a softmax has been one-hot since 100.
    private const double MostDeviations = 1e3, LargestLogits = 1e4;

    /// <summary>--label-start where only experts that are right give labels.</summary>
    public const string Right = "right";

    /// <summary>--labels-of where each tile of a stored image has a label, and --batch-of where batches are of tiles.</summary>
    public const string Tile = "tile";

    /// <summary>The network of the settings, or another architecture with their depth, norm and pooling, for images [C, H, W] of so
    /// many classes.</summary>
    /// <exception cref="DistillException">The network or the augmentation is not defined for such images.</exception>
    public static Network NetworkOf(RunSettings settings, Shape image, int classes, int width, string? model = null)
    {
        string[] augmentations = [settings.Augment, settings.ExpertAugment, settings.MatchAugment];
        if (image[1] != image[2]
            && augmentations.FirstOrDefault(name => NamedAugmentation.Of(name).NeedsSquareImages) is { } square)
        {
            throw new DistillException(
                ExitCode.Usage, "IM2012",
                $"the augmentation {square} takes square images, {settings.Dataset} has {image}. Take geometric or auto, or bring the " +
                "images to a square with --image-size where that can be.");
        }
        try
        {
            return Architectures.Create(model ?? ModelOf(settings), image, classes, OptionsOf(settings, width));
        }
        catch (ShapeException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2005", e.Message, e);
        }
    }

    /// <summary>The name of the settings' network at a width, such as convnet-d3-w128.</summary>
    public static string NameOf(RunSettings s, int width) =>
        Architectures.Describe(ModelOf(s), OptionsOf(s, width));

    /// <summary>Whether two networks differ in nothing but their widths.</summary>
    /// <param name="one">Settings of the one.</param>
    /// <param name="other">Settings of the other.</param>
    /// <param name="model">The other's architecture, where it is not that of its settings.</param>
    public static bool IsSameArchitecture(RunSettings one, RunSettings other, string? model = null) =>
        NameOf(one, one.Width) == NameOf(model is null ? other : other with { Model = model }, one.Width);

    private static string ModelOf(RunSettings s) => s.Model ?? Architectures.Default;

    private static NetworkOptions OptionsOf(RunSettings s, int width) => new()
    {
        Width = width,
        Depth = s.Depth,
        Norm = s.Norm ?? Architectures.DefaultNorm,
        Pooling = s.Pooling ?? Architectures.DefaultPooling,
    };

    /// <summary>How experts are trained: by plain SGD, which influence describes best, unless the settings say otherwise.</summary>
    public static TrainingPlan ExpertPlan(RunSettings s, string dataset) => new(
        s.ExpertEpochs, s.ExpertBatch, s.ExpertRate, s.ExpertMomentum ?? 0, s.ExpertDecay ?? 0,
        Kinds.Find<RateSchedule>(s.ExpertSchedule)!)
    {
        SharpnessAware = s.ExpertOptimiser is null
            ? null
            : new SharpnessAware(s.ExpertRho ?? SharpnessAware.DefaultRho, s.ExpertAlpha ?? SharpnessAware.DefaultAlpha),
        Augmentation = AugmentationOf(s.ExpertAugment, dataset),
        MostSteps = s.ExpertSteps == 0 ? null : s.ExpertSteps,
        CutMix = s.ExpertCutmix ?? 0,
    };

    /// <summary>Which of their parameters are stored.</summary>
    public static CheckpointSchedule Checkpoints(RunSettings s) =>
        new(s.Checkpoints, s.DenseSteps > 0 ? [new DenseSegment(0, s.DenseSteps)] : []);

    /// <summary>How S is learned, whatever the method.</summary>
    /// <param name="s">The settings.</param>
    /// <param name="pixels">The values that pixels of the standardised images can have; asked for where images are kept to
    /// them.</param>
    public static DistillationPlan DistillationPlanOf(RunSettings s, Func<ValueRange> pixels)
    {
        SetOptimiser optimiser = Kinds.Find<SetOptimiser>(s.Optimiser ?? "sgd")!;
        return new DistillationPlan
        {
            Iterations = s.Iterations,
            Budget = s.BudgetOfSet,
            Schedule = Kinds.Find<SetSchedule>(s.RateSchedule)!,
            MostGradient = s.ClipGradient ?? 0,
            MostSpike = s.ClipSpikes ?? 0,
            Parts = new Dictionary<string, PartPlan>(StringComparer.Ordinal)
            {
                [SyntheticSet.ImagesPart] = new(optimiser, s.LrImg, s.MomentumImg)
                {
                    WeightDecay = s.WeightDecay ?? 0,
                    Range = s.Clamp is null ? null : pixels(),
                    Bound = MostDeviations,
                    Says = "the synthetic images, in deviations of the data,",
                    Option = "--lr-img",
                },
                [SyntheticSet.LabelsPart] = new(optimiser, s.Labels is null ? s.LrLabel : 0, s.MomentumLabel)
                {
                    WeightDecay = s.WeightDecay ?? 0,
                    Bound = LargestLogits,
                    Says = "the label logits",
                    Option = "--lr-label",
                    Advice = ", or raise --temperature if they start so",
                },
            },
        };
    }

    /// <summary>Where S starts.</summary>
    public static SetStart StartOf(RunSettings s) => new(
        s.ImageStart switch
        {
            "noise" => ImageStart.Noise,
            "real" => ImageStart.Real,
            _ => ImageStart.Correct,
        },
        (s.Labels, s.LabelStart) switch
        {
            ("hard", _) => LabelStart.Hard,
            (null, "hard") => LabelStart.NearlyHard,
            (_, Right) => LabelStart.Right,
            _ => LabelStart.Experts,
        },
        s.LabelsOf == Tile);

    private static bool HasDigits(string dataset) => DatasetCatalog.Named(dataset) is { HasDigits: true };

    /// <summary>The augmentation of a name; auto flips photographs and never digits.</summary>
    public static Augmentation AugmentationOf(string name, string dataset) =>
        NamedAugmentation.Of(name).For(HasDigits(dataset));

    /// <summary>What the column of the whole set shows, in one line.</summary>
    public static string DescribeExperts(RunSettings s) =>
        FormattableString.Invariant(
            $"the experts at their own plan, not protocol {Protocols.NameOf(s)}: {s.Experts} × {NameOf(s, s.Width)}, ") +
        FormattableString.Invariant($"{s.ExpertEpochs} {(s.ExpertEpochs == 1 ? "epoch" : "epochs")} of {OptimiserOf(s)} {s.ExpertRate} ({s.ExpertSchedule})") +
        (s.ExpertMomentum is { } momentum ? FormattableString.Invariant($", momentum {momentum}") : "") +
        (s.ExpertDecay is { } decay ? FormattableString.Invariant($", decay {decay}") : "") +
        (s.ExpertSteps > 0 ? FormattableString.Invariant($" but {s.ExpertSteps} steps at most") : "") +
        FormattableString.Invariant($", batch {s.ExpertBatch}, augmentation {s.ExpertAugment}") +
        (s.ExpertCutmix is { } mixed ? FormattableString.Invariant($", CutMix {mixed}") : "");

    private static string OptimiserOf(RunSettings s) => ExpertPlan(s, s.Dataset).SharpnessAware is { } by
        ? FormattableString.Invariant($"GSAM (rho {by.Rho}, alpha {by.Alpha}) over SGD")
        : "SGD";

    /// <summary>What accuracies are of where they are not of the test images; null where they are.</summary>
    public static string? EvaluatedOn(RunSettings s) => s.ValidationShare is { } share
        ? FormattableString.Invariant($"validation ({100 * share:0.##} % of the training images held out)")
        : null;

    /// <summary>The protocol in one line, to be shown with an accuracy of the settings' network.</summary>
    public static string Describe(RunSettings s, string dataset) => Protocols.Describe(s, dataset, NameOf(s, s.EvalWidth));
}
