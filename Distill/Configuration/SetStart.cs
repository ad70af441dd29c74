namespace InfMatch.Distill;

/// <summary>What the images of a distillation start from.</summary>
internal enum ImageStart
{
    /// <summary>Numbers from N(0, 1), standardised as images are (Zhao et al., DC).</summary>
    Noise,

    /// <summary>Random real images of the class.</summary>
    Real,

    /// <summary>Random real images that the experts together classify correctly, or at least one of them where labels are of those
    /// that are right (Guo et al., DATM).</summary>
    Correct,
}

/// <summary>Where the labels of a distillation start.</summary>
internal enum LabelStart
{
    /// <summary>The experts' mean logits; for noise those of random real images in its place.</summary>
    Experts,

    /// <summary>The mean logits of those experts that classify the image right (Guo et al., DATM).</summary>
    Right,

    /// <summary>The image's class, softened so far that the labels can still move.</summary>
    NearlyHard,

    /// <summary>The image's class: the softmax of these logits is one-hot to a unit in float32's last place.</summary>
    Hard,
}

/// <summary>Where a distillation starts.</summary>
/// <param name="Images">What its images start from.</param>
/// <param name="Labels">Where its labels start.</param>
/// <param name="OfTiles">Whether each tile of a stored image has a label.</param>
internal readonly record struct SetStart(ImageStart Images, LabelStart Labels, bool OfTiles = false);
