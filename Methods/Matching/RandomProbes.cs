using System.Numerics;
using InfMatch.Autograd;
using InfMatch.Tensors;

namespace InfMatch.Methods;

/// <summary>
/// Projections of vectors [1, d] on random unit vectors: rows of a Hadamard matrix whose columns have random signs (Ailon and
/// Chazelle, "The fast Johnson-Lindenstrauss transform", 2009), cut to d columns. On one of them a vector that is not nearly along
/// an axis has a projection that is close to normal, as on a random unit vector; all of them together cost two products of √d×√d
/// matrices, where a matrix of n random vectors has n·d numbers (for 4,096 probes of 51,200 features 210 million an update).
/// </summary>
public sealed class RandomProbes
{
    private readonly Variable _signs, _rows, _columns;
    private readonly int[] _chosen;

    /// <summary>Probes of a key; the tensors belong to the current scope.</summary>
    /// <param name="like">A tensor whose device and number type they take.</param>
    /// <param name="size">d.</param>
    /// <param name="count">n; no more than the smallest power of two from d on are different.</param>
    /// <param name="key">What they follow from.</param>
    public RandomProbes(Tensor like, int size, int count, RandomKey key)
    {
        int bits = Math.Max(1, BitOperations.Log2((uint)size - 1) + 1);
        int padded = 1 << bits, rows = 1 << (bits / 2);
        var signs = new double[padded];
        key.Split("signs").Uniform(signs);
        double length = 1 / Math.Sqrt(size);
        for (int i = 0; i < padded; i++)
            signs[i] = i >= size ? 0 : signs[i] < 0.5 ? -length : length;
        _signs = Variable.Constant(Tensor.From(like.Backend, like.DType, signs, new Shape(1, padded)));
        _rows = Hadamard(like, rows);
        _columns = Hadamard(like, padded / rows);
        _chosen = count >= padded
            ? [.. Enumerable.Range(0, padded)]
            : [.. key.Split("rows").Permutation(padded).Take(count)];
    }

    /// <summary>The number of probes.</summary>
    public int Count => _chosen.Length;

    /// <summary>The projections [1, n] of a vector [1, d].</summary>
    /// <exception cref="ShapeException">It has not d numbers.</exception>
    public Variable Project(Variable x)
    {
        int padded = _signs.Shape[1];
        Variable signed = x.Pad(1, 0, padded - x.Shape[1]) * _signs;
        Variable both = _rows.MatMul(signed.Reshape(new Shape(_rows.Shape[0], _columns.Shape[0]))).MatMul(_columns);
        return both.Reshape(new Shape(padded, 1)).GatherRows(_chosen).Reshape(new Shape(1, Count));
    }

    // Sylvester's matrix of ±1, which is symmetric.
    private static Variable Hadamard(Tensor like, int size)
    {
        var values = new double[size * size];
        for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++)
            values[i * size + j] = BitOperations.PopCount((uint)(i & j)) % 2 == 0 ? 1 : -1;
        return Variable.Constant(Tensor.From(like.Backend, like.DType, values, new Shape(size, size)));
    }
}
