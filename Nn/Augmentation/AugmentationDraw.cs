using System.Buffers;
using System.Numerics;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// An operation that a batch has drawn, and where its random numbers come from. What they are is written apart from
/// what is done with them, so that a captured step draws afresh.
/// </summary>
/// <param name="ops">What the operation is drawn from; not none.</param>
/// <param name="key">The draw follows from it.</param>
/// <param name="siamese">Whether image 0's numbers are those of all.</param>
/// <param name="isOfEachImage">Whether each image draws its own operation.</param>
/// <param name="degrees">The largest rotation.</param>
internal readonly struct AugmentationDraw(
    AugmentationOps ops, RandomKey key, bool siamese, bool isOfEachImage, double degrees)
{
    private const double CropFraction = 0.125, CutoutFraction = 0.5, MaximumScale = 1.2;

    private readonly RandomKey _ops = key.Split("op"), _parameters = key.Split("parameters");

    private AugmentationOps OpOf(int image)
    {
        int rest = (int)ops;
        for (int skip = _ops.Below(BitOperations.PopCount((uint)rest), image); skip > 0; skip--)
            rest &= rest - 1; // without its lowest operation
        return (AugmentationOps)(rest & -rest);
    }

    /// <summary>Color, Cutout, or Geometric for all that moves pixels.</summary>
    public AugmentationOps Form => OpOf(0) is var op && op is AugmentationOps.Color or AugmentationOps.Cutout
        ? op
        : AugmentationOps.Geometric;

    /// <summary>The augmented images [N, C, H, W].</summary>
    public Variable Apply(Variable images)
    {
        Tensor[] numbers = Numbers(Form, images.Value);
        Write(images.Shape, numbers);
        return Compute(Form, images, numbers);
    }

    /// <summary>Room for the random numbers of a form for images [N, C, H, W].</summary>
    public static Tensor[] Numbers(AugmentationOps form, Tensor images)
    {
        Shape shape = images.Shape;
        int n = shape[0];
        return form switch
        {
            AugmentationOps.Color =>
                [.. Enumerable.Range(0, shape[1] > 1 ? 3 : 2).Select(_ => Empty(new Shape(n, 1, 1, 1)))],
            AugmentationOps.Cutout => [Empty(new Shape(n, 1, shape[2], shape[3]))],
            _ => [Empty(new Shape(n, 6))],
        };

        Tensor Empty(Shape of) => images.Backend.Empty(of, images.DType);
    }

    /// <summary>Draws the numbers: those of color on the device, the others on the host.</summary>
    public void Write(Shape images, Tensor[] numbers)
    {
        AugmentationOps form = Form;
        if (form == AugmentationOps.Color)
        {
            Write(numbers[0], 0, -0.5, 0.5);
            if (numbers.Length > 2)
                Write(numbers[1], 1, 0, 2);
            Write(numbers[^1], 2, 0.5, 1.5);
            return;
        }
        // The array serves the next batch, too.
        double[] rented = ArrayPool<double>.Shared.Rent(numbers[0].Count);
        try
        {
            Span<double> values = rented.AsSpan(0, numbers[0].Count);
            if (form == AugmentationOps.Cutout)
                WriteMask(images, values);
            else
                WriteTransforms(images, values);
            numbers[0].Backend.UploadRounded(values, numbers[0]);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(rented);
        }
    }

    /// <summary>What a form does to images [N, C, H, W] with its numbers.</summary>
    public static Variable Compute(AugmentationOps form, Variable images, Tensor[] numbers) => form switch
    {
        AugmentationOps.Color => Color(images, numbers),
        AugmentationOps.Cutout => images * Variable.Constant(numbers[0]),
        _ => images.AffineSample(Variable.Constant(numbers[0])),
    };

    // DiffAugment's three color steps, each with its own number an image; one channel has no saturation.
    private static Variable Color(Variable x, Tensor[] numbers)
    {
        (int n, int c) = (x.Shape[0], x.Shape[1]);
        x += Variable.Constant(numbers[0]);
        if (c > 1)
        {
            Variable grey = x.SumTo(new Shape(n, 1, x.Shape[2], x.Shape[3])) / c;
            x = (x - grey) * Variable.Constant(numbers[1]) + grey;
        }
        Variable mean = x.SumTo(new Shape(n, 1, 1, 1)) / (c * x.Shape[2] * x.Shape[3]);
        return (x - mean) * Variable.Constant(numbers[^1]) + mean;
    }

    private void WriteMask(Shape images, Span<double> mask)
    {
        (int n, int height, int width) = (images[0], images[2], images[3]);
        int sideY = (int)(height * CutoutFraction + 0.5), sideX = (int)(width * CutoutFraction + 0.5);
        mask.Fill(1);
        for (int i = 0; i < n; i++)
        {
            int top = Whole(i, 0, height + (1 - sideY % 2)) - sideY / 2;
            int left = Whole(i, 1, width + (1 - sideX % 2)) - sideX / 2;
            for (int h = Math.Max(0, top); h < Math.Min(height, top + sideY); h++)
                mask[((i * height + h) * width)..][Math.Max(0, left)..Math.Min(width, left + sideX)].Clear();
        }
    }

    private void WriteTransforms(Shape images, Span<double> a)
    {
        (int n, int height, int width) = (images[0], images[2], images[3]);
        for (int i = 0; i < n; i++)
        {
            (double xx, double xy, double dx, double yx, double yy, double dy) = (1d, 0d, 0d, 0d, 1d, 0d);
            switch (OpOf(isOfEachImage ? i : 0))
            {
                case AugmentationOps.Flip:
                    xx = At(i, 0) < 0.5 ? -1 : 1;
                    break;
                case AugmentationOps.Crop:
                    (int rangeX, int rangeY) = ((int)(width * CropFraction + 0.5), (int)(height * CropFraction + 0.5));
                    dx = Whole(i, 0, 2 * rangeX + 1) - rangeX;
                    dy = Whole(i, 1, 2 * rangeY + 1) - rangeY;
                    break;
                case AugmentationOps.Scale:
                    xx = Between(At(i, 0), 1 / MaximumScale, MaximumScale);
                    yy = Between(At(i, 1), 1 / MaximumScale, MaximumScale);
                    break;
                default:
                    double angle = Between(At(i, 0), -degrees, degrees) * Math.PI / 180;
                    (xx, xy, yx, yy) = (Math.Cos(angle), -Math.Sin(angle), Math.Sin(angle), Math.Cos(angle));
                    break;
            }
            ((ReadOnlySpan<double>)[xx, xy, dx, yx, yy, dy]).CopyTo(a[(i * 6)..]);
        }
    }

    // Random numbers of a batch: image i, place j; image 0's for all when siamese.
    private double At(int image, int place) => _parameters.Split((ulong)place).UniformAt(siamese ? 0 : image);

    private int Whole(int image, int place, int bound) =>
        _parameters.Split((ulong)place).Below(bound, siamese ? 0 : image);

    private void Write(Tensor y, int place, double low, double high)
    {
        if (siamese)
            y.Backend.Fill(y, Between(At(0, place), low, high));
        else
            y.Backend.Uniform(_parameters.Split((ulong)place), low, high, y);
    }

    private static double Between(double uniform, double low, double high) => low + uniform * (high - low);
}
