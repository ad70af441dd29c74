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

    /// <summary>A rotation by up to ±<see cref="Augmentation.Degrees"/>.</summary>
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

    /// <summary>How DC (Zhao, Mopuri and Bilen, ICLR 2021) trains on MNIST: each image has one operation of its own,
    /// and turns by up to 45°.</summary>
    public static Augmentation Geometric { get; } = new(AugmentationOps.Geometric) { OfEachImage = true, Degrees = 45 };

    /// <summary>How NCFM (CVPR 2025) and IDC augment: always flip, if the operations hold it, and color, then one drawn of
    /// those that move pixels, then cutout.</summary>
    public static Augmentation InTurn(AugmentationOps ops) => new(ops) { IsInTurn = true };

    /// <summary>The largest rotation, in degrees.</summary>
    public double Degrees { get; init; } = 15;

    /// <summary>Whether each image draws its own operation, where the batch is not siamese; only for operations that
    /// move pixels.</summary>
    public bool OfEachImage { get; init; }

    /// <summary>Whether operations follow each other as in <see cref="InTurn"/> instead of one being drawn.</summary>
    public bool IsInTurn { get; init; }

    /// <summary>The operations and, where it is not the usual, how they are drawn: equal text, equal
    /// augmentation.</summary>
    public override string ToString() => IsInTurn ? $"{Ops}, in turn"
        : OfEachImage || Degrees != 15 ? FormattableString.Invariant($"{Ops}, turns to {Degrees}°{(OfEachImage ? ", one for each image" : "")}")
        : $"{Ops}";

    /// <summary>Augmented images [N, C, H, W]; the same key gives the same random numbers.</summary>
    /// <exception cref="InvalidOperationException">Each image draws its own operation, and one changes values.</exception>
    public Variable Apply(Variable images, RandomKey key, bool siamese)
    {
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
    internal int Turns => IsInTurn ? 4 : 1;

    /// <summary>What a batch draws for a turn; null for nothing.</summary>
    internal AugmentationDraw? Draw(int turn, RandomKey key, bool siamese)
    {
        AugmentationOps ops = !IsInTurn ? Ops : Ops & turn switch
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
        return new AugmentationDraw(ops, IsInTurn ? key.Split((ulong)turn) : key, siamese, OfEachImage && !siamese, Degrees);
    }
}
