using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>A convolution of images [N, C, H, W] in one group without dilation.</summary>
internal sealed class ConvOperator : OnnxOperator
{
    public override string Name => "Conv";

    public override OnnxValue[] Run(OnnxUse use)
    {
        (Variable x, Variable w) = (use.Numbers(0), use.Numbers(1));
        use.Require("group", 1, 1);
        use.Require("dilations", 1, 1);
        Window window = Window.Of(use, w.Shape.Rank == 4 ? [w.Shape[2], w.Shape[3]] : [], "kernel_shape");
        (int top, int left, int bottom, int right) = window.Padding;
        bool isEven = top == left && top == bottom && top == right;
        return [OnnxValue.Of((isEven ? x : x.Pad(2, top, bottom).Pad(3, left, right)).Conv2d(
            w, use.Has(2) ? use.Numbers(2) : null, window.Stride, isEven ? top : 0))];
    }
}

/// <summary>(x − mean) / √(variance + ε) · scale + shift of each channel, with stored statistics.</summary>
internal sealed class BatchNormalizationOperator : OnnxOperator
{
    public override string Name => "BatchNormalization";

    public override OnnxValue[] Run(OnnxUse use)
    {
        Variable x = use.Numbers(0);
        use.Require("spatial", 1, 1);
        use.Require("training_mode", 0, 0);
        double epsilon = use.Setting("epsilon", 1e-5f);
        Variable scale = use.Numbers(1) / (use.Numbers(4) + epsilon).Sqrt(), shift = use.Numbers(2) - use.Numbers(3) * scale;
        int[] sizes = [.. Enumerable.Range(0, x.Shape.Rank).Select(i => i == 1 ? x.Shape[1] : 1)];
        return [OnnxValue.Of(x * scale.Reshape(new Shape(sizes)) + shift.Reshape(new Shape(sizes)))];
    }
}

/// <summary>The largest or mean number of each window of images [N, C, H, W].</summary>
internal abstract class PoolOperator : OnnxOperator
{
    public sealed override OnnxValue[] Run(OnnxUse use)
    {
        Variable x = use.Numbers(0);
        use.Require("ceil_mode", 0, 0);
        use.Require("dilations", 1, 1);
        if (x.Shape.Rank != 4)
            throw use.Fail("images [N, C, H, W] were expected");
        return [OnnxValue.Of(Pool(x, Window.Of(use, [], "kernel_shape"), use.Setting("count_include_pad", 0L) != 0, use))];
    }

    /// <summary>What is made of the numbers of a window.</summary>
    /// <param name="window">Those within the image.</param>
    /// <param name="places">By how many a mean is divided.</param>
    protected abstract float Of(ReadOnlySpan<float> window, int places);

    private Variable Pool(Variable x, Window window, bool countsPadding, OnnxUse use)
    {
        (int height, int width, int planes) = (x.Shape[2], x.Shape[3], x.Shape[0] * x.Shape[1]);
        (int top, int left, int bottom, int right) = window.Padding;
        int rows = (height + top + bottom - window.Height) / window.Stride + 1;
        int columns = (width + left + right - window.Width) / window.Stride + 1;
        if (height + top + bottom < window.Height || width + left + right < window.Width)
            throw use.Fail("the window is larger than the image");
        float[] source = x.Value.ToArray<float>(), result = new float[planes * rows * columns];
        Span<float> seen = new float[window.Height * window.Width];
        for (int i = 0; i < result.Length; i++)
        {
            int plane = i / (rows * columns), y = i / columns % rows * window.Stride - top, column = i % columns * window.Stride - left, count = 0;
            for (int v = Math.Max(0, y); v < Math.Min(height, y + window.Height); v++)
            {
                for (int u = Math.Max(0, column); u < Math.Min(width, column + window.Width); u++)
                    seen[count++] = source[(plane * height + v) * width + u];
            }
            result[i] = Of(seen[..count], countsPadding ? seen.Length : count);
        }
        return Variable.Constant(Tensor.From<float>(use.Backend, result, new Shape(x.Shape[0], x.Shape[1], rows, columns)));
    }
}

/// <summary>The largest number of each window.</summary>
internal sealed class MaxPoolOperator : PoolOperator
{
    public override string Name => "MaxPool";

    protected override float Of(ReadOnlySpan<float> window, int places) => System.Numerics.Tensors.TensorPrimitives.Max(window);
}

/// <summary>The mean number of each window; padding counts where that is set.</summary>
internal sealed class AveragePoolOperator : PoolOperator
{
    public override string Name => "AveragePool";

    protected override float Of(ReadOnlySpan<float> window, int places) => System.Numerics.Tensors.TensorPrimitives.Sum(window) / places;
}

/// <summary>The mean of each channel.</summary>
internal sealed class GlobalAveragePoolOperator : OnnxOperator
{
    public override string Name => "GlobalAveragePool";

    public override OnnxValue[] Run(OnnxUse use)
    {
        Variable x = use.Numbers(0);
        if (x.Shape.Rank != 4)
            throw use.Fail("images [N, C, H, W] were expected");
        return [OnnxValue.Of(x.SumTo(new Shape(x.Shape[0], x.Shape[1], 1, 1)) / (x.Shape[2] * x.Shape[3]))];
    }
}

/// <summary>A window that moves over an image: its sizes, its step, and the zeros around the image.</summary>
internal sealed record Window(int Height, int Width, int Stride, (int Top, int Left, int Bottom, int Right) Padding)
{
    /// <summary>The window of a use.</summary>
    /// <exception cref="OnnxModelException">It is of a form that is not computed here.</exception>
    public static Window Of(OnnxUse use, long[] known, string setting)
    {
        long[] sizes = use.List(setting) ?? known, strides = use.List("strides") ?? [1, 1], pads = use.List("pads") ?? [0, 0, 0, 0];
        if (use.Setting("auto_pad", "NOTSET") is not "NOTSET" and string auto)
            throw use.Fail($"the setting auto_pad is {auto}; only NOTSET is computed here");
        if (sizes.Length != 2 || strides.Length != 2 || pads.Length != 4 || strides[0] != strides[1] || strides[0] is < 1 or > int.MaxValue
            || sizes.Any(s => s is < 1 or > 1024) || pads.Any(p => p is < 0 or > 1024))
        {
            throw use.Fail(
                $"a window [{string.Join(", ", sizes)}] with steps [{string.Join(", ", strides)}] and zeros [{string.Join(", ", pads)}] is not " +
                "computed here: two axes and one step for both are");
        }
        return new Window((int)sizes[0], (int)sizes[1], (int)strides[0], ((int)pads[0], (int)pads[1], (int)pads[2], (int)pads[3]));
    }
}
