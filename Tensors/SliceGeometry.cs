namespace InfMatch.Tensors;

/// <summary>Where a slice lies in a tensor: the places start … start + count − 1 along one axis.</summary>
/// <param name="Whole">The tensor's shape.</param>
/// <param name="Axis">The axis, 0 for the outermost.</param>
/// <param name="Start">The first place.</param>
/// <param name="Count">How many.</param>
public sealed record SliceGeometry(Shape Whole, int Axis, int Start, int Count)
{
    /// <summary>The shape of the slice.</summary>
    public Shape Part => WithSize(Whole, Axis, Count);

    /// <summary>How many pieces of memory the slice has.</summary>
    public int Pieces => Product(Whole.Sizes[..Axis]);

    /// <summary>The numbers of one piece.</summary>
    public int PieceLength => Count * Product(Whole.Sizes[(Axis + 1)..]);

    /// <summary>From the beginning of one piece to that of the next in the tensor.</summary>
    public int Stride => Product(Whole.Sizes[Axis..]);

    /// <summary>Where the first piece begins in the tensor.</summary>
    public int Offset => Start * Product(Whole.Sizes[(Axis + 1)..]);

    /// <summary>A shape with another size along one axis.</summary>
    public static Shape WithSize(Shape shape, int axis, int size)
    {
        int[] sizes = [.. shape.Sizes];
        sizes[axis] = size;
        return new Shape(sizes);
    }

    /// <summary>The place of a slice in a tensor.</summary>
    /// <exception cref="ShapeException">There is no such axis, or the slice leaves the tensor.</exception>
    public static SliceGeometry Infer(Shape whole, int axis, int start, int count)
    {
        if (axis < 0 || axis >= whole.Rank)
            throw new ShapeException($"The shape {whole} has no axis {axis}: its axes are 0 to {whole.Rank - 1}.");
        return start >= 0 && count >= 0 && start <= whole[axis] - count
            ? new SliceGeometry(whole, axis, start, count)
            : throw new ShapeException(
                $"A slice of {count} from place {start} leaves axis {axis} of {whole}, which has {whole[axis]} places.");
    }

    private static int Product(ReadOnlySpan<int> sizes)
    {
        int product = 1;
        foreach (int size in sizes)
            product *= size;
        return product;
    }
}

/// <summary>y = the slice of x.</summary>
public readonly record struct SliceCall(Tensor X, SliceGeometry Geometry, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}

/// <summary>The slice of y = x; the rest of y stays as it is. With a y of zeros the adjoint of
/// <see cref="SliceCall"/>.</summary>
public readonly record struct PutSliceCall(Tensor X, SliceGeometry Geometry, Tensor Y) : IKernelCall
{
    /// <inheritdoc/>
    public DType DType => Y.DType;

    /// <inheritdoc/>
    public Tensor?[] Tensors => [X, Y];
}
