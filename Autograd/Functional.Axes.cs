using InfMatch.Tensors;

namespace InfMatch.Autograd;

// What works along one axis; 0 is the outermost and ^1 the innermost.
public static partial class Functional
{
    /// <summary>The sum along one axis, which is left out or, if kept, has size 1.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable Sum(this Variable x, Index axis, bool keepDims = false)
    {
        int a = AxisOf(x, axis);
        return Reduced(x.SumTo(SliceGeometry.WithSize(x.Shape, a, 1)), a, keepDims);
    }

    /// <summary>The mean along one axis, which is left out or, if kept, has size 1; NaN for none.</summary>
    /// <exception cref="ShapeException">There is no such axis.</exception>
    public static Variable Mean(this Variable x, Index axis, bool keepDims = false) =>
        x.Sum(axis, keepDims) / x.Shape[AxisOf(x, axis)];

    /// <summary>The largest element along one axis, which is left out or, if kept, has size 1; of equal ones a single
    /// one has the derivative, and NaN spreads.</summary>
    /// <exception cref="ShapeException">There is no such axis, or it is empty.</exception>
    public static Variable Max(this Variable x, Index axis, bool keepDims = false) =>
        Fold(x, AxisOf(x, axis), keepDims, Maximum);

    /// <summary>The smallest element along one axis; as <see cref="Max(Variable, Index, bool)"/>.</summary>
    /// <exception cref="ShapeException">There is no such axis, or it is empty.</exception>
    public static Variable Min(this Variable x, Index axis, bool keepDims = false) =>
        Fold(x, AxisOf(x, axis), keepDims, Minimum);

    /// <summary>The largest of all elements, as a scalar; as <see cref="Max(Variable, Index, bool)"/>.</summary>
    /// <exception cref="ShapeException">There are none.</exception>
    public static Variable Max(this Variable x) => x.Reshape(new Shape(x.Shape.Count)).Max(0);

    /// <summary>The smallest of all elements, as a scalar; as <see cref="Max(Variable, Index, bool)"/>.</summary>
    /// <exception cref="ShapeException">There are none.</exception>
    public static Variable Min(this Variable x) => x.Reshape(new Shape(x.Shape.Count)).Min(0);

    /// <summary>The places of a range along one axis, such as <c>x.Slice(1, 2..^1)</c>.</summary>
    /// <exception cref="ShapeException">There is no such axis, or the range leaves it.</exception>
    public static Variable Slice(this Variable x, Index axis, Range range)
    {
        int a = AxisOf(x, axis), size = x.Shape[a];
        int start = range.Start.GetOffset(size), end = range.End.GetOffset(size);
        if (start < 0 || start > size || end < 0 || end > size)
            throw new ShapeException($"The range {range} leaves axis {a} of {x.Shape}, which has {size} places.");
        if (start > end)
            throw new ShapeException($"The range {range} of axis {a} of {x.Shape} ends before it begins.");
        return start == 0 && end == size ? x : new Slice(a, start, end - start).On(x);
    }

    /// <summary>x with zeros before and after it along one axis.</summary>
    /// <exception cref="ShapeException">There is no such axis, or a number is negative.</exception>
    public static Variable Pad(this Variable x, Index axis, int before, int after)
    {
        int a = AxisOf(x, axis);
        if (before < 0 || after < 0)
            throw new ShapeException($"Pad adds zeros, so it takes no negative numbers of them: got {before} and {after}.");
        return new Pad(a, before, before + x.Shape[a] + after).On(x);
    }

    /// <summary>Variables one behind the other along one axis.</summary>
    /// <exception cref="ShapeException">There is no such axis, or sizes along another one differ.</exception>
    public static Variable Concat(Index axis, params ReadOnlySpan<Variable> parts) =>
        new ConcatAlong(parts.IsEmpty ? 0 : AxisOf(parts[0], axis)).On(parts);

    private static int AxisOf(Variable x, Index axis)
    {
        int offset = axis.GetOffset(x.Shape.Rank);
        return offset >= 0 && offset < x.Shape.Rank
            ? offset
            : throw new ShapeException(
                x.Shape.Rank == 0
                    ? $"A scalar has no axis {axis}."
                    : $"The shape {x.Shape} has no axis {axis}: its axes are 0 to {x.Shape.Rank - 1}.");
    }

    private static Variable Reduced(Variable x, int axis, bool keepDims) =>
        keepDims ? x : x.Reshape(new Shape([.. x.Shape.Sizes[..axis], .. x.Shape.Sizes[(axis + 1)..]]));

    // Halves against each other: as many calls as the size has bits. Where the size is odd the halves share an element.
    private static Variable Fold(Variable x, int axis, bool keepDims, Func<Variable, Variable, Variable> choose)
    {
        if (x.Shape[axis] == 0)
            throw new ShapeException($"Axis {axis} of {x.Shape} is empty and has no largest or smallest element.");
        while (x.Shape[axis] is > 1 and int size)
            x = choose(x.Slice(axis, ..((size + 1) / 2)), x.Slice(axis, (size / 2)..));
        return Reduced(x, axis, keepDims);
    }
}
