using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>An augmentation that is chosen by name; found by enumeration.</summary>
public abstract class NamedAugmentation : IKind
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>What the name means, in a few words for a line of help; null where a source in the name says
    /// it.</summary>
    public virtual string? Help => null;

    /// <summary>Whether it takes square images only.</summary>
    public virtual bool NeedsSquareImages => false;

    /// <summary>The augmentation, for digits, which a flip would make other ones, or for photographs.</summary>
    public abstract Augmentation For(bool digits);

    /// <summary>The augmentation of a name.</summary>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    public static NamedAugmentation Of(string name) =>
        Kinds.Find<NamedAugmentation>(name) ?? throw new ArgumentException(
            $"There is no augmentation '{name}'. Choose {string.Join(", ", Names)}.", nameof(name));

    /// <summary>The names that <see cref="Of"/> takes.</summary>
    public static IReadOnlyList<string> Names => Kinds.Names<NamedAugmentation>();

    /// <summary>DSA's operations for digits or for photographs.</summary>
    protected static AugmentationOps OpsFor(bool digits) =>
        digits ? AugmentationOps.Digits : AugmentationOps.Photographs;
}

internal sealed class NoAugmentation : NamedAugmentation
{
    public override string Name => "none";

    public override Augmentation For(bool digits) => Augmentation.None;
}

internal sealed class AutomaticAugmentation : NamedAugmentation
{
    public override string Name => "auto";

    public override string Help => "DSA with flips for photographs, without for mnist and svhn";

    public override Augmentation For(bool digits) => new(OpsFor(digits));
}

internal sealed class PhotographAugmentation : NamedAugmentation
{
    public override string Name => "photographs";

    public override Augmentation For(bool digits) => new(AugmentationOps.Photographs);
}

internal sealed class DigitAugmentation : NamedAugmentation
{
    public override string Name => "digits";

    public override Augmentation For(bool digits) => new(AugmentationOps.Digits);
}

internal sealed class FlipAugmentation : NamedAugmentation
{
    public override string Name => "flip";

    public override string Help => "flips of photographs alone, as FRePo";

    public override Augmentation For(bool digits) => new(OpsFor(digits) & AugmentationOps.Flip);
}

internal sealed class FlipRotateAugmentation : NamedAugmentation
{
    public override string Name => "flip-rotate";

    public override string Help => "a flip of photographs or a rotation, as RaT-BPTT";

    public override Augmentation For(bool digits) => new(OpsFor(digits) & (AugmentationOps.Flip | AugmentationOps.Rotate));
}

internal sealed class GeometricAugmentation : NamedAugmentation
{
    public override string Name => "geometric";

    public override string Help => "DSA's crop, scale and rotation to 45°, one for each image";

    public override Augmentation For(bool digits) => Augmentation.Geometric;
}

internal sealed class DcNamedAugmentation : NamedAugmentation
{
    public override string Name => "dc";

    public override string Help => "what DC's code does on MNIST, on square images";

    public override bool NeedsSquareImages => true;

    public override Augmentation For(bool digits) => Augmentation.Dc;
}

internal sealed class DiffAugmentation : NamedAugmentation
{
    public override string Name => "diffaug";

    public override string Help => "flip, color, one move and cutout in turn, as NCFM and IDC augment without CutMix";

    public override Augmentation For(bool digits) => Augmentation.Sequential(OpsFor(digits));
}

internal sealed class DiffAugmentationWithoutCutout : NamedAugmentation
{
    public override string Name => "diffaug-no-cutout";

    public override string Help => "the same without cutout, as they augment under CutMix";

    public override Augmentation For(bool digits) => Augmentation.Sequential(OpsFor(digits) & ~AugmentationOps.Cutout);
}

internal sealed class ColorCropAugmentation : NamedAugmentation
{
    public override string Name => "color-crop";

    public override string Help => "color and a crop behind each other, as NCFM's networks are trained on the real data";

    public override Augmentation For(bool digits) => Augmentation.Sequential(AugmentationOps.Color | AugmentationOps.Crop);
}

internal sealed class ColorCropCutoutAugmentation : NamedAugmentation
{
    public override string Name => "color-crop-cutout";

    public override string Help => "color, a crop and cutout behind each other, under which NCFM's code matches features";

    public override Augmentation For(bool digits) =>
        Augmentation.Sequential(AugmentationOps.Color | AugmentationOps.Crop | AugmentationOps.Cutout);
}
