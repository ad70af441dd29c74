using System.Diagnostics.CodeAnalysis;

namespace InfMatch.Tensors;

/// <summary>
/// The sizes of a tensor's dimensions, outermost first; row-major and contiguous always. Every rule that infers a
/// shape is in this type, so that an operation and its backends cannot disagree.
/// </summary>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int[]? _sizes;
    private readonly int _count;

    /// <summary>A shape of the given sizes; no sizes at all is the shape of a scalar.</summary>
    /// <exception cref="ShapeException">A size is negative, or the element count passes 2³¹−1.</exception>
    public Shape(params ReadOnlySpan<int> sizes)
    {
        long count = 1;
        foreach (int size in sizes)
        {
            if (size < 0)
                throw new ShapeException($"A size of a shape cannot be negative: got {Text(sizes)}.");
            count *= size;
            if (count > int.MaxValue)
                throw new ShapeException($"The shape {Text(sizes)} has more than 2^31 - 1 elements. Split the batch.");
        }
        _sizes = sizes.ToArray();
        _count = (int)count;
    }

    /// <summary>The shape of one number, rank 0.</summary>
    public static Shape Scalar => default;

    /// <summary>The number of elements.</summary>
    public int Count => _sizes is null ? 1 : _count;

    /// <summary>The number of dimensions.</summary>
    public int Rank => Sizes.Length;

    /// <summary>The sizes, outermost first.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    /// <summary>The size of one dimension; ^1 is the innermost.</summary>
    public int this[Index dimension] => Sizes[dimension];

    /// <summary>The NumPy broadcast of two shapes: aligned at the right, a size of 1 stretches.</summary>
    /// <exception cref="ShapeException">Two sizes differ and neither is 1.</exception>
    public static Shape Broadcast(Shape a, Shape b)
    {
        if (a == b)
            return a;
        var sizes = new int[Math.Max(a.Rank, b.Rank)];
        for (int i = 1; i <= sizes.Length; i++)
        {
            int p = i <= a.Rank ? a[^i] : 1, q = i <= b.Rank ? b[^i] : 1;
            if (p != q && p != 1 && q != 1)
            {
                throw new ShapeException(
                    $"The shapes {a} and {b} do not broadcast: dimension {sizes.Length - i} has {p} on the left and " +
                    $"{q} on the right. Equal sizes or a size of 1 are needed.");
            }
            sizes[^i] = p == 1 ? q : p;
        }
        return new Shape(sizes);
    }

    /// <summary>Checks that <paramref name="from"/> broadcasts to exactly <paramref name="to"/>.</summary>
    /// <exception cref="ShapeException">It does not.</exception>
    public static Shape BroadcastTo(Shape from, Shape to) =>
        from.Rank <= to.Rank && Broadcast(from, to) == to
            ? to
            : throw new ShapeException($"The shape {from} cannot be broadcast to {to}.");

    /// <summary>The shape of op(A)·op(B), where op transposes if asked: [M, K]·[K, N] → [M, N].</summary>
    /// <exception cref="ShapeException">A rank is not 2, or the inner sizes differ.</exception>
    public static Shape MatMul(Shape a, bool transposeA, Shape b, bool transposeB)
    {
        if (a.Rank != 2 || b.Rank != 2)
            throw new ShapeException($"MatMul takes two matrices, got {a} and {b}. Reshape them to rank 2.");
        (int m, int k) = transposeA ? (a[1], a[0]) : (a[0], a[1]);
        (int k2, int n) = transposeB ? (b[1], b[0]) : (b[0], b[1]);
        if (k != k2)
        {
            throw new ShapeException(
                $"MatMul: inner sizes differ: left {a}{(transposeA ? " transposed" : "")} has {k} columns, right " +
                $"{b}{(transposeB ? " transposed" : "")} has {k2} rows. If the right one is stored as [out, in], " +
                "transpose it.");
        }
        return new Shape(m, n);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Sizes.SequenceEqual(other.Sizes);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int size in Sizes)
            hash.Add(size);
        return hash.ToHashCode();
    }

    /// <summary>Equal sizes in the same order.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Any size or the rank differs.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>The sizes as text, for example [50, 3, 32, 32].</summary>
    public override string ToString() => Text(Sizes);

    private static string Text(ReadOnlySpan<int> sizes) => $"[{string.Join(", ", sizes.ToArray())}]";
}
