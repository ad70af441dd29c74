using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Onnx;

/// <summary>A stored value.</summary>
internal sealed class ConstantOperator : OnnxOperator
{
    public override string Name => "Constant";

    public override OnnxValue[] Run(OnnxUse use) => [use.Stored("value")];
}

/// <summary>The value itself.</summary>
internal sealed class IdentityOperator : OnnxOperator
{
    public override string Name => "Identity";

    public override OnnxValue[] Run(OnnxUse use) => [use.Input(0)];
}

/// <summary>The sizes of a value.</summary>
internal sealed class ShapeOperator : OnnxOperator
{
    public override string Name => "Shape";

    public override OnnxValue[] Run(OnnxUse use)
    {
        long[] sizes = [.. use.Input(0).Shape.Sizes.ToArray().Select(s => (long)s)];
        return [OnnxValue.Of(sizes, new Shape(sizes.Length))];
    }
}

/// <summary>Whole numbers as float32, or the other way, cut.</summary>
internal sealed class CastOperator : OnnxOperator
{
    public override string Name => "Cast";

    public override OnnxValue[] Run(OnnxUse use)
    {
        const long Float = 1, Int32 = 6, Int64 = 7;
        OnnxValue x = use.Input(0);
        long to = use.Setting("to", 0L);
        if (to is not (Float or Int32 or Int64))
            throw use.Fail($"numbers of type {to} are not made here");
        if (x.IsWhole == (to != Float))
            return [x];
        return x.IsWhole
            ? [OnnxValue.Of(Tensor.From<float>(use.Backend, Array.ConvertAll(x.Whole.ToArray(), i => (float)i), x.Shape))]
            : [OnnxValue.Of(Array.ConvertAll(x.Numbers.Value.ToArray<float>(), f => (long)f), x.Shape)];
    }
}

/// <summary>Other sizes for the same numbers: 0 keeps a size, −1 is what is left.</summary>
internal sealed class ReshapeOperator : OnnxOperator
{
    public override string Name => "Reshape";

    public override OnnxValue[] Run(OnnxUse use)
    {
        OnnxValue x = use.Input(0);
        long[] asked = use.Whole(1);
        int[] sizes = [.. asked.Select((s, i) => s == 0 && i < x.Shape.Rank ? x.Shape[i] : checked((int)s))];
        int free = Array.IndexOf(sizes, -1);
        if (free >= 0)
        {
            int others = sizes.Where((_, i) => i != free).Aggregate(1, (n, s) => checked(n * s));
            sizes[free] = others > 0 && x.Shape.Count % others == 0 ? x.Shape.Count / others : -1;
        }
        if (sizes.Any(s => s < 0) || sizes.Aggregate(1L, (n, s) => n * s) != x.Shape.Count)
            throw use.Fail($"the sizes [{string.Join(", ", asked)}] do not fit {x.Shape.Count} numbers");
        return [Reshaped(x, new Shape(sizes))];
    }

    public static OnnxValue Reshaped(OnnxValue x, Shape shape) =>
        x.IsWhole ? OnnxValue.Of(x.Whole.ToArray(), shape) : OnnxValue.Of(x.Numbers.Reshape(shape));
}

/// <summary>All axes from one on become one.</summary>
internal sealed class FlattenOperator : OnnxOperator
{
    public override string Name => "Flatten";

    public override OnnxValue[] Run(OnnxUse use)
    {
        OnnxValue x = use.Input(0);
        long asked = use.Setting("axis", 1L);
        int axis = asked == x.Shape.Rank ? x.Shape.Rank : use.Axis(asked, x.Shape.Rank);
        int rows = x.Shape.Sizes[..axis].ToArray().Aggregate(1, (n, s) => n * s);
        return [ReshapeOperator.Reshaped(x, new Shape(rows, rows == 0 ? 0 : x.Shape.Count / rows))];
    }
}

/// <summary>New axes of size 1.</summary>
internal sealed class UnsqueezeOperator : OnnxOperator
{
    public override string Name => "Unsqueeze";

    public override OnnxValue[] Run(OnnxUse use)
    {
        OnnxValue x = use.Input(0);
        long[] asked = use.Version < 13 ? use.List("axes") ?? throw use.Fail("it has no axes") : use.Whole(1);
        int rank = x.Shape.Rank + asked.Length;
        HashSet<int> added = [.. asked.Select(a => use.Axis(a, rank))];
        if (added.Count != asked.Length)
            throw use.Fail("an axis is named twice");
        int[] sizes = x.Shape.Sizes.ToArray();
        int next = 0;
        return [ReshapeOperator.Reshaped(x, new Shape([.. Enumerable.Range(0, rank).Select(i => added.Contains(i) ? 1 : sizes[next++])]))];
    }
}

/// <summary>Axes in another order.</summary>
internal sealed class TransposeOperator : OnnxOperator
{
    public override string Name => "Transpose";

    public override OnnxValue[] Run(OnnxUse use)
    {
        Variable x = use.Numbers(0);
        int rank = x.Shape.Rank;
        int[] order = use.List("perm")?.Select(p => use.Axis(p, rank)).ToArray() ?? [.. Enumerable.Range(0, rank).Reverse()];
        if (order.Length != rank || order.Distinct().Count() != rank)
            throw use.Fail($"[{string.Join(", ", order)}] is no order of {rank} axes");
        int[] strides = new int[rank], sizes = [.. order.Select(o => x.Shape[o])];
        for (int i = rank - 1, step = 1; i >= 0; step *= x.Shape[i--])
            strides[i] = step;
        int[] steps = [.. order.Select(o => strides[o])];
        float[] source = x.Value.ToArray<float>(), result = new float[source.Length];
        int[] index = new int[rank];
        for (int to = 0, from = 0; to < result.Length; to++)
        {
            result[to] = source[from];
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                from += steps[axis];
                if (++index[axis] < sizes[axis])
                    break;
                from -= steps[axis] * sizes[axis];
                index[axis] = 0;
            }
        }
        return [OnnxValue.Of(Tensor.From<float>(use.Backend, result, new Shape(sizes)))];
    }
}

/// <summary>Values one behind the other along an axis.</summary>
internal sealed class ConcatOperator : OnnxOperator
{
    public override string Name => "Concat";

    public override OnnxValue[] Run(OnnxUse use)
    {
        OnnxValue[] parts = [.. Enumerable.Range(0, use.InputCount).Select(use.Input)];
        int axis = use.Axis(use.Setting("axis", 0L), parts[0].Shape.Rank);
        if (!parts[0].IsWhole)
            return [OnnxValue.Of(Functional.Concat(axis, [.. Enumerable.Range(0, parts.Length).Select(use.Numbers)]))];
        if (parts.Any(p => p.Shape.Rank != 1))
            throw use.Fail("whole numbers are joined as lists only");
        long[] joined = [.. Enumerable.Range(0, parts.Length).SelectMany(use.Whole)];
        return [OnnxValue.Of(joined, new Shape(joined.Length))];
    }
}

/// <summary>A value cut along an axis into parts.</summary>
internal sealed class SplitOperator : OnnxOperator
{
    public override string Name => "Split";

    public override OnnxValue[] Run(OnnxUse use)
    {
        Variable x = use.Numbers(0);
        int axis = use.Axis(use.Setting("axis", 0L), x.Shape.Rank), count = use.OutputCount;
        long[] sizes = (use.Version < 13 ? use.List("split") : use.Has(1) ? use.Whole(1) : null)
            ?? [.. Enumerable.Repeat((long)(x.Shape[axis] / Math.Max(1, count)), count)];
        if (sizes.Length != count || sizes.Any(s => s < 0) || sizes.Sum() != x.Shape[axis])
            throw use.Fail($"parts of [{string.Join(", ", sizes)}] do not make {x.Shape[axis]} places in {count} outputs");
        var parts = new OnnxValue[count];
        for (int i = 0, start = 0; i < count; start += (int)sizes[i++])
            parts[i] = OnnxValue.Of(x.Slice(axis, start..(start + (int)sizes[i])));
        return parts;
    }
}

/// <summary>Ranges of places along axes, one place after another.</summary>
internal sealed class SliceOperator : OnnxOperator
{
    public override string Name => "Slice";

    public override OnnxValue[] Run(OnnxUse use)
    {
        OnnxValue x = use.Input(0);
        bool isOld = use.Version < 10;
        long[] starts = isOld ? use.List("starts") ?? [] : use.Whole(1), ends = isOld ? use.List("ends") ?? [] : use.Whole(2);
        long[] axes = (isOld ? use.List("axes") : use.Has(3) ? use.Whole(3) : null)
            ?? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)];
        if (use.Has(4) && !isOld && use.Whole(4).Any(step => step != 1))
            throw use.Fail("only steps of 1 are computed here");
        if (starts.Length != ends.Length || starts.Length != axes.Length)
            throw use.Fail("starts, ends and axes are not as many");
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = use.Axis(axes[i], x.Shape.Rank), size = x.Shape[axis];
            int start = Clamp(starts[i], size), end = Math.Max(start, Clamp(ends[i], size));
            x = x.IsWhole ? Cut(x, axis, start, end) : OnnxValue.Of(x.Numbers.Slice(axis, start..end));
        }
        return [x];
    }

    private static int Clamp(long place, int size) => (int)Math.Clamp(place < 0 ? place + size : place, 0, size);

    private static OnnxValue Cut(OnnxValue x, int axis, int start, int end)
    {
        int inner = x.Shape.Sizes[(axis + 1)..].ToArray().Aggregate(1, (n, s) => n * s), size = x.Shape[axis];
        long[] all = x.Whole.ToArray();
        int[] sizes = x.Shape.Sizes.ToArray();
        sizes[axis] = end - start;
        return OnnxValue.Of(
            [.. Enumerable.Range(0, all.Length).Where(i => i / inner % size >= start && i / inner % size < end).Select(i => all[i])],
            new Shape(sizes));
    }
}

/// <summary>The rows of a table [V, ..] that indices of any shape name.</summary>
internal sealed class GatherOperator : OnnxOperator
{
    public override string Name => "Gather";

    public override OnnxValue[] Run(OnnxUse use)
    {
        OnnxValue x = use.Input(0);
        long[] asked = use.Whole(1);
        if (x.Shape.Rank == 0 || use.Axis(use.Setting("axis", 0L), x.Shape.Rank) != 0)
            throw use.Fail("only the first axis of a table is computed here");
        int rows = x.Shape[0];
        int[] indices = Array.ConvertAll(asked, i => i >= -rows && i < rows
            ? (int)(i < 0 ? i + rows : i)
            : throw use.Fail($"the index {i} is not among {rows} rows"));
        var shape = new Shape([.. use.Input(1).Shape.Sizes, .. x.Shape.Sizes[1..]]);
        int width = x.Shape.Count / Math.Max(1, rows);
        if (!x.IsWhole)
            return [OnnxValue.Of(x.Numbers.Reshape(new Shape(rows, width)).GatherRows(indices).Reshape(shape))];
        long[] all = x.Whole.ToArray();
        return [OnnxValue.Of([.. indices.SelectMany(i => all.Skip(i * width).Take(width))], shape)];
    }
}
