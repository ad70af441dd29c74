namespace InfMatch.Tensors;

/// <summary>The sizes of a 2-D filter, and how it moves.</summary>
/// <param name="K">Channels of the output.</param>
/// <param name="R">Rows.</param>
/// <param name="S">Columns.</param>
/// <param name="Stride">Pixels from one place to the next.</param>
/// <param name="Padding">Zeros on every side of the input.</param>
public sealed record Conv2dFilter(int K, int R, int S, int Stride = 1, int Padding = 0);

/// <summary>
/// All sizes of a 2-D convolution: x [N, C, H, W] * w [K, C, R, S] → y [N, K, OH, OW], zero padding on all sides.
/// The three forms of the convolution carry it instead of deriving sizes from shapes, because H and W cannot be
/// recovered from OH and OW when the stride leaves a remainder.
/// </summary>
/// <param name="N">Images.</param>
/// <param name="C">Channels of x.</param>
/// <param name="H">Rows of x.</param>
/// <param name="W">Columns of x.</param>
/// <param name="Filter">What it is convolved with.</param>
public sealed record Conv2dGeometry(int N, int C, int H, int W, Conv2dFilter Filter)
{
    /// <summary>Channels of y.</summary>
    public int K => Filter.K;

    /// <summary>Rows of the filter.</summary>
    public int R => Filter.R;

    /// <summary>Columns of the filter.</summary>
    public int S => Filter.S;

    /// <summary>Pixels from one place of the filter to the next.</summary>
    public int Stride => Filter.Stride;

    /// <summary>Zeros on every side of x.</summary>
    public int Padding => Filter.Padding;

    /// <summary>Output height.</summary>
    public int OutH => (H + 2 * Padding - R) / Stride + 1;

    /// <summary>Output width.</summary>
    public int OutW => (W + 2 * Padding - S) / Stride + 1;

    /// <summary>[N, C, H, W].</summary>
    public Shape Input => new(N, C, H, W);

    /// <summary>[K, C, R, S].</summary>
    public Shape Weight => new(K, C, R, S);

    /// <summary>[N, K, OH, OW].</summary>
    public Shape Output => new(N, K, OutH, OutW);

    /// <summary>The geometry of x convolved with w.</summary>
    /// <exception cref="ShapeException">Ranks, channels, stride or padding do not fit, or the kernel is larger than
    /// the padded input.</exception>
    public static Conv2dGeometry Infer(Shape x, Shape w, int stride, int padding)
    {
        if (x.Rank != 4 || w.Rank != 4)
            throw new ShapeException($"Conv2d takes x [N, C, H, W] and w [K, C, R, S], got {x} and {w}.");
        if (x[1] != w[1])
            throw new ShapeException($"Conv2d: the input {x} has {x[1]} channels, the weight {w} expects {w[1]}.");
        if (stride < 1 || padding < 0)
            throw new ShapeException($"Conv2d: stride {stride} must be at least 1 and padding {padding} at least 0.");
        if (x[2] + 2 * padding < w[2] || x[3] + 2 * padding < w[3])
        {
            throw new ShapeException(
                $"Conv2d: input {x} is smaller than the {w[2]}×{w[3]} kernel after padding {padding}.");
        }
        return new Conv2dGeometry(x[0], x[1], x[2], x[3], new Conv2dFilter(w[0], w[2], w[3], stride, padding));
    }
}

/// <summary>
/// All sizes of non-overlapping average pooling: x [N, C, H, W] → y [N, C, ⌊H/P⌋, ⌊W/P⌋]. Rows and columns that do not
/// fill a window are left out, as in PyTorch's default.
/// </summary>
public sealed record Pool2dGeometry(int N, int C, int H, int W, int Window)
{
    /// <summary>Output height.</summary>
    public int OutH => H / Window;

    /// <summary>Output width.</summary>
    public int OutW => W / Window;

    /// <summary>[N, C, H, W].</summary>
    public Shape Input => new(N, C, H, W);

    /// <summary>[N, C, ⌊H/P⌋, ⌊W/P⌋].</summary>
    public Shape Output => new(N, C, OutH, OutW);

    /// <summary>The geometry of x pooled by windows of P×P.</summary>
    /// <exception cref="ShapeException">x is not of rank 4, or the window is larger than the image.</exception>
    public static Pool2dGeometry Infer(Shape x, int window)
    {
        if (x.Rank != 4)
            throw new ShapeException($"Pooling takes x [N, C, H, W], got {x}.");
        if (window < 1 || window > x[2] || window > x[3])
            throw new ShapeException($"Pooling: a window of {window}×{window} does not fit images of {x[2]}×{x[3]}.");
        return new Pool2dGeometry(x[0], x[1], x[2], x[3], window);
    }
}
