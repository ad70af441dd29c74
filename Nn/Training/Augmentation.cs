using System.Buffers;
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

    private const double CropFraction = 0.125, CutoutFraction = 0.5, MaximumScale = 1.2;

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
    public Variable Apply(Variable images, RandomKey key, bool siamese)
    {
        if (IsInTurn)
            return ApplyInTurn(images, key, siamese);
        AugmentationOps[] choices =
            [.. Enum.GetValues<AugmentationOps>().Where(o => int.PopCount((int)o) == 1 && Ops.HasFlag(o))];
        if (choices.Length == 0)
            return images;
        AugmentationOps op = choices[key.Split("op").Below(choices.Length, 0)];
        var draw = new Draw(images.Shape, key.Split("parameters"), siamese);
        if (OfEachImage && (Ops & ~(AugmentationOps.Geometric | AugmentationOps.Flip)) != AugmentationOps.None)
        {
            throw new InvalidOperationException(
                $"An operation of each image must move pixels, but {Ops} may also change values.");
        }
        return op switch
        {
            AugmentationOps.Color => Color(images, draw),
            AugmentationOps.Cutout => Cutout(images, draw),
            _ when OfEachImage && !siamese =>
                images.AffineSample(Transforms(i => choices[key.Split("op").Below(choices.Length, i)], images, draw)),
            _ => images.AffineSample(Transforms(_ => op, images, draw)),
        };
    }

    private Variable ApplyInTurn(Variable images, RandomKey key, bool siamese)
    {
        AugmentationOps[] parts =
        [
            Ops & AugmentationOps.Flip, Ops & AugmentationOps.Color, Ops & AugmentationOps.Geometric,
            Ops & AugmentationOps.Cutout,
        ];
        for (int i = 0; i < parts.Length; i++)
            images = (this with { Ops = parts[i], IsInTurn = false }).Apply(images, key.Split((ulong)i), siamese);
        return images;
    }

    // DiffAugment's three color steps, each with its own number an image.
    private static Variable Color(Variable x, Draw draw)
    {
        (int n, int c) = (x.Shape[0], x.Shape[1]);
        var perImage = new Shape(n, 1, 1, 1);
        x += draw.Numbers(x, perImage, 0, -0.5, 0.5);
        if (c > 1)
        {
            Variable grey = x.SumTo(new Shape(n, 1, x.Shape[2], x.Shape[3])) / c;
            x = (x - grey) * draw.Numbers(x, perImage, 1, 0, 2) + grey;
        }
        Variable mean = x.SumTo(perImage) / (c * x.Shape[2] * x.Shape[3]);
        return (x - mean) * draw.Numbers(x, perImage, 2, 0.5, 1.5) + mean;
    }

    private static Variable Cutout(Variable x, Draw draw)
    {
        (int n, int height, int width) = (x.Shape[0], x.Shape[2], x.Shape[3]);
        int sideY = (int)(height * CutoutFraction + 0.5), sideX = (int)(width * CutoutFraction + 0.5);
        return x * FromHost(x, new Shape(n, 1, height, width), mask =>
        {
            mask.Fill(1);
            for (int i = 0; i < n; i++)
            {
                int top = draw.Whole(i, 0, height + (1 - sideY % 2)) - sideY / 2;
                int left = draw.Whole(i, 1, width + (1 - sideX % 2)) - sideX / 2;
                for (int h = Math.Max(0, top); h < Math.Min(height, top + sideY); h++)
                    mask[((i * height + h) * width)..][Math.Max(0, left)..Math.Min(width, left + sideX)].Clear();
            }
        });
    }

    // A constant of the batch, by way of an array that the next one uses again.
    private static Variable FromHost(Variable like, Shape shape, Action<Span<double>> write)
    {
        double[] rented = ArrayPool<double>.Shared.Rent(shape.Count);
        try
        {
            Span<double> values = rented.AsSpan(0, shape.Count);
            write(values);
            return Variable.Constant(Tensor.From(like.Value.Backend, like.Value.DType, values, shape));
        }
        finally
        {
            ArrayPool<double>.Shared.Return(rented);
        }
    }

    private Variable Transforms(Func<int, AugmentationOps> opOf, Variable x, Draw draw) =>
        FromHost(x, new Shape(x.Shape[0], 6), a => WriteTransforms(opOf, x.Shape, draw, a));

    private void WriteTransforms(Func<int, AugmentationOps> opOf, Shape images, Draw draw, Span<double> a)
    {
        (int n, int height, int width) = (images[0], images[2], images[3]);
        for (int i = 0; i < n; i++)
        {
            (double xx, double xy, double dx, double yx, double yy, double dy) = (1d, 0d, 0d, 0d, 1d, 0d);
            switch (opOf(i))
            {
                case AugmentationOps.Flip:
                    xx = draw.At(i, 0) < 0.5 ? -1 : 1;
                    break;
                case AugmentationOps.Crop:
                    (int rangeX, int rangeY) = ((int)(width * CropFraction + 0.5), (int)(height * CropFraction + 0.5));
                    dx = draw.Whole(i, 0, 2 * rangeX + 1) - rangeX;
                    dy = draw.Whole(i, 1, 2 * rangeY + 1) - rangeY;
                    break;
                case AugmentationOps.Scale:
                    xx = Between(draw.At(i, 0), 1 / MaximumScale, MaximumScale);
                    yy = Between(draw.At(i, 1), 1 / MaximumScale, MaximumScale);
                    break;
                default:
                    double angle = Between(draw.At(i, 0), -Degrees, Degrees) * Math.PI / 180;
                    (xx, xy, yx, yy) = (Math.Cos(angle), -Math.Sin(angle), Math.Sin(angle), Math.Cos(angle));
                    break;
            }
            ((ReadOnlySpan<double>)[xx, xy, dx, yx, yy, dy]).CopyTo(a[(i * 6)..]);
        }
    }

    private static double Between(double uniform, double low, double high) => low + uniform * (high - low);

    // Random numbers of a batch: image i, place j; image 0's for all when siamese.
    private readonly record struct Draw(Shape Images, RandomKey Key, bool Siamese)
    {
        public double At(int image, int place) => Key.Split((ulong)place).UniformAt(Siamese ? 0 : image);

        public int Whole(int image, int place, int bound) => Key.Split((ulong)place).Below(bound, Siamese ? 0 : image);

        public Variable Numbers(Variable like, Shape shape, int place, double low, double high)
        {
            Tensor y = like.Value.Backend.Empty(shape, like.Value.DType);
            if (Siamese)
                y.Backend.Fill(y, Between(At(0, place), low, high));
            else
                y.Backend.Uniform(Key.Split((ulong)place), low, high, y);
            return Variable.Constant(y);
        }
    }
}
