using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Nn;

/// <summary>
/// The augmentation by which the code of DC (Zhao, Mopuri and Bilen, ICLR 2021; DatasetCondensation, utils.augment with
/// the strategy crop_scale_rotate) trains the networks that evaluate sets of MNIST. Each image is cropped, scaled or
/// turned, each in one case of three:
/// <list type="bullet">
/// <item>cropped out of itself within a border of 4 pixels, by a shift of −4 … 3 down and right (not 4: the code draws
/// below 8); the border is the channel's mean over the batch;</item>
/// <item>scaled to whole numbers of rows and columns, each drawn from 0.8 … 1.2 of the side and rounded down, by the
/// nearest pixel, and put into the middle; what stays empty is 0, the mean pixel of the data;</item>
/// <item>turned by a whole number of degrees, −45 … 44, with cubic splines (scipy.ndimage.rotate), and cut out of the
/// middle; what lies outside is the mean of the channels' means.</item>
/// </list>
/// DC also has noise of 0.001, drawn only for networks with batch norm, of which there is none here. The code takes the
/// height for both sides, so images must be square. Linear in the images; NaN spreads over the channel by its mean.
/// </summary>
public static class DcAugmentation
{
    private const int Border = 4, MostDegrees = 45, Taps = CubicSpline.Taps;
    private const double LargestChange = 0.2;

    /// <summary>What is done to an image.</summary>
    public enum Move
    {
        /// <summary>A shift; A and B are where the cut begins in the padded image, 0 … 7 from above and left.</summary>
        Crop,

        /// <summary>Another size; A and B are its rows and columns.</summary>
        Scale,

        /// <summary>A turn by A degrees.</summary>
        Rotate,
    }

    /// <summary>What an image has drawn.</summary>
    public readonly record struct Drawn(Move Move, int A, int B);

    /// <summary>The draws for a number of images of a side; all are image 0's where the draw is siamese.</summary>
    public static Drawn[] Draw(int images, int side, RandomKey key, bool siamese)
    {
        RandomKey ops = key.Split("op"), parameters = key.Split("parameters");
        RandomKey first = parameters.Split(0), second = parameters.Split(1);
        var drawn = new Drawn[images];
        for (int i = 0; i < images; i++)
        {
            int at = siamese ? 0 : i;
            drawn[i] = (Move)ops.Below(3, at) switch
            {
                Move.Crop => new(Move.Crop, first.Below(2 * Border, at), second.Below(2 * Border, at)),
                Move.Scale => new(Move.Scale, Scaled(first.UniformAt(at)), Scaled(second.UniformAt(at))),
                _ => new(Move.Rotate, first.Below(2 * MostDegrees, at) - MostDegrees, 0),
            };
        }
        return drawn;

        int Scaled(double uniform) => (int)((1 - LargestChange + 2 * LargestChange * uniform) * side);
    }

    /// <summary>Augmented images [N, C, H, H]; the same key gives the same random numbers.</summary>
    /// <exception cref="ShapeException">The images are not square.</exception>
    public static Variable Apply(Variable images, RandomKey key, bool siamese) => images.Shape[2] == images.Shape[3]
        ? Apply(images, Draw(images.Shape[0], images.Shape[2], key, siamese))
        : throw new ShapeException($"DC's augmentation takes square images, got {images.Shape}.");

    /// <summary>The same with what each image has drawn.</summary>
    public static Variable Apply(Variable images, IReadOnlyList<Drawn> drawn)
    {
        (int n, int c, int side) = (images.Shape[0], images.Shape[1], images.Shape[2]);
        Variable means = images.SumTo(new Shape(1, c, 1, 1)) / Math.Max(1, n * side * side);
        int[] moved = [.. Enumerable.Range(0, n).Where(i => drawn[i].Move != Move.Rotate)];
        int[] turned = [.. Enumerable.Range(0, n).Where(i => drawn[i].Move == Move.Rotate)];
        if (turned.Length == 0)
            return Moved(images, [.. drawn], means);
        if (moved.Length == 0)
            return Turned(images, [.. drawn], means);
        Variable first = Moved(images.GatherRows(moved), [.. moved.Select(i => drawn[i])], means);
        Variable second = Turned(images.GatherRows(turned), [.. turned.Select(i => drawn[i])], means);
        return new ScatterRows(moved, n).On(first) + new ScatterRows(turned, n).On(second);
    }

    // Cropped and scaled: each pixel is one of the image, the channel's mean, or 0.
    private static Variable Moved(Variable images, Drawn[] drawn, Variable means)
    {
        (int n, int c, int side) = (images.Shape[0], images.Shape[1], images.Shape[2]);
        int plane = side * side;
        var sources = new int[n * c * plane];
        double[] kept = new double[n * plane], filled = new double[n * plane];
        for (int i = 0; i < n; i++)
        {
            for (int p = 0; p < plane; p++)
            {
                int source = SourceOf(drawn[i], p / side, p % side, side);
                kept[i * plane + p] = source >= 0 ? 1 : 0;
                filled[i * plane + p] = source < 0 && drawn[i].Move == Move.Crop ? 1 : 0;
                for (int k = 0; k < c; k++)
                    sources[(i * c + k) * plane + p] = (i * c + k) * plane + Math.Max(0, source);
            }
        }
        Variable found = images.Reshape(new Shape(images.Shape.Count)).GatherRows(sources).Reshape(images.Shape);
        return found * Mask(images, kept) + Mask(images, filled) * means;
    }

    // The number of the pixel that comes to a place, or −1 for none.
    private static int SourceOf(Drawn drawn, int row, int column, int side)
    {
        if (drawn.Move == Move.Crop)
        {
            (int y, int x) = (row + drawn.A - Border, column + drawn.B - Border);
            return y >= 0 && y < side && x >= 0 && x < side ? y * side + x : -1;
        }
        // A canvas of the larger size, the scaled image in its middle, and the middle of the canvas cut out.
        (int h, int w) = (drawn.A, drawn.B);
        int canvas = Math.Max(Math.Max(h, w), side), cut = (canvas - side) / 2;
        (int scaledY, int scaledX) = (row + cut - (canvas - h) / 2, column + cut - (canvas - w) / 2);
        return scaledY >= 0 && scaledY < h && scaledX >= 0 && scaledX < w
            ? Nearest(scaledY, h, side) * side + Nearest(scaledX, w, side)
            : -1;
    }

    // PyTorch's nearest neighbour, in float32 as there.
    private static int Nearest(int at, int size, int side) =>
        Math.Min((int)MathF.Floor(at * ((float)side / size)), side - 1);

    private static Variable Turned(Variable images, Drawn[] drawn, Variable means)
    {
        (int n, int c, int side) = (images.Shape[0], images.Shape[1], images.Shape[2]);
        int plane = side * side;
        var coefficients = Variable.Constant(Tensor.From(
            images.Value.Backend, images.Value.DType, CubicSpline.Coefficients(side), new Shape(side, side)));
        // The matrix on the rows of every plane is a 1×1 convolution that takes rows for channels.
        Variable spline = images.Reshape(new Shape(n * c, side, 1, side))
            .Conv2d(coefficients.Reshape(new Shape(side, side, 1, 1)))
            .Reshape(new Shape(n * c * side, side)).MatMul(coefficients, transposeB: true)
            .Reshape(new Shape(images.Shape.Count));
        var outside = new double[n * plane];
        double[][] weights = [.. Enumerable.Range(0, Taps * Taps).Select(_ => new double[n * plane])];
        int[][] sources = [.. Enumerable.Range(0, Taps * Taps).Select(_ => new int[n * c * plane])];
        Span<double> ofRow = stackalloc double[Taps], ofColumn = stackalloc double[Taps];
        for (int i = 0; i < n; i++)
        {
            var turn = new Turn(drawn[i].A, side);
            for (int p = 0; p < plane; p++)
            {
                (double y, double x) = turn.SourceOf(p / side, p % side);
                bool isInside = y >= 0 && y <= side - 1 && x >= 0 && x <= side - 1;
                outside[i * plane + p] = isInside ? 0 : 1;
                int top = CubicSpline.Weights(y, ofRow), left = CubicSpline.Weights(x, ofColumn);
                for (int t = 0; t < Taps * Taps; t++)
                {
                    int source = 0;
                    if (isInside)
                    {
                        weights[t][i * plane + p] = ofRow[t / Taps] * ofColumn[t % Taps];
                        int row = CubicSpline.Mirrored(top + t / Taps, side);
                        source = row * side + CubicSpline.Mirrored(left + t % Taps, side);
                    }
                    for (int k = 0; k < c; k++)
                        sources[t][(i * c + k) * plane + p] = (i * c + k) * plane + source;
                }
            }
        }
        Variable result = Mask(images, outside) * (means.Sum() / c);
        for (int t = 0; t < Taps * Taps; t++)
            result += spline.GatherRows(sources[t]).Reshape(images.Shape) * Mask(images, weights[t]);
        return result;
    }

    private static Variable Mask(Variable like, double[] values) => Variable.Constant(Tensor.From(
        like.Value.Backend, like.Value.DType, values, new Shape(like.Shape[0], 1, like.Shape[2], like.Shape[3])));

    // Where the pixels of a turned image that is cut out of the middle come from; the turned image is so large that all
    // of it fits.
    private readonly struct Turn
    {
        private readonly double _cos, _sin, _offsetY, _offsetX;
        private readonly int _top, _left;

        public Turn(int degrees, int side)
        {
            (_sin, _cos) = Math.SinCos(degrees * Math.PI / 180);
            int size = (int)(Math.Abs(_cos) * side + Math.Abs(_sin) * side + 0.5);
            double inMiddle = (side - 1) / 2.0, outMiddle = (size - 1) / 2.0;
            (_offsetY, _offsetX) = (inMiddle - (_cos + _sin) * outMiddle, inMiddle - (_cos - _sin) * outMiddle);
            _top = _left = (size - side) / 2;
        }

        public (double Y, double X) SourceOf(int row, int column)
        {
            (double y, double x) = (row + _top, column + _left);
            return (_cos * y + _sin * x + _offsetY, _cos * x - _sin * y + _offsetX);
        }
    }
}
