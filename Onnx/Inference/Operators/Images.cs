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
        Window window = Window.Of(use, [], "kernel_shape");
        (int height, int width) = (x.Shape[2], x.Shape[3]);
        (int top, int left, int bottom, int right) = window.Padding;
        if (height + top + bottom < window.Height || width + left + right < window.Width)
            throw use.Fail("the window is larger than the image");
        if (Math.Max(top, bottom) >= window.Height || Math.Max(left, right) >= window.Width)
            throw use.Fail("a window may see zeros alone");
        int rows = (height + top + bottom - window.Height) / window.Stride + 1;
        int columns = (width + left + right - window.Width) / window.Stride + 1;
        Variable pooled = Pool(x, window, new Shape(x.Shape[0], x.Shape[1], rows, columns), use.Setting("count_include_pad", 0L) != 0);
        return [OnnxValue.Of(pooled.Reshape(new Shape(x.Shape[0], x.Shape[1], rows, columns)))];
    }

    /// <summary>What is made of windows.</summary>
    /// <param name="x">Images [N, C, H, W].</param>
    /// <param name="window">How a window moves.</param>
    /// <param name="result">[N, C, rows, columns] of windows.</param>
    /// <param name="countsPadding">Whether zeros around the image count.</param>
    protected abstract Variable Pool(Variable x, Window window, Shape result, bool countsPadding);

    /// <summary>What is made of windows along columns and then along rows, as a window's height and width may be taken one behind
    /// the other.</summary>
    /// <param name="x">Images [N, C, H, W].</param>
    /// <param name="window">How a window moves.</param>
    /// <param name="result">[N, C, rows, columns] of windows.</param>
    /// <param name="clamp">Whether a place outside the image is the nearest one inside; else all must be inside.</param>
    /// <param name="together">Of [places, numbers] one number for all places.</param>
    protected static Variable OfLines(Variable x, Window window, Shape result, bool clamp, Func<Variable, Variable> together)
    {
        (int planes, int height, int width, int rows, int columns) = (x.Shape[0] * x.Shape[1], x.Shape[2], x.Shape[3], result[2], result[3]);
        (int top, int left) = clamp ? (window.Padding.Top, window.Padding.Left) : (0, 0);
        int[] seen = Seen(planes, height, rows, window.Height, window.Stride, top);
        Variable lines = together(x.Reshape(new Shape(planes * height, width)).GatherRows(seen)
            .Reshape(new Shape(window.Height, planes * rows * width)));
        seen = Seen(planes * rows, width, columns, window.Width, window.Stride, left);
        return together(lines.GatherRows(seen).Reshape(new Shape(window.Width, result.Count)));
    }

    // Where windows along lines of a size look: place by place of a window, line by line.
    private static int[] Seen(int lines, int size, int windows, int places, int stride, int before)
    {
        var seen = new int[places * lines * windows];
        for (int place = 0, i = 0; place < places; place++)
        for (int line = 0; line < lines; line++)
        for (int w = 0; w < windows; w++)
            seen[i++] = line * size + Math.Clamp(w * stride - before + place, 0, size - 1);
        return seen;
    }
}

/// <summary>The largest number of each window.</summary>
internal sealed class MaxPoolOperator : PoolOperator
{
    public override string Name => "MaxPool";

    // A place outside repeats one that the window sees anyway.
    protected override Variable Pool(Variable x, Window window, Shape result, bool countsPadding) =>
        OfLines(x, window, result, clamp: true, seen => seen.Max(0));
}

/// <summary>The mean number of each window; padding counts where that is set.</summary>
internal sealed class AveragePoolOperator : PoolOperator
{
    public override string Name => "AveragePool";

    protected override Variable Pool(Variable x, Window window, Shape result, bool countsPadding)
    {
        (int top, int left, int bottom, int right) = window.Padding;
        Variable sum = OfLines(x.Pad(2, top, bottom).Pad(3, left, right), window, result, clamp: false, seen => seen.Sum(0));
        if (countsPadding || (top | left | bottom | right) == 0)
            return sum / (window.Height * window.Width);
        var counts = new double[result.Count];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] = Inside(i / result[3] % result[2] * window.Stride - top, window.Height, x.Shape[2])
                * Inside(i % result[3] * window.Stride - left, window.Width, x.Shape[3]);
        }
        return sum / Variable.Constant(Tensor.From(x.Value.Backend, x.Value.DType, counts, new Shape(counts.Length)));
    }

    private static int Inside(int start, int size, int all) => Math.Min(all, start + size) - Math.Max(0, start);
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
