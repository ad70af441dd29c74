using InfMatch.Nn;

namespace InfMatch.Influence;

/// <summary>All settings of a distillation; equal plans, experts and seeds give equal sets.</summary>
public sealed record DistillationPlan
{
    /// <summary>Updates of S.</summary>
    public int Iterations { get; init; } = 300;

    /// <summary>Checkpoints from a window's beginning to its end.</summary>
    public int WindowLength { get; init; } = 4;

    /// <summary>The first checkpoint at which a window may begin.</summary>
    public int StartMinimum { get; init; }

    /// <summary>Windows begin before this checkpoint at first.</summary>
    public int StartCurrent { get; init; } = 4;

    /// <summary>Windows begin before this checkpoint once the range has grown to its end.</summary>
    public int StartMaximum { get; init; } = 12;

    /// <summary>The iteration at which the range has grown to its end (DATM's progressive sampling); 0 for at once.</summary>
    public int ExpansionEnd { get; init; } = 100;

    /// <summary>Rate of the images.</summary>
    public double ImageRate { get; init; } = 400;

    /// <summary>Momentum of the images.</summary>
    public double ImageMomentum { get; init; } = 0.5;

    /// <summary>Rate of the label logits; 0 keeps the labels.</summary>
    public double LabelRate { get; init; } = 10;

    /// <summary>Momentum of the label logits.</summary>
    public double LabelMomentum { get; init; } = 0.9;

    /// <summary>Of what the influences are matched.</summary>
    public Partition Partition { get; init; } = Partition.Whole;

    /// <summary>How the mass is chosen.</summary>
    public WeightRule WeightRule { get; init; } = WeightRule.ClosedForm;

    /// <summary>Rate of log α where it is learned.</summary>
    public double WeightRate { get; init; } = 0.1;

    /// <summary>How S's rates change over the iterations.</summary>
    public RateSchedule Schedule { get; init; } = RateSchedule.Constant;

    /// <summary>Drawn afresh at every evaluation.</summary>
    public Augmentation Augmentation { get; init; } = Augmentation.None;

    /// <summary>Whether one draw of the augmentation serves all images (siamese) or each has its own.</summary>
    public bool Siamese { get; init; } = true;

    /// <summary>A step whose J is larger is skipped and counted. Above 1, so that under the closed-form mass, where J
    /// passes 1 by a hair when S moves θ against D, such a step still turns S round (DATM's 1.0 is for a fixed rate).</summary>
    public double Threshold { get; init; } = 1.5;
}
