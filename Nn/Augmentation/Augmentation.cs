using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>The operations that an augmentation draws from.</summary>
[Flags]
public enum AugmentationOps
{
    /// <summary>None: images pass unchanged.</summary>
    None = 0,

    /// <summary>Brightness, saturation and contrast in turn.</summary>
    Color = 1,

    /// <summary>A shift by up to an eighth of the side, zeros shifted in.</summary>
    Crop = 2,

    /// <summary>A square of half the side set to zero.</summary>
    Cutout = 4,

    /// <summary>A horizontal flip with probability ½.</summary>
    Flip = 8,

    /// <summary>Both axes scaled on their own by 1/1.2 … 1.2.</summary>
    Scale = 16,

    /// <summary>A rotation by up to ±<see cref="Augmentation.Degrees"/>, in pixels, so that right angles stay right.
    /// DSA's code turns in coordinates from −1 to 1 along each side, which on images that are not square shears them;
    /// on square ones both are the same.</summary>
    Rotate = 32,

    /// <summary>What DSA uses for photographs.</summary>
    Photographs = Color | Crop | Cutout | Flip | Scale | Rotate,

    /// <summary>What moves pixels and leaves their values.</summary>
    Geometric = Crop | Scale | Rotate,

    /// <summary>What DSA uses for digits: no flip.</summary>
    Digits = Color | Crop | Cutout | Scale | Rotate,
}

/// <summary>
/// Differentiable siamese augmentation (Zhao and Bilen, DSA, ICML 2021): for each batch one of the operations is drawn;
/// its random parameters are one for all images (siamese, for matching) or one an image (for training). Everything is
/// linear or affine in the images and differentiable to any order. Works on standardised images.
/// </summary>
public sealed record Augmentation(AugmentationOps Ops)
{
    /// <summary>Images pass unchanged.</summary>
    public static Augmentation None { get; } = new(AugmentationOps.None);

    /// <summary>After DC (Zhao, Mopuri and Bilen, ICLR 2021) on MNIST, with the operations of DSA: each image has one
    /// of its own, and turns by up to 45°. DC's code differs (<see cref="Dc"/>): it fills crops and turns with means
    /// and not with 0, scales to whole pixels by the nearest one, by ±20 % and not by 1/1.2 … 1.2, shifts by 4 pixels
    /// whatever the side, and turns by whole degrees with cubic splines.</summary>
    public static Augmentation Geometric { get; } = new(AugmentationOps.Geometric) { OfEachImage = true, Degrees = 45 };

    /// <summary>What the code of DC does to the images of MNIST: a crop, scale or turn of each image, with DC's own
    /// fills, interpolation and ranges; see <see cref="DcAugmentation"/>. Square images only.</summary>
    public static Augmentation Dc { get; } =
        new(AugmentationOps.Geometric) { OfEachImage = true, Degrees = 45, IsDc = true };

    /// <summary>How NCFM (CVPR 2025) and IDC augment: always flip, if the operations hold it, and color, then one drawn
    /// of those that move pixels, then cutout.</summary>
    public static Augmentation Sequential(AugmentationOps ops) => new(ops) { IsSequential = true };

    /// <summary>The largest rotation, in degrees.</summary>
    public double Degrees { get; init; } = 15;

    /// <summary>Whether each image draws its own operation, where the batch is not siamese; only for operations that
    /// move pixels.</summary>
    public bool OfEachImage { get; init; }

    /// <summary>Whether operations follow each other as in <see cref="Sequential"/> instead of one being
    /// drawn.</summary>
    public bool IsSequential { get; init; }

    /// <summary>Whether crop, scale and rotation are those of DC's code instead of DSA's.</summary>
    public bool IsDc { get; init; }

    /// <summary>The operations and, where it is not the usual, how they are drawn: equal text, equal
    /// augmentation.</summary>
    public override string ToString() => IsSequential ? $"{Ops}, in turn"
        : IsDc ? "crop, scale or rotation by DC's code, one for each image"
        : OfEachImage || Degrees != 15
        ? FormattableString.Invariant($"{Ops}, turns to {Degrees}°{(OfEachImage ? ", one for each image" : "")}")
        : $"{Ops}";

    /// <summary>Augmented images [N, C, H, W]; the same key gives the same random numbers.</summary>
    /// <exception cref="InvalidOperationException">Each image draws its own operation, and one changes
    /// values.</exception>
    /// <exception cref="ShapeException">DC's augmentation is asked for, and the images are not square.</exception>
    public Variable Apply(Variable images, RandomKey key, bool siamese)
    {
        if (IsDc)
            return DcAugmentation.Apply(images, key, siamese);
        for (int turn = 0; turn < Turns; turn++)
        {
            if (Draw(turn, key, siamese) is { } draw)
                images = draw.Apply(images);
        }
        return images;
    }

    /// <summary>Which tensors a draw of the key makes: draws of one form differ in their numbers alone.</summary>
    public AugmentationOps FormOf(RandomKey key, bool siamese)
    {
        AugmentationOps forms = AugmentationOps.None;
        for (int turn = 0; turn < Turns; turn++)
            forms |= Draw(turn, key, siamese)?.Form ?? AugmentationOps.None;
        return forms;
    }

    /// <summary>Operations that follow each other.</summary>
    internal int Turns => IsSequential ? 4 : 1;

    /// <summary>What a batch draws for a turn; null for nothing.</summary>
    internal AugmentationDraw? Draw(int turn, RandomKey key, bool siamese)
    {
        AugmentationOps ops = !IsSequential ? Ops : Ops & turn switch
        {
            0 => AugmentationOps.Flip,
            1 => AugmentationOps.Color,
            2 => AugmentationOps.Geometric,
            _ => AugmentationOps.Cutout,
        };
        if (ops == AugmentationOps.None)
            return null;
        if (OfEachImage && (ops & ~(AugmentationOps.Geometric | AugmentationOps.Flip)) != AugmentationOps.None)
        {
            throw new InvalidOperationException(
                $"An operation of each image must move pixels, but {ops} may also change values.");
        }
        RandomKey own = IsSequential ? key.Split((ulong)turn) : key;
        return new AugmentationDraw(ops, own, siamese, OfEachImage && !siamese, Degrees);
    }
}
