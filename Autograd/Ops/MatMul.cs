using InfMatch.Tensors;

namespace InfMatch.Autograd;

/// <summary>y [M, N] = op(a)·op(b), where op transposes if asked; closed under differentiation.</summary>
[Formula("Y = A·B, either one transposed if asked", "Ā = Ȳ·Bᵀ, B̄ = Aᵀ·Ȳ")]
public sealed record MatMul(bool TransposeA = false, bool TransposeB = false) : SingleOutputOp, IOpSamples
{
    /// <inheritdoc/>
    protected override Shape InferOne(ReadOnlySpan<Shape> inputs)
    {
        ExpectInputs(inputs, 2);
        return Shape.MatMul(inputs[0], TransposeA, inputs[1], TransposeB);
    }

    /// <inheritdoc/>
    protected override void Compute(Backend on, ReadOnlySpan<Tensor> x, Tensor y) =>
        on.Run(new MatMulCall(x[0], TransposeA, x[1], TransposeB, y));

    /// <inheritdoc/>
    // y = A·B with A = op(a), B = op(b):  Ā = ȳ·Bᵀ,  B̄ = Aᵀ·ȳ, each transposed again where op transposes.
    public override Variable?[] Vjp(Node at)
    {
        (Variable a, Variable b, Variable g) = (at.Inputs[0], at.Inputs[1], at.Cotangent);
        return
        [
            !at.Needs(0) ? null
                : TransposeA ? new MatMul(TransposeB, true).On(b, g)
                : new MatMul(false, !TransposeB).On(g, b),
            !at.Needs(1) ? null
                : TransposeB ? new MatMul(true, TransposeA).On(g, a)
                : new MatMul(!TransposeA, false).On(a, g),
        ];
    }

    /// <inheritdoc/>
    public static IEnumerable<OpSample> Samples() =>
        from size in new[] { (M: 2, K: 3, N: 4), (M: 1, K: 17, N: 1), (M: 5, K: 1, N: 3) }
        from transposeA in new[] { false, true }
        from transposeB in new[] { false, true }
        select new OpSample(
            new MatMul(transposeA, transposeB),
            transposeA ? new Shape(size.K, size.M) : new Shape(size.M, size.K),
            transposeB ? new Shape(size.N, size.K) : new Shape(size.K, size.N))
        {
            LinearIn = [[0], [1]],
            Terms = size.K,
        };

    /// <inheritdoc/>
    public static IEnumerable<OpError> Errors() =>
    [
        new OpError(
            new MatMul(), "left [2, 3] has 3 columns, right [2, 3] has 2 rows", new Shape(2, 3), new Shape(2, 3)),
        new OpError(new MatMul(true), "left [3, 2] transposed has 3 columns", new Shape(3, 2), new Shape(2, 4)),
        new OpError(new MatMul(), "takes two matrices, got [3] and [3, 2]", new Shape(3), new Shape(3, 2)),
        new OpError(new MatMul(), "takes 2 inputs, got 3", new Shape(2, 2), new Shape(2, 2), new Shape(2, 2)),
    ];
}
