using InfMatch.Datasets;
using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>From settings to the plans and objects of the layers below.</summary>
internal static class PlanFactory
{
    /// <summary>The network of the settings, or another architecture with their depth, norm and pooling, for the data.</summary>
    /// <exception cref="DistillException">The network or the augmentation is not defined for such images.</exception>
    public static Network NetworkOf(RunSettings settings, PreparedData data, int width, string? model = null) =>
        NetworkOf(settings, data.Image, data.Classes, width, model);

    /// <summary>The same for images [C, H, W] of so many classes.</summary>
    /// <exception cref="DistillException">The network or the augmentation is not defined for such images.</exception>
    public static Network NetworkOf(RunSettings settings, Shape image, int classes, int width, string? model = null)
    {
        if (image[1] != image[2]
            && new[] { settings.Augment, settings.ExpertAugment, settings.MatchAugment }.Contains("dc", StringComparer.Ordinal))
        {
            throw new DistillException(
                ExitCode.Usage, "IM2012",
                $"the augmentation dc takes square images, {settings.Dataset} has {image}. Take geometric or auto, or bring the " +
                "images to a square with --image-size where that can be.");
        }
        try
        {
            return Architectures.Create(
                model ?? ModelOf(settings), image, classes, width, settings.Depth, NormOf(settings), PoolingOf(settings));
        }
        catch (ShapeException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2005", e.Message, e);
        }
    }

    /// <summary>The name of the settings' network at a width, such as convnet-d3-w128.</summary>
    public static string NameOf(RunSettings s, int width) =>
        Architectures.Describe(ModelOf(s), width, s.Depth, NormOf(s), PoolingOf(s));

    /// <summary>Whether two networks differ in nothing but their widths.</summary>
    /// <param name="one">Settings of the one.</param>
    /// <param name="other">Settings of the other.</param>
    /// <param name="model">The other's architecture, where it is not that of its settings.</param>
    public static bool IsSameArchitecture(RunSettings one, RunSettings other, string? model = null) =>
        NameOf(one, one.Width) == NameOf(model is null ? other : other with { Model = model }, one.Width);

    private static string ModelOf(RunSettings s) => s.Model ?? Architectures.Names[0];

    private static string NormOf(RunSettings s) => s.Norm ?? Architectures.Norms[0];

    private static string PoolingOf(RunSettings s) => s.Pooling ?? Architectures.Poolings[0];

    /// <summary>How experts are trained: plain SGD, which influence describes best.</summary>
    public static TrainingPlan ExpertPlan(RunSettings s, string dataset) => new(
        s.ExpertEpochs, s.ExpertBatch, s.ExpertRate, Momentum: 0, WeightDecay: 0, ScheduleOf(s.ExpertSchedule),
        AugmentationOf(s.ExpertAugment, dataset))
    {
        MostSteps = s.ExpertSteps == 0 ? null : s.ExpertSteps,
        CutMix = s.ExpertCutmix ?? 0,
    };

    /// <summary>Which of their parameters are stored.</summary>
    public static CheckpointSchedule Checkpoints(RunSettings s) =>
        new(s.Checkpoints, s.DenseSteps > 0 ? [new DenseSegment(0, s.DenseSteps)] : []);

    /// <summary>How S is learned.</summary>
    public static DistillationPlan DistillationPlanOf(RunSettings s, string dataset) => new()
    {
        Iterations = s.Iterations,
        WindowLength = s.Window,
        StartCurrent = s.StartFirst,
        StartMaximum = s.StartLast,
        ExpansionEnd = s.StartGrowth,
        ImageRate = s.LrImg,
        ImageMomentum = s.MomentumImg,
        LabelRate = s.Labels is null ? s.LrLabel : 0,
        LabelMomentum = s.MomentumLabel,
        Schedule = ScheduleOf(s.RateSchedule),
        WeightRule = s.Mass switch
        {
            "closed-form" => WeightRule.ClosedForm,
            "learned" => WeightRule.Learned,
            _ => WeightRule.Fixed,
        },
        Partition = s.Partition switch
        {
            "classes" => Partition.Classes,
            "both" => Partition.Both,
            _ => Partition.Whole,
        },
        Augmentation = AugmentationOf(s.MatchAugment, dataset),
        Siamese = s.Estimator != "retrained", // a training gives each image numbers of its own
        Threshold = s.Threshold,
    };

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
            _ => LabelStart.Experts,
        });

    private static RateSchedule ScheduleOf(string name) => name switch
    {
        "constant" => RateSchedule.Constant,
        "cosine" => RateSchedule.Cosine,
        _ => RateSchedule.StepAtHalf,
    };

    private static bool HasDigits(string dataset) => DatasetCatalog.Named(dataset) is { HasDigits: true };

    /// <summary>The augmentation of a name; auto flips photographs and never digits.</summary>
    public static Augmentation AugmentationOf(string name, string dataset) => name switch
    {
        "none" => Augmentation.None,
        "digits" => new Augmentation(AugmentationOps.Digits),
        "geometric" => Augmentation.Geometric,
        "dc" => Augmentation.Dc,
        "auto" when HasDigits(dataset) => new Augmentation(AugmentationOps.Digits),
        "diffaug" => Augmentation.Single(HasDigits(dataset) ? AugmentationOps.Digits : AugmentationOps.Photographs),
        _ => new Augmentation(AugmentationOps.Photographs),
    };

    /// <summary>What the column of the whole set shows, in one line.</summary>
    public static string DescribeExperts(RunSettings s) =>
        FormattableString.Invariant(
            $"the experts at their own plan, not protocol {Protocols.NameOf(s)}: {s.Experts} × {NameOf(s, s.Width)}, ") +
        FormattableString.Invariant($"{s.ExpertEpochs} epochs of SGD {s.ExpertRate} ({s.ExpertSchedule})") +
        (s.ExpertSteps > 0 ? FormattableString.Invariant($" but {s.ExpertSteps} steps at most") : "") +
        FormattableString.Invariant($", batch {s.ExpertBatch}, augmentation {s.ExpertAugment}") +
        (s.ExpertCutmix is { } mixed ? FormattableString.Invariant($", CutMix {mixed}") : "");

    /// <summary>The protocol in one line, to stand beside an accuracy of the settings' network.</summary>
    public static string Describe(RunSettings s, string dataset) => Protocols.Describe(s, dataset, NameOf(s, s.EvalWidth));
}
