using InfMatch.Influence;
using InfMatch.Nn;
using InfMatch.Tensors;

namespace InfMatch.Distill;

/// <summary>From settings to the plans and objects of the layers below.</summary>
internal static class Translation
{
    private const double EvaluationMomentum = 0.9, EvaluationWeightDecay = 5e-4;
    private const int EvaluationBatch = 256;

    /// <summary>A ConvNet of the settings' depth for the data.</summary>
    /// <exception cref="DistillException">The images are too small for the depth.</exception>
    public static Network NetworkOf(RunSettings settings, PreparedData data, int width)
    {
        try
        {
            return new ConvNet(data.Image, data.Classes, width, settings.Depth);
        }
        catch (ShapeException e)
        {
            throw new DistillException(ExitCode.Usage, "IM2005", e.Message, e);
        }
    }

    /// <summary>How experts are trained: plain SGD, which influence describes best.</summary>
    public static TrainingPlan ExpertPlan(RunSettings s, string dataset) => new(
        s.ExpertEpochs, s.ExpertBatch, s.ExpertRate, Momentum: 0, WeightDecay: 0, ScheduleOf(s.ExpertSchedule),
        AugmentationOf(s.ExpertAugment, dataset))
    {
        MostSteps = s.ExpertSteps == 0 ? null : s.ExpertSteps,
    };

    /// <summary>Which of their parameters are stored.</summary>
    public static CheckpointSchedule Checkpoints(RunSettings s) =>
        new(s.Checkpoints, s.DenseSteps > 0 ? [new DenseSegment(0, s.DenseSteps)] : []);

    /// <summary>Protocol A: how a network is trained on a set that is judged.</summary>
    public static TrainingPlan EvaluationPlan(RunSettings s, string dataset) => new(
        s.Epochs, EvaluationBatch, s.EvalRate, EvaluationMomentum, EvaluationWeightDecay, RateSchedule.StepAtHalf,
        AugmentationOf(s.Augment, dataset));

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
        MassRule = s.Mass switch
        {
            "closed-form" => MassRule.ClosedForm,
            "learned" => MassRule.Learned,
            _ => MassRule.Fixed,
        },
        Partition = s.Partition switch
        {
            "classes" => Partition.Classes,
            "both" => Partition.Both,
            _ => Partition.Whole,
        },
        Augmentation = AugmentationOf(s.MatchAugment, dataset),
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

    /// <summary>The augmentation of a name; auto flips photographs and never digits.</summary>
    public static Augmentation AugmentationOf(string name, string dataset) => name switch
    {
        "none" => Augmentation.None,
        "digits" => new Augmentation(AugmentationOps.Digits),
        "geometric" => Augmentation.Geometric,
        "auto" when dataset is "mnist" or "svhn" => new Augmentation(AugmentationOps.Digits),
        _ => new Augmentation(AugmentationOps.Photographs),
    };

    /// <summary>What the column of the whole set shows, in one line.</summary>
    public static string DescribeExperts(RunSettings s) =>
        FormattableString.Invariant(
            $"the experts at their own plan, not protocol A: {s.Experts} × convnet-d{s.Depth}-w{s.Width}, ") +
        FormattableString.Invariant($"{s.ExpertEpochs} epochs of SGD {s.ExpertRate} ({s.ExpertSchedule})") +
        (s.ExpertSteps > 0 ? FormattableString.Invariant($" but {s.ExpertSteps} steps at most") : "") +
        FormattableString.Invariant($", batch {s.ExpertBatch}, augmentation {s.ExpertAugment}");

    /// <summary>The protocol in one line, to stand beside an accuracy.</summary>
    public static string Describe(RunSettings s, string dataset)
    {
        TrainingPlan plan = EvaluationPlan(s, dataset);
        return FormattableString.Invariant(
            $"protocol A: convnet-d{s.Depth}-w{s.EvalWidth}, {plan.Epochs} epochs of SGD {plan.Rate} (/10 at half), ") +
            FormattableString.Invariant(
                $"momentum {plan.Momentum}, weight decay {plan.WeightDecay}, batch {plan.BatchSize}, augmentation ") +
            FormattableString.Invariant($"{s.Augment}, last epoch, {s.Repeats} networks");
    }
}
